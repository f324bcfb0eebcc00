//! `mirror ping`

use embedded_registry::images::{Platform, sample_image};
use testkit::CANARY;
use testkit::certificates::Authority;
use testkit::processes::Distribution;
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;

use crate::environment::{TestEnvironment, auth_file};

#[tokio::test(flavor = "multi_thread")]
async fn ping_reports_api_credentials_limits_and_the_right_to_push() {
    let registry = Distribution::new().htpasswd("me", CANARY).start().await;
    let image = sample_image("app", 1, &[Platform::linux("amd64")], 1).unwrap();
    let pusher = Pusher::new(&registry.host()).basic("me", CANARY);
    pusher.bundle(&image, "team/app", Some("v1")).await;
    let proxy = FaultProxy::start(registry.address()).await;
    let limit = |name| Action::SetHeader(name, "76;w=21600".to_owned());
    for name in ["ratelimit-limit", "ratelimit-remaining"] {
        proxy.add(Rule::new("HEAD", "/manifests/latest").does(limit(name)));
    }
    let host = proxy.host();
    let environment = TestEnvironment::new();
    environment.write("auth.json", auth_file(&[(&host, "me", CANARY)]));
    let line = format!("ping {host} --push team/app --authfile auth.json");
    let output = environment.mirror(&line).exits(0);
    for row in [
        format!("registry     {host}\n"),
        format!("api          http://{host}/v2/ responds 401\n"),
        "tls          none\n".to_owned(),
        "credentials  auth.json, user me: accepted\n".to_owned(),
        "referrers    no\n".to_owned(),
        "mounts       yes\n".to_owned(),
        "rate limit   76 of 76 requests left in 21600 s\n".to_owned(),
        format!("push         yes, to {host}/team/app\n"),
    ] {
        assert!(output.stdout.contains(&row), "{row}: {}", output.stdout);
    }
    // The upload was canceled, and nothing was written.
    assert_eq!(proxy.count("DELETE", "/uploads/"), 1);
    assert_eq!(proxy.count("PUT", "") + proxy.count("PATCH", ""), 0);

    let document = environment
        .mirror(&format!("{line} --output json"))
        .exits(0)
        .json();
    assert_eq!(document["authentication"], "accepted");
    assert_eq!(document["push"]["allowed"], true);
    assert_eq!(document["credentials"]["username"], "me");

    proxy.add(Rule::new("POST", "/uploads/").does(Action::answer(403)));
    let output = environment.mirror(&line).exits(1);
    assert!(output.stdout.contains("push         no, to"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_fails_where_the_registry_cannot_be_used() {
    let registry = Distribution::new().htpasswd("me", CANARY).start().await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    let wrong = testkit::canary!("wrong-");
    let [site, tokens] = [
        FaultProxy::start(registry.address()).await,
        FaultProxy::start(registry.address()).await,
    ];
    let page = Action::answer(200).body("<html>Welcome</html>");
    site.add(Rule::new("", "").does(page.header("content-type", "text/html")));
    // No token server listens there.
    let challenge = r#"Bearer realm="http://127.0.0.1:1/token",service="x""#;
    tokens.add(Rule::new("", "").does(Action::answer(401).header("www-authenticate", challenge)));
    let logins = [
        (host.as_str(), "me", wrong),
        (tokens.host().leak(), "me", wrong),
    ];
    environment.write("auth.json", auth_file(&logins[..1]));
    environment.write(".docker-tokens.json", auth_file(&logins[1..]));
    let table = format!("[[registry]]\nprefix = \"{host}\"\nlocation = \"{host}\"\n");
    environment.write("same.conf", &table);
    environment.write("blocked.conf", table + "blocked = true\n");
    for (line, code, text) in [
        (
            format!("ping {host} --authfile auth.json"),
            4,
            "cannot be used",
        ),
        (format!("ping {host}"), 0, ""),
        ("ping 127.0.0.1:1".to_owned(), 1, "no registry listens"),
        (format!("ping {host}/team"), 2, "--repository team"),
        (
            format!("ping {}", site.host()),
            1,
            "the response is not that of a registry: it has the content type text/html",
        ),
        (
            format!("ping {} --authfile .docker-tokens.json", tokens.host()),
            1,
            "the token server 127.0.0.1:1, named by",
        ),
        (format!("ping {host} --insecure {host}"), 0, ""),
        (format!("ping {host} --registries-conf same.conf"), 0, ""),
        (
            format!("ping {host} --registries-conf blocked.conf"),
            1,
            "remove `blocked` from registries.conf",
        ),
    ] {
        let output = environment.mirror(&line).exits(code);
        assert!(output.stderr.contains(text), "{line}: {output:?}");
    }
    let output = environment.mirror(&format!("ping {host}")).exits(0);
    assert!(
        output.stdout.contains("none: requested by the registry"),
        "{output:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_reports_the_certificate() {
    let authority = Authority::new("a company");
    let registry = Distribution::new().tls(authority.server()).start().await;
    let environment = TestEnvironment::new();
    environment.write("ca.crt", authority.pem());
    let line = format!("ping {} --cert-dir .", registry.host());
    let output = environment.mirror(&line).exits(0);
    let row = "tls          TLS 1.3, certificate of server by a company, expires ";
    assert!(output.stdout.contains(row), "{output:?}");
    assert!(
        output.stdout.contains("credentials  none: not requested\n"),
        "{output:?}"
    );
}

/// Neither the result nor the exit code hides the 429, and no minutes pass before.
#[tokio::test(flavor = "multi_thread")]
async fn ping_reports_the_limit_of_a_registry_that_refuses_requests() {
    let registry = Distribution::new().start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let environment = TestEnvironment::new();
    let line = format!("ping {} --repository team/app", proxy.host());
    let refused = || Action::answer(429);
    let limited = refused()
        .header("ratelimit-limit", "100;w=21600")
        .header("ratelimit-remaining", "0;w=21600");
    let of_manifests = "; requests are refused: 429 Too Many Requests\n";
    for (answer, row) in [
        (limited, "rate limit   0 of 100 requests left in 21600 s"),
        (refused(), "rate limit   none reported"),
    ] {
        proxy.clear_rules();
        proxy.clear_requests();
        proxy.add(Rule::new("", "/team/app/").does(answer));
        let output = environment.mirror(&line).exits(1);
        let row = format!("{row}{of_manifests}");
        assert!(output.stdout.contains(&row), "{output:?}");
        assert_eq!(proxy.count("", "/team/app/"), 1, "no request is repeated");
    }
    let document = environment
        .mirror(&format!("{line} --output json"))
        .exits(1)
        .json();
    assert_eq!(document["throttled"], true);
}
