//! The settings of targets: platforms, referrers and limits.

use std::time::Duration;

use embedded_registry::images::{Artifact, Platform, digest_tag, sample_image};
use serde_json::json;
use testkit::proxy::FaultProxy;

use super::{Mirrors, outcomes};
use crate::environment::{TestEnvironment, max_in_flight};

#[tokio::test(flavor = "multi_thread")]
async fn platforms_and_referrers_are_those_of_the_target() {
    let mirrors = Mirrors::new(&[]).await;
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("a", 1, &platforms, 2).unwrap();
    image.push(&mirrors.source, "a", Some("1"));
    let signature = Artifact::cosign_signature(image.digest()).build();
    let tag = digest_tag(image.digest(), Some("sig"));
    signature.push(&mirrors.source, "a", Some(&tag));
    mirrors.write_targets(|targets| {
        targets["targets"]["ecr"]["platforms"] = json!(["linux/arm64"]);
        targets["targets"]["prime"]["referrers"] = false.into();
    });
    mirrors.write_list(&["a @all/a 1"]);
    let environment = &mirrors.environment;
    let document = environment.mirror("sync --output json").exits(0).json();
    let digests = |at: usize| document["rows"][at]["digest"].as_str().unwrap();
    assert_eq!(digests(0), image.digest().as_ref());
    assert_eq!(digests(1), image.digest().as_ref());
    assert_ne!(digests(2), image.digest().as_ref(), "the index was rebuilt");
    let has_signature = [
        mirrors.hub.tags("org/a").contains(&tag),
        mirrors.prime.tags("team/m/a").contains(&tag),
    ];
    assert_eq!(has_signature, [true, false]);
    let document = environment.mirror("compare --output json").exits(0).json();
    assert_eq!(
        outcomes(&document),
        ["hub", "prime", "ecr"].map(|target| (target, "same"))
    );

    // An option of the run takes precedence.
    let line = "compare --platform linux/amd64 --output json";
    let document = environment.mirror(line).exits(1).json();
    assert_eq!(outcomes(&document)[2], ("ecr", "drift"));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_limit_the_requests_to_the_registry_of_a_target() {
    let tags: Vec<String> = (0..24).map(|tag| format!("a:{tag}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let mirrors = Mirrors::new(&tags).await;
    let slow = FaultProxy::start(mirrors.prime.address()).await;
    let free = FaultProxy::start(mirrors.hub.address()).await;
    mirrors.write_targets(|targets| {
        targets["targets"]["prime"] = json!({"prefix": slow.host(), "jobs": 2});
        targets["targets"]["hub"] = json!({"prefix": free.host()});
    });
    let rows: Vec<String> = (0..24).map(|tag| format!("a @hub,prime/a {tag}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    mirrors.write_list(&rows);
    mirrors.environment.mirror("sync").exits(0);
    assert!(max_in_flight(&slow.requests()) <= 2);
    assert!(
        max_in_flight(&free.requests()) > 2,
        "the other target is not limited"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_per_second_spread_the_requests_to_the_registry_of_a_target() {
    const PER_SECOND: u32 = 40;
    let tags: Vec<String> = (0..8).map(|tag| format!("a:{tag}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let mirrors = Mirrors::new(&tags).await;
    let limited = FaultProxy::start(mirrors.prime.address()).await;
    mirrors.write_targets(|targets| {
        targets["targets"]["prime"] =
            json!({"prefix": limited.host(), "requestsPerSecond": PER_SECOND});
    });
    let rows: Vec<String> = (0..8).map(|tag| format!("a @hub,prime/a {tag}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    mirrors.write_list(&rows);
    mirrors.environment.mirror("sync").exits(0);
    let mut arrivals: Vec<_> = limited.requests().iter().map(|one| one.arrived).collect();
    arrivals.sort();
    let intervals = u32::try_from(arrivals.len() - 1).unwrap();
    assert!(intervals >= 3 * 8, "{intervals}");
    // The first request can arrive late, but not by half of all intervals.
    let taken = arrivals[intervals as usize] - arrivals[0];
    let least = Duration::from_secs(1) * intervals / PER_SECOND / 2;
    assert!(taken >= least, "{intervals} intervals in {taken:?}");
}

#[test]
fn lint_reports_settings_that_a_registry_cannot_have() {
    let environment = TestEnvironment::new();
    let targets = json!({"targets": {
        "hub": {"prefix": "docker.io/team", "description": true, "create": "harbor"},
        "ecr": {"prefix": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team", "create": "ecr"},
        "prime": {"prefix": "r.io/team", "create": "ecr"},
        "lab": {"prefix": "lab.example.com/team", "create": "gitlab", "description": true},
    }});
    environment.write("targets.json", format!("{targets:#}\n"));
    environment.write("images-list", "quay.io/a/b @hub,ecr,prime,lab/b v1\n");
    let output = environment.mirror("lint").exits(1);
    let problems: Vec<&str> = output.stdout.lines().collect();
    let want = [
        "target `hub`: `create` is \"harbor\", but docker.io is not a registry of Harbor: set",
        "target `prime`: `create` is \"ecr\", but r.io is not a registry of Amazon ECR: write the prefix as",
        "target `lab`: `description` has no effect at lab.example.com, only at Docker Hub: remove it",
    ];
    assert_eq!(problems.len(), want.len() + 1, "{problems:#?}");
    for (problem, want) in problems.iter().zip(want) {
        let (location, message) = problem.split_once(": ").unwrap();
        assert!(location.starts_with("targets.json:"), "{problem}");
        assert!(message.starts_with(want), "{problem}");
    }

    // A registry can be at another host than it is named.
    environment.write("registries.conf", "");
    environment
        .mirror("lint --registries-conf registries.conf")
        .exits(0);
}
