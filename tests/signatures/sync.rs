//! `sync` and `copy` with a policy.

use embedded_registry::{Referrers, Registry};
use serde_json::{Value, json};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::signing::SigningKey;

use super::signed_registry::{
    IDENTITY, ISSUER, PUBLIC_KEY, Signed, key_requirement, keyless_requirement,
};

/// Writes a list with a row for each repository, to `m/NAME` at the same registry.
fn write_list(signed: &Signed, names: &[&str]) {
    let host = signed.registry.host();
    let row = |name: &&str| format!("{host}/{name} {host}/m/{name} 1\n");
    let list: String = names.iter().map(row).collect();
    signed.environment.write("images-list", list);
}

fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["rows"].as_array().unwrap();
    let mut rows = rows.iter();
    rows.find(|row| {
        row["source"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/{name}"))
    })
    .unwrap()
}

/// Returns the writes to repositories whose name has this part.
fn writes(signed: &Signed, part: &str) -> Vec<String> {
    let requests = signed.registry.requests().into_iter();
    let writes = requests.filter(|request| request.method != "GET" && request.method != "HEAD");
    let writes = writes.filter(|request| request.path.contains(part));
    writes
        .map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

/// Pushes images with signatures of all forms, wrong ones and none.
fn push_images(signed: &Signed) {
    let other = SigningKey::p256();
    let mut images = Vec::new();
    for name in [
        "classic", "bundle", "keyless", "unsigned", "foreign", "copied", "young",
    ] {
        images.push(signed.push(name, "1"));
    }
    let digest = |at: usize| images[at].digest().as_ref().to_owned();
    signed.sign_classic("classic", &digest(0), &signed.key);
    signed.sign_bundle("bundle", &images[1], &signed.key);
    signed.sign_keyless("keyless", &images[2], IDENTITY, 3);
    signed.sign_classic("foreign", &digest(4), &other);
    // The signature of another repository for the same digest.
    signed.sign_classic_as(&signed.name("classic"), "copied", &digest(5), &signed.key);
    signed.sign_keyless("young", &images[6], IDENTITY, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_that_does_not_satisfy_the_policy_fails_alone_and_nothing_of_it_is_written() {
    let signed = Signed::new().await;
    push_images(&signed);
    let mut aged = keyless_requirement();
    aged["minimumAge"] = 2.into();
    let policy = signed.policy(&[
        ("keyless", aged.clone()),
        ("young", aged),
        ("accepted", json!({"accept": "unsigned"})),
        ("*", key_requirement()),
    ]);
    signed.environment.write("policy.json", policy);
    signed.push("accepted", "1");
    let names = [
        "accepted", "bundle", "classic", "copied", "foreign", "keyless", "unsigned", "young",
    ];
    write_list(&signed, &names);
    signed.registry.clear_requests();
    let sync = "sync --trusted-root root.json --output json";
    for line in [format!("{sync} --dry-run"), sync.to_owned()] {
        let report = signed.environment.mirror(&line).exits(1).json();
        for name in ["accepted", "bundle", "classic", "keyless"] {
            assert_eq!(row(&report, name)["status"], "copied", "{name}: {report:#}");
        }
        for (name, want) in [
            ("unsigned", "no signature was found"),
            ("foreign", "not signed by keys/team.pub"),
            ("copied", "made for repository"),
            ("young", "signed 0 days ago, and 2 days are required"),
        ] {
            let row = row(&report, name);
            assert_eq!(row["status"], "failed", "{name}");
            let message = row["error"]["message"].as_str().unwrap();
            assert!(message.contains(want), "{name}: {message}");
            assert!(
                message.contains("in policy.json:1, which requires"),
                "{message}"
            );
            assert!(row["error"]["hint"].is_string(), "{row:#}");
            assert_eq!(row.get("verification"), None);
            assert_eq!(writes(&signed, &format!("m/{name}/")), [] as [String; 0]);
            assert_eq!(
                signed.registry.tags(&format!("m/{name}")),
                [] as [String; 0]
            );
        }
        let verification = &row(&report, "keyless")["verification"];
        assert_eq!(verification["signed_by"], IDENTITY);
        assert_eq!(verification["issuer"], ISSUER);
        assert_eq!(verification["format"], "sigstore-bundle-v0.3");
        assert!(verification["logged_at"].as_str().unwrap().ends_with('Z'));
        let verification = &row(&report, "classic")["verification"];
        let signer = verification["signed_by"].as_str().unwrap();
        assert!(signer.starts_with("key:sha256:"), "{signer}");
        assert_eq!(verification["logged_at"], Value::Null);
        assert_eq!(row(&report, "accepted").get("verification"), None);
    }
    // The signatures came along.
    assert_eq!(signed.registry.tags("m/classic").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_rows_and_runs_without_a_policy_send_no_further_request() {
    let signed = Signed::new().await;
    for name in ["a", "b"] {
        let image = signed.push(name, "1");
        signed.sign_bundle(name, &image, &signed.key);
    }
    write_list(&signed, &["a", "b"]);
    let requests = |line: &str| {
        signed.registry.clear_requests();
        signed.environment.mirror(line).exits(0);
        let requests = signed.registry.requests().into_iter();
        let mut requests: Vec<_> = requests
            .map(|request| format!("{} {}", request.method, request.path))
            .collect();
        requests.sort();
        requests
    };
    let cold = requests("sync --no-policy");
    let unchanged = requests("sync --no-policy");
    signed
        .environment
        .write("policy.json", signed.policy(&[("*", key_requirement())]));
    assert_eq!(requests("sync"), unchanged);
    // Without the file, a run sends what it sent before.
    assert!(signed.registry.remove_tag("m/a", "1"));
    assert!(signed.registry.remove_tag("m/b", "1"));
    let with_policy = requests("sync");
    assert!(
        with_policy.iter().any(|request| request.contains(".sig")),
        "{with_policy:?}"
    );
    assert!(
        cold.iter().all(|request| !request.contains(".sig")),
        "{cold:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn index_without_a_signature_enters_if_all_its_manifests_are_signed() {
    let signed = Signed::new().await;
    signed
        .environment
        .write("policy.json", signed.policy(&[("*", key_requirement())]));
    write_list(&signed, &["index"]);
    let image = signed.push("index", "1");
    // Without the attestations that buildkit keeps in the index.
    let index: Value = serde_json::from_slice(image.root().bytes()).unwrap();
    let runnable = index["manifests"].as_array().unwrap().iter();
    let runnable = runnable.filter(|child| child["platform"]["os"] == "linux");
    let children: Vec<&str> = runnable
        .map(|child| child["digest"].as_str().unwrap())
        .collect();
    signed.sign_classic("index", children[0], &signed.key);
    let report = signed
        .environment
        .mirror("sync --output json")
        .exits(3)
        .json();
    let message = row(&report, "index")["error"]["message"].as_str().unwrap();
    let want = format!(
        "neither the index nor all its manifests are signed: {}",
        children[1]
    );
    assert!(message.contains(&want), "{message}");
    assert_eq!(writes(&signed, "m/index"), [] as [String; 0]);
    signed.sign_classic("index", children[1], &signed.key);
    let report = signed
        .environment
        .mirror("sync --output json")
        .exits(0)
        .json();
    let verification = &row(&report, "index")["verification"];
    assert_eq!(verification["children"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_without_the_referrers_api_has_bundles_in_the_tag_schema() {
    let signed = Signed::with(Registry::new().referrers(Referrers::Missing)).await;
    signed
        .environment
        .write("policy.json", signed.policy(&[("*", key_requirement())]));
    write_list(&signed, &["a"]);
    let image = signed.push("a", "1");
    let referrer = signed.sign_bundle("a", &image, &signed.key);
    signed.list_by_tag("a", &image, &referrer);
    let report = signed
        .environment
        .mirror("sync --output json")
        .exits(0)
        .json();
    assert_eq!(
        row(&report, "a")["verification"]["format"],
        "sigstore-bundle-v0.3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_holds_to_the_policy_too_and_a_wrong_policy_sends_nothing() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    signed.push("a", "1");
    let copy = format!("copy {host}/a:1 {host}/m/a");
    signed
        .environment
        .write("p.json", signed.policy(&[("*", key_requirement())]));
    let output = signed
        .environment
        .mirror(&format!("{copy} --policy p.json"))
        .exits(3);
    assert!(
        output.stdout.contains("no signature was found"),
        "{}",
        output.stdout
    );
    assert_eq!(writes(&signed, "m/a"), [] as [String; 0]);
    // Everything that is wrong, before the first request.
    signed.environment.write(
        "policy.json",
        "{\n\"images\": [{\"match\": \"redis\", \"keys\": [\"missing.pub\"]}],\n\"defualt\": 1}",
    );
    signed.registry.clear_requests();
    let output = signed.environment.mirror(&copy).exits(2);
    for want in [
        "policy.json:2: entry `redis`: `match`: patterns match full names with their host, which `redis` cannot: write `docker.io/library/redis`\n",
        "policy.json:2: entry `redis`: `missing.pub`: cannot be read: No such file or directory\n",
        "policy.json:3: unknown key `defualt`; the nearest known key is `default`\n",
        "error: the policy has 3 problems; nothing was sent\n",
    ] {
        assert!(output.stderr.contains(want), "{want}\n{}", output.stderr);
    }
    assert_eq!(signed.registry.request_count(), 0);
    signed
        .environment
        .mirror(&format!("{copy} --no-policy"))
        .exits(0);
    let output = signed
        .environment
        .mirror(&format!("{copy} --policy missing.json"))
        .exits(2);
    assert!(
        output
            .stderr
            .contains("cannot read the policy missing.json"),
        "{}",
        output.stderr
    );
    assert!(std::path::Path::new(PUBLIC_KEY).is_relative());
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_verifies_what_is_attached_to_the_copies() {
    let signed = Signed::new().await;
    write_list(&signed, &["a", "b"]);
    for name in ["a", "b"] {
        let image = signed.push(name, "1");
        signed.sign_classic(name, image.digest().as_ref(), &signed.key);
    }
    let environment = &signed.environment;
    environment.mirror("sync").exits(0);
    let output = environment.mirror("compare --verify").exits(2);
    assert!(
        output.stderr.contains("there is no policy"),
        "{}",
        output.stderr
    );
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    environment.mirror("compare --verify").exits(0);
    // The copy loses its signature; the source keeps it.
    let tag = signed
        .registry
        .tags("m/b")
        .into_iter()
        .find(|tag| tag.ends_with(".sig"));
    assert!(signed.registry.remove_tag("m/b", &tag.unwrap()));
    environment.mirror("compare").exits(0);
    let output = environment.mirror("compare --verify").exits(1);
    assert!(
        output.stdout.contains("no signature was found"),
        "{}",
        output.stdout
    );
    assert!(
        output
            .stdout
            .contains("2 rows: 2 same, 0 drifted, 0 missing, 1 not verified"),
        "{}",
        output.stdout
    );
    let document = environment
        .mirror("compare --verify --output json")
        .exits(1)
        .json();
    assert_eq!(
        document["rows"][0]["verification"]["format"], "cosign-tag",
        "{document:#}"
    );
    assert!(document["rows"][1]["unverified"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_list_of_referrers_rejects_an_image_whose_signature_is_not_found_elsewhere() {
    let signed = Signed::new().await;
    let proxy = FaultProxy::start(signed.registry.address()).await;
    proxy.add(Rule::new("GET", "/referrers/").does(Action::answer(403)));
    let (from, to) = (proxy.host(), signed.registry.host());
    let bundle = signed.push("bundle", "1");
    signed.sign_bundle("bundle", &bundle, &signed.key);
    let classic = signed.push("classic", "1");
    let name = format!("{from}/classic");
    signed.sign_classic_as(&name, "classic", classic.digest().as_ref(), &signed.key);
    let environment = &signed.environment;
    let policy = json!({"images": [{"match": "*", "keys": [PUBLIC_KEY]}]});
    environment.write("policy.json", policy.to_string());
    let list = ["bundle", "classic"].map(|name| format!("{from}/{name} {to}/m/{name} 1\n"));
    environment.write("images-list", list.concat());
    let report = environment.mirror("sync --output json").exits(1).json();
    let message = row(&report, "bundle")["error"]["message"].as_str().unwrap();
    let want =
        "the list of signatures may be incomplete: \"the registry denies the list of referrers";
    assert!(message.contains(want), "{message}");
    assert_eq!(writes(&signed, "m/bundle/"), [] as [String; 0]);
    assert_eq!(row(&report, "classic")["status"], "copied", "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retrieve_tags_leaves_out_what_does_not_satisfy_the_policy() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let environment = &signed.environment;
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    for tag in ["1.0.0", "1.1.0", "1.2.0"] {
        let image = signed.push("a", tag);
        if tag != "1.2.0" {
            signed.sign_classic("a", image.digest().as_ref(), &signed.key);
        }
    }
    environment.write("images-list", format!("{host}/a {host}/m/a 1.0.0\n"));
    let config = json!({"a": {"images": [format!("{host}/a")], "versionSource": "registry"}});
    environment.write("config.json", config.to_string());
    let output = environment.mirror("retrieve-tags --apply").exits(0);
    let list = environment.read("images-list");
    assert_eq!(
        list,
        format!("{host}/a {host}/m/a 1.0.0\n{host}/a {host}/m/a 1.1.0\n")
    );
    let want = format!("{host}/a:1.2.0 is left out: does not satisfy");
    assert!(output.stderr.contains(&want), "{}", output.stderr);
    let all = output.stdout + &output.stderr;
    assert!(all.contains("signed by key:sha256:"), "{all}");
}
