//! Targets that create repositories: from `targets.json` to the fakes of the vendors' APIs.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use embedded_registry::RunningRegistry;
use serde_json::{Value, json};
use testkit::vendors::{FakeVendor, RunningVendor, Vendor};

use crate::environment::{TestEnvironment, column, registry_with};

const ECR_HOST: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

/// The vendors with `create`, what is created, and the hint for an account that may not create.
const VENDORS: [(Vendor, &str, &str, &str); 4] = [
    (Vendor::Ecr, "ecr", "team/app", "ecr:CreateRepository"),
    (Vendor::Harbor, "harbor", "team", "create team/app first"),
    (
        Vendor::GitLab,
        "gitlab",
        "team/app",
        "create team/app first",
    ),
    (Vendor::Quay, "quay", "team/app", "create team/app first"),
];

/// A source with `app:1` and `app:2`, and a vendor as the target `there`.
struct CreationTest {
    source: RunningRegistry,
    vendor: RunningVendor,
    environment: TestEnvironment,
    host: String,
}

impl CreationTest {
    async fn new(kind: Vendor, vendor: FakeVendor, target: Value) -> Self {
        let source = registry_with(&["app:1", "app:2"]).await;
        let vendor = vendor.start().await;
        let (user, password) = RunningVendor::login();
        let environment = TestEnvironment::new()
            .with_env("AWS_ACCESS_KEY_ID", RunningVendor::access_key())
            .with_env("AWS_SECRET_ACCESS_KEY", password)
            .with_env("AWS_SESSION_TOKEN", "")
            .with_env("QUAY_TOKEN", password)
            .with_env("QUAY_HOST", &vendor.host());
        let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let auths = json!({"auths": {vendor.host(): {"auth": auth}}});
        std::fs::write(environment.home().join("auth.json"), auths.to_string()).unwrap();
        let location = vendor.host();
        let conf = ["docker.io", ECR_HOST].map(|prefix| {
            format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
        });
        environment.write("registries.conf", conf.concat());
        let host = match kind {
            Vendor::Ecr => ECR_HOST.to_owned(),
            Vendor::DockerHub => "docker.io".to_owned(),
            _ => vendor.host(),
        };
        let mut target = target;
        target["prefix"] = format!("{host}/team").into();
        let targets = json!({"targets": {"there": target}});
        environment.write("targets.json", targets.to_string());
        let r = source.host();
        let list = format!("{r}/app @there/app 1\n{r}/app @there/app 2\n");
        environment.write("images-list", list);
        Self {
            source,
            vendor,
            environment,
            host,
        }
    }

    /// Runs a command with the credentials of the vendor.
    fn mirror(&self, line: &str) -> crate::environment::CommandOutput {
        let auth = self.environment.home().join("auth.json");
        let auth = auth.display();
        self.environment.mirror(&format!(
            "{line} --authfile {auth} --registries-conf registries.conf"
        ))
    }

    fn json(&self, line: &str, code: i32) -> Value {
        self.mirror(&format!("{line} --output json"))
            .exits(code)
            .json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn target_creates_what_its_registry_needs_before_the_first_push() {
    for (kind, create, path, _) in VENDORS {
        let test = CreationTest::new(kind, FakeVendor::new(kind), json!({"create": create})).await;
        let document = test.json("sync --dry-run", 0);
        assert_eq!(document["summary"]["copied"], 2, "{create}: {document:#}");
        assert_eq!(test.vendor.calls(), [""; 0], "{create}");

        let document = test.json("sync --report report.json", 0);
        assert_eq!(
            column(&document, "status"),
            ["copied", "copied"],
            "{create}"
        );
        let name = format!("{}/{path}", test.host);
        assert_eq!(document["summary"]["created"], json!([name]), "{create}");
        assert_eq!(test.vendor.created(), [path], "{create}");
        assert_eq!(
            test.vendor.registry().tags("team/app"),
            ["1", "2"],
            "{create}"
        );
        assert_eq!(test.environment.read_json("report.json"), document);

        let calls = test.vendor.calls();
        let document = test.json("sync", 0);
        assert_eq!(
            document["summary"]["unchanged"], 2,
            "{create}: {document:#}"
        );
        assert_eq!(document["summary"].get("created"), None, "{create}");
        assert_eq!(test.vendor.calls(), calls, "{create}");
        drop(test.source);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comparison_names_a_repository_that_may_not_exist() {
    for (kind, create, path, _) in VENDORS {
        let test = CreationTest::new(kind, FakeVendor::new(kind), json!({"create": create})).await;
        let output = test.mirror("compare --output json");
        assert!(output.code != Some(0), "{create}: {output:?}");
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        let row = &document["rows"][0];
        if row["status"] == "missing" {
            assert!(row["error"].is_null(), "{create}: {row:#}");
            continue;
        }
        let message = row["error"]["message"].as_str().unwrap();
        let named = message.contains(&format!(" {path} of ")) && message.contains("does not exist");
        assert!(named, "{create}: {message}");
        let hint = row["error"]["hint"].as_str().unwrap();
        assert!(hint.contains("mirror sync"), "{create}: {hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_container_sign_requests_to_ecr() {
    for token in [
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ] {
        let kind = Vendor::Ecr;
        let mut test =
            CreationTest::new(kind, FakeVendor::new(kind), json!({"create": "ecr"})).await;
        let value = match token {
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" => {
                test.environment.write("token", "container-token\n");
                test.environment.path("token").display().to_string()
            }
            _ => "container-token".to_owned(),
        };
        let endpoint = format!("http://{}/container-keys", test.vendor.host());
        test.environment = test
            .environment
            .with_env("AWS_ACCESS_KEY_ID", "")
            .with_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &endpoint)
            .with_env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
            .with_env(token, &value);
        let document = test.json("sync", 0);
        assert_eq!(test.vendor.created(), ["team/app"], "{token}: {document:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_endpoint_elsewhere_gets_no_token() {
    let kind = Vendor::Ecr;
    let mut test = CreationTest::new(kind, FakeVendor::new(kind), json!({"create": "ecr"})).await;
    test.environment = test.environment.with_env("AWS_ACCESS_KEY_ID", "").with_env(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "http://keys.example/k",
    );
    let document = test.json("sync", 3);
    let error = &document["rows"][0]["error"];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("neither https nor"),
        "{error:#}"
    );
    assert!(
        error["hint"].as_str().unwrap().contains("AWS_CONTAINER_"),
        "{error:#}"
    );
    assert!(test.vendor.created().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_is_in_the_text_and_in_the_step_summary() {
    let kind = Vendor::Harbor;
    let mut test =
        CreationTest::new(kind, FakeVendor::new(kind), json!({"create": "harbor"})).await;
    test.environment = test.environment.with_github_actions();
    let output = test.mirror("sync").exits(0);
    let want = format!("created    {}/team\n", test.host);
    assert!(output.stdout.contains(&want), "{output:?}");
    let summary = test.environment.read("summary.md");
    assert!(
        summary.contains(&format!("Created: {}/team\n", test.host)),
        "{summary}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn account_that_may_not_create_fails_the_rows_with_a_hint() {
    for (kind, create, _, hint) in VENDORS {
        let fake = FakeVendor::new(kind).forbidden();
        let test = CreationTest::new(kind, fake, json!({"create": create})).await;
        let document = test.json("sync", 4);
        assert_eq!(
            column(&document, "status"),
            ["failed", "failed"],
            "{create}"
        );
        let error = &document["rows"][0]["error"];
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("the repository was not created"),
            "{message}"
        );
        assert!(error["hint"].as_str().unwrap().contains(hint), "{error:#}");
        assert!(test.vendor.registry().repositories().is_empty(), "{create}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_row_of_a_target_that_creates_needs_no_repository() {
    for create in ["push", "ecr"] {
        let kind = Vendor::Ecr;
        let test = CreationTest::new(kind, FakeVendor::new(kind), json!({"create": create})).await;
        test.environment
            .commit_first(&["images-list", "targets.json"]);
        test.environment.git(&["checkout", "-qb", "topic"]);
        let list = test.environment.read("images-list");
        let row = format!("{}/app @there/new 1\n", test.source.host());
        test.environment.write("images-list", list + &row);
        let document = test.json("check-new --base main", 0);
        let added = &document["added"][0];
        assert_eq!(added["status"], "ok", "{document:#}");
        let message = added["message"].as_str().unwrap_or_default();
        let says_so =
            message.contains(&format!("{ECR_HOST}/team/new")) && message.contains("created");
        assert_eq!(says_so, create == "ecr", "{document:#}");
        let output = test.mirror("check-new --base main").exits(0);
        assert_eq!(
            output.stdout.contains("note: the destination"),
            create == "ecr",
            "{output:?}"
        );
        let image = format!("{}/app:2", test.source.host());
        let line = format!("add-tag --new --full-images {image} --dest @there/newer");
        let output = test.mirror(&line).exits(0);
        let text = output.stdout.clone() + &output.stderr;
        let says_so = text.contains("team/newer does not exist and will be created");
        assert_eq!(says_so, create == "ecr", "{output:?}");
        assert!(test.vendor.calls().is_empty(), "{:?}", test.vendor.calls());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn description_of_a_target_is_set_at_docker_hub() {
    let kind = Vendor::DockerHub;
    let target = json!({"create": "push", "description": "Mirror of {source}"});
    let test = CreationTest::new(kind, FakeVendor::new(kind), target).await;
    test.vendor.describe("team/app", "");
    let document = test.json("sync", 0);
    let described = &document["summary"]["described"];
    assert_eq!(described, &json!(["docker.io/team/app"]), "{document:#}");
    let want = format!("Mirror of {}/app", test.source.host());
    assert_eq!(test.vendor.description("team/app"), Some(want));
    let calls = test.vendor.calls();
    test.json("sync", 0);
    assert_eq!(test.vendor.calls(), calls, "nothing was copied");
}
