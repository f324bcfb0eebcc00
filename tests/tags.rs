//! `mirror tags`

use embedded_registry::Registry;
use serde_json::json;

use crate::environment::{TestEnvironment, small_image};

#[tokio::test(flavor = "multi_thread")]
async fn tags_prints_all_pages_in_version_order() {
    let registry = Registry::new().page_limit(2).start().await.unwrap();
    for tag in ["v1.10", "v1.9", "latest", "v1.9-rc1", "v2"] {
        small_image(1).push(&registry, "team/a", Some(tag));
    }
    let environment = TestEnvironment::new();
    let line = format!("tags {}/team/a --output json", registry.host());
    let tags = environment.mirror(&line).exits(0).json();
    assert_eq!(tags, json!(["latest", "v1.9", "v1.9-rc1", "v1.10", "v2"]));
    let line = format!("tags docker://{}/team/a --match v1.*", registry.host());
    let matching = environment.mirror(&line).exits(0).stdout;
    assert_eq!(
        matching, "v1.9-rc1\nv1.9\nv1.10\n",
        "in the order of SemVer"
    );
    let missing = environment
        .mirror(&format!("tags {}/team/b", registry.host()))
        .exits(1);
    assert_eq!(missing.stdout, "");
    assert!(
        missing.stderr.contains("team/b does not exist"),
        "{}",
        missing.stderr
    );
}
