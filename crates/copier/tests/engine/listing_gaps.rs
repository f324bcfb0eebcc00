//! Lists that a source denies: no warning if its host has no lists, a warning if the host lists other
//! repositories.

use std::time::Duration;

use copier::Row;
use embedded_registry::RunningRegistry;
use embedded_registry::images::{Platform, sample_image};
use registry_client::Client;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::run::{Run, client, registry};

/// A source with two images behind a proxy, and a destination.
struct Source {
    _registry: RunningRegistry,
    proxy: FaultProxy,
    target: RunningRegistry,
    digest: String,
}

impl Source {
    async fn new() -> Self {
        let (registry, target) = (registry().await, registry().await);
        let image = sample_image("app", 1, &[Platform::linux("amd64")], 1).unwrap();
        for name in ["denied", "other"] {
            image.push(&registry, name, Some("v1"));
        }
        let proxy = FaultProxy::start(registry.address()).await;
        Self {
            _registry: registry,
            proxy,
            target,
            digest: image.digest().to_string(),
        }
    }

    fn row(&self, image: &str, tag: &str) -> Row {
        let to = format!("{}/{tag}/{}:v1", self.target.host(), image.len());
        Row::new(
            format!("{}/{image}", self.proxy.host()).parse().unwrap(),
            to.parse().unwrap(),
        )
    }

    fn rule(&self, part: &str, action: impl Into<Action>) {
        self.proxy.add(Rule::new("", part).does(action));
    }

    /// Returns the warnings of the row of each image, from a run with a new client.
    async fn warnings(&self, images: &[&str]) -> Vec<Vec<String>> {
        self.warnings_by(&client(), images).await
    }

    async fn warnings_by(&self, client: &Client, images: &[&str]) -> Vec<Vec<String>> {
        let rows: Vec<_> = images.iter().map(|image| self.row(image, "to")).collect();
        let report = Run::default().sync_by(client, &rows).await;
        assert_eq!(report.summary.failed, 0, "{report:#?}");
        let rows = report.rows.into_iter();
        rows.map(|row| row.warnings).collect()
    }
}

#[tokio::test]
async fn missing_tag_list_is_a_warning_when_the_host_lists_other_repositories() {
    let source = Source::new().await;
    source.rule("/denied/tags/list", Action::answer(404));
    // The first row finishes before the host has listed any tags.
    source.rule(
        "/other/tags/list",
        Action::Delay(Duration::from_millis(300)),
    );
    let by_digest = format!("denied@{}", source.digest);
    let images = ["denied:v1", "other:v1", &by_digest];
    let warnings = source.warnings(&images).await;
    assert_eq!(warnings.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 0]);
    let (host, warning) = (source.proxy.host(), &warnings[0][0]);
    let expected = format!(
        "{host}/denied does not list its tags (404), although {host} lists the tags of other"
    );
    assert!(warning.starts_with(&expected), "{warning}");
    assert!(warning.contains("run again"), "{warning}");
    let alone = source.warnings(&["denied:v1"]).await;
    assert_eq!(
        alone,
        [Vec::<String>::new()],
        "the host may have no tag lists"
    );
}

#[tokio::test]
async fn missing_referrers_list_is_a_warning_when_the_host_lists_other_repositories() {
    let unknown = r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#;
    let page = Action::answer(200).header("content-type", "text/html");
    for response in [
        Action::answer(400),
        Action::answer(404),
        Action::answer(404).body(unknown),
        Action::answer(405),
        page.body("<html>"),
    ] {
        let (source, client) = (Source::new().await, client());
        source.rule("/denied/referrers/", response);
        let known = source.warnings_by(&client, &["other:v1"]).await;
        let warnings = source.warnings_by(&client, &["denied:v1"]).await;
        assert_eq!([known[0].len(), warnings[0].len()], [0, 1]);
        let (host, warning) = (source.proxy.host(), &warnings[0][0]);
        let expected = format!(
            "{host}/denied does not list referrers, although {host} lists the referrers of other"
        );
        assert!(warning.starts_with(&expected), "{warning}");
        let alone = source.warnings(&["denied:v1"]).await;
        assert_eq!(alone, [Vec::<String>::new()], "the host may lack the API");
    }
}
