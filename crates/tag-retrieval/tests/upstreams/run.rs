//! The concurrent run over entries.

use std::time::Duration;

use tag_retrieval::config::Config;
use tag_retrieval::{EntryError, Limits, retrieve};

use crate::setup::upstreams;

#[tokio::test]
async fn entries_run_up_to_the_concurrency_limit() {
    let text =
        r#"{"a": {"versionSource": "helm-oci", "helmCharts": {"oci://a.example.com/b": {}}}}"#;
    let config = Config::parse(text).unwrap();
    for entries in [0, usize::MAX] {
        let limits = Limits {
            entries,
            deadline: Duration::from_secs(5),
        };
        let outcomes = retrieve(&config.entries, &upstreams(""), limits, |_| {}).await;
        assert!(matches!(outcomes[0].result, Err(EntryError::Retrieval(_))));
    }
}
