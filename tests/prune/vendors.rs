//! Deletions at the fakes of vendors' registries, through their APIs where the registry does not delete.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use embedded_registry::RunningRegistry;
use serde_json::{Value, json};
use testkit::vendors::{FakeVendor, RunningVendor, Vendor};

use crate::environment::{CommandOutput, TestEnvironment, registry_with, small_image};

const ECR_HOST: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const AZURE_HOST: &str = "mirror.azurecr.io";

/// The vendors, and a part of the request with which a tag goes.
const VENDORS: [(Vendor, &str); 7] = [
    (Vendor::Azure, "DELETE /acr/v1/team/app/_tags/1 202"),
    (
        Vendor::DockerHub,
        "DELETE /v2/repositories/team/app/tags/1/ 204",
    ),
    (Vendor::Ecr, "POST / 200"),
    (
        Vendor::GitHub,
        "DELETE /users/team/packages/container/app/versions/",
    ),
    (
        Vendor::GitLab,
        "DELETE /api/v4/projects/team%2Fapp/registry/repositories/7/tags/1 200",
    ),
    (
        Vendor::Harbor,
        "DELETE /api/v2.0/projects/team/repositories/app/artifacts/",
    ),
    (Vendor::Quay, "DELETE /api/v1/repository/team/app/tag/1 204"),
];

/// A source with three images, a vendor that has them, and a list under git.
struct VendorMirror {
    _source: RunningRegistry,
    vendor: RunningVendor,
    environment: TestEnvironment,
    rows: [String; 3],
}

impl VendorMirror {
    async fn new(kind: Vendor, vendor: FakeVendor) -> Self {
        let source = registry_with(&[]).await;
        for (seed, tag) in (1..).zip(["1", "2", "3"]) {
            small_image(seed).push(&source, "app", Some(tag));
        }
        let vendor = vendor.existing("team").existing("team/app").start().await;
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
        let hosts = ["docker.io", "ghcr.io", "quay.io", ECR_HOST, AZURE_HOST];
        let location = vendor.host();
        let conf = hosts.map(|prefix| {
            format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
        });
        environment.write("registries.conf", conf.concat());
        let host = match kind {
            Vendor::Ecr => ECR_HOST.to_owned(),
            Vendor::DockerHub => "docker.io".to_owned(),
            Vendor::GitHub => "ghcr.io".to_owned(),
            Vendor::Quay => "quay.io".to_owned(),
            Vendor::Azure => AZURE_HOST.to_owned(),
            _ => vendor.host(),
        };
        let row = |tag| format!("{}/app {host}/team/app {tag}\n", source.host());
        let mirror = Self {
            rows: ["1", "2", "3"].map(row),
            _source: source,
            vendor,
            environment,
        };
        mirror
            .environment
            .write("images-list", mirror.rows.concat());
        mirror.mirror("lock").exits(0);
        mirror.mirror("sync").exits(0);
        mirror
            .environment
            .commit_first(&["images-list", "images-list.lock"]);
        mirror
    }

    /// Runs a command with the credentials of the vendor.
    fn mirror(&self, line: &str) -> CommandOutput {
        let auth = self.environment.home().join("auth.json");
        let auth = auth.display();
        self.environment.mirror(&format!(
            "{line} --authfile {auth} --registries-conf registries.conf"
        ))
    }

    /// Removes the first row, commits that, and plans.
    fn plan(&self) -> Value {
        self.environment
            .write("images-list", self.rows[1..].concat());
        self.mirror("lock").exits(0);
        self.environment.git(&["commit", "-qam", "second"]);
        self.mirror("prune --plan plan.json --output json")
            .exits(0)
            .json()
    }

    fn tags(&self) -> Vec<String> {
        self.vendor.registry().tags("team/app")
    }

    /// Checks that the rows' images are whole at the vendor.
    fn check_nothing_is_lost(&self, case: &str) {
        let compared = self.mirror("compare");
        assert_eq!(compared.code, Some(0), "{case}: {}", compared.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vendor_deletes_the_tag_through_its_api() {
    for (kind, request) in VENDORS {
        let mirror = VendorMirror::new(kind, FakeVendor::new(kind).keep_tags()).await;
        let document = mirror.plan();
        let method = document["deletions"][0]["method"].as_str().unwrap();
        let is_known = !matches!(kind, Vendor::GitHub | Vendor::GitLab | Vendor::Quay);
        assert_eq!(method.ends_with("-api"), is_known, "{kind:?}: {method}");
        let output = mirror.mirror("prune --apply plan.json");
        let calls = mirror.vendor.calls();
        assert!(
            calls.iter().any(|call| call.starts_with(request)),
            "{kind:?}: {calls:#?}"
        );
        assert_eq!(mirror.tags(), ["2", "3"], "{kind:?}: {}", output.stdout);
        assert_eq!(output.code, Some(0), "{kind:?}: {}", output.stdout);
        mirror.check_nothing_is_lost(&format!("{kind:?}"));
        // Nothing below the tag is left, and the plan can be applied again.
        let again = mirror
            .mirror("prune --apply plan.json --output json")
            .exits(0)
            .json();
        assert_eq!(
            again["summary"]["gone"], again["summary"]["planned"],
            "{kind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vendors_keep_shared_and_moved_images() {
    for (kind, _) in VENDORS {
        // Another client tags the image once more, before and after the plan; and the tag moves.
        for trap in ["alias before", "alias after", "moved"] {
            let case = format!("{kind:?}, {trap}");
            let mirror = VendorMirror::new(kind, FakeVendor::new(kind)).await;
            let registry = mirror.vendor.registry();
            if trap == "alias before" {
                small_image(1).push(registry, "team/app", Some("own"));
            }
            mirror.plan();
            match trap {
                "alias after" => drop(small_image(1).push(registry, "team/app", Some("own"))),
                "moved" => drop(small_image(9).push(registry, "team/app", Some("1"))),
                _ => {}
            }
            let output = mirror.mirror("prune --apply plan.json");
            let left: &[&str] = match (trap, kind) {
                ("moved", _) => &["1", "2", "3"],
                // A version goes with all its tags or not at all.
                (_, Vendor::GitHub) => &["1", "2", "3", "own"],
                _ => &["2", "3", "own"],
            };
            assert_eq!(mirror.tags(), left, "{case}: {}", output.stdout);
            let manifests = registry.manifests("team/app");
            let image = small_image(1);
            for needed in image.manifests().iter().filter(|_| trap != "moved") {
                let is_there = manifests.iter().any(|it| it.digest == *needed.digest());
                assert!(is_there, "{case}: {} is lost", needed.digest());
            }
            mirror.check_nothing_is_lost(&case);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_permission_is_reported_and_deletes_nothing() {
    for (kind, _) in VENDORS {
        let vendor = FakeVendor::new(kind).keep_tags().forbidden();
        let mirror = VendorMirror::new(kind, vendor).await;
        mirror.plan();
        let output = mirror.mirror("prune --apply plan.json");
        assert_ne!(output.code, Some(0), "{kind:?}: {}", output.stdout);
        let right = match kind {
            Vendor::Azure => "AcrDelete",
            Vendor::DockerHub => "Read, Write, Delete",
            Vendor::Ecr => "ecr:BatchDeleteImage",
            Vendor::GitHub => "delete:packages",
            Vendor::GitLab => "the scope api",
            Vendor::Harbor => "robot account",
            Vendor::Quay => "repo:write",
        };
        let hint = output.stdout.lines().find(|line| line.contains("hint: "));
        assert!(
            hint.is_some_and(|hint| hint.contains(right)),
            "{kind:?}: {}",
            output.stdout
        );
        assert_eq!(mirror.tags(), ["1", "2", "3"], "{kind:?}");
        mirror.check_nothing_is_lost(&format!("{kind:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_of_a_package_with_a_tag_that_is_not_listed_stays() {
    // GitHub Packages deletes a version with all its tags, and knows one that the registry does not list.
    let vendor = FakeVendor::new(Vendor::GitHub).race();
    let mirror = VendorMirror::new(Vendor::GitHub, vendor).await;
    mirror.plan();
    let output = mirror.mirror("prune --apply plan.json").exits(1);
    let message = "it also has the tag raced";
    assert!(output.stdout.contains(message), "{}", output.stdout);
    assert_eq!(mirror.tags(), ["1", "2", "3"]);
    mirror.check_nothing_is_lost("a tag that is not listed");
}
