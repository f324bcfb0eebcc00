//! Registries that do not delete.

use testkit::processes::Version;

use super::stage::{Stage, TAGS};

#[tokio::test(flavor = "multi_thread")]
async fn disabled_deletion_is_reported_with_its_setting_and_sends_one_request_of_a_kind() {
    for version in [Version::V2, Version::V3] {
        let stage = Stage::closed(version).await;
        stage.commit_list(&["2", "3"]);
        stage.plan("").exits(0);
        let output = stage.apply("").exits(1);
        assert!(
            output.stdout.contains("storage.delete.enabled"),
            "{}",
            output.stdout
        );
        assert!(output.stdout.contains("0 deleted"), "{}", output.stdout);
        assert_eq!(stage.tags(), TAGS);
        let manifests = stage.proxy.count("DELETE", "/manifests/sha256:");
        assert_eq!(manifests, 1, "{version:?}");
        stage.check_nothing_is_lost("closed").await;
    }
}
