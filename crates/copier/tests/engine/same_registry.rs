//! Sources and destinations at one registry: promotion from one organization to another.

use copier::Row;
use embedded_registry::images::{Bundle, Platform, sample_image};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::push::Pusher;

use super::run::Run;

const IMAGES: [&str; 3] = ["app", "db", "web"];

fn image(name: &str) -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image(name, 1, &platforms, 3).unwrap()
}

fn rows(host: &str) -> Vec<Row> {
    let row = |name| {
        Row::new(
            format!("{host}/staging/{name}:v1").parse().unwrap(),
            format!("{host}/production/{name}:v1").parse().unwrap(),
        )
    };
    IMAGES.into_iter().map(row).collect()
}

async fn assert_complete(host: &str) {
    for name in IMAGES {
        let reference = format!("{host}/production/{name}:v1");
        testkit::clients::Crane::new()
            .validate(&reference)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn promotion_downloads_and_uploads_no_blob() {
    for version in [Version::V2, Version::V3] {
        let mut registry = Distribution::new().version(version).start().await;
        let pusher = Pusher::new(&registry.host());
        for name in IMAGES {
            pusher
                .bundle(&image(name), &format!("staging/{name}"), Some("v1"))
                .await;
        }
        registry.clear_requests().await;
        let report = Run::default().sync(&rows(&registry.host())).await;
        assert_eq!(report.summary.copied, 3, "{version:?}: {report:#?}");
        let blobs: usize = IMAGES.iter().map(|name| image(name).blobs().len()).sum();
        assert_eq!(report.summary.blobs_mounted, blobs as u64, "{report:#?}");
        let requests = registry.requests().await;
        let count = |method: &str, part: &str| {
            let of_kind = requests.iter().filter(|it| it.method == method);
            of_kind.filter(|it| it.path.contains(part)).count()
        };
        assert_eq!(count("GET", "/blobs/"), 0, "{version:?}");
        assert_eq!(count("PUT", "/blobs/"), 0, "{version:?}");
        assert_eq!(count("HEAD", "/blobs/"), 0, "{version:?}");
        assert_eq!(count("POST", "/blobs/"), blobs, "{version:?}");
        assert_complete(&registry.host()).await;
    }
}

#[tokio::test]
async fn refused_mounts_from_the_source_become_one_download() {
    let refusals = [
        Action::answer(401),
        Action::answer(403),
        Action::answer(404),
        Action::answer(405),
    ];
    let mut actions: Vec<Action> = refusals.into_iter().map(Action::from).collect();
    actions.push(Action::DropQuery);
    for action in actions {
        let shown = format!("{action:?}");
        let registry = Distribution::new().start().await;
        let pusher = Pusher::new(&registry.host());
        let mut distinct = std::collections::BTreeSet::new();
        for name in IMAGES {
            let image = image(name);
            pusher
                .bundle(&image, &format!("staging/{name}"), Some("v1"))
                .await;
            let digests = image.blobs().into_iter();
            distinct.extend(digests.map(|blob| blob.digest().to_string()));
        }
        let proxy = FaultProxy::start(registry.address()).await;
        proxy.add(Rule::new("POST", "from=staging").does(action));
        let report = Run::default().sync(&rows(&proxy.host())).await;
        assert_eq!(report.summary.copied, 3, "{shown}: {report:#?}");
        assert_eq!(proxy.count("GET", "/blobs/"), distinct.len(), "{shown}");
        assert_complete(&registry.host()).await;
    }
}
