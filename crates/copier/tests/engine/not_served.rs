//! Requests that a registry does not serve, with each status that registries and proxies use for that.

use copier::{Outcome, Status};
use embedded_registry::images::{Artifact, Bundle, Format, Image, Layer, Platform, digest_tag};
use embedded_registry::{Children, Mounts, Registry, RunningRegistry};
use http::request::Parts;
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Reply, Rule};

use super::run::{Run, row};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The responses: their names, statuses and bodies.
fn responses() -> Vec<(String, Reply)> {
    let statuses = [400, 401, 403, 404, 405, 406, 410, 501];
    let statuses = statuses.map(|status| (status.to_string(), Action::answer(status)));
    let empty = Action::answer(204).body("");
    let page = Action::answer(200).header("content-type", "text/html");
    let page = page.body("\n<!DOCTYPE html><title>Not found</title>");
    let mut all = Vec::from(statuses);
    all.extend([("204".to_owned(), empty), ("HTML".to_owned(), page)]);
    all
}

/// The request that is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    SourceReferrers,
    SourceTags,
    SourceManifestOfBlob,
    SourceBlobHead,
    DestinationReferrers,
    DestinationBlobHead,
    DestinationManifestHead,
}

/// The outcome of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The image is copied with everything attached.
    Complete,
    /// As [`Self::Complete`], and a warning says what may be missing.
    Warned,
    /// The image is copied without a list of the source.
    Without,
    Failed,
}

use Expected::{Complete, Failed, Warned, Without};
use Request::{
    DestinationBlobHead, DestinationManifestHead, DestinationReferrers, SourceBlobHead,
    SourceManifestOfBlob, SourceReferrers, SourceTags,
};

const REQUESTS: [Request; 7] = [
    SourceReferrers,
    SourceTags,
    SourceManifestOfBlob,
    SourceBlobHead,
    DestinationReferrers,
    DestinationBlobHead,
    DestinationManifestHead,
];

fn expected(request: Request, response: &str) -> Expected {
    match (request, response) {
        (SourceReferrers, "401" | "403") => Warned,
        // A repository without tags has no list.
        (SourceTags, "404") => Without,
        (SourceTags, _) => Warned,
        // The download is not tried for a blob that is missing.
        (SourceBlobHead, "404") => Failed,
        // The first request to the destination: the credentials may be wrong.
        (DestinationManifestHead, "401" | "403") => Failed,
        _ => Complete,
    }
}

impl Request {
    fn is_source(self) -> bool {
        matches!(
            self,
            SourceReferrers | SourceTags | SourceManifestOfBlob | SourceBlobHead
        )
    }

    fn matches(self, parts: &Parts, blob: &str) -> bool {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        match self {
            SourceReferrers | DestinationReferrers => path.contains("/referrers/"),
            SourceTags => path.ends_with("/tags/list"),
            SourceManifestOfBlob => {
                method == "GET" && path.ends_with(&format!("/manifests/{blob}"))
            }
            SourceBlobHead => method == "HEAD" && path.ends_with(&format!("/blobs/{blob}")),
            DestinationBlobHead => method == "HEAD" && path.contains("/blobs/"),
            DestinationManifestHead => method == "HEAD" && path.contains("/manifests/"),
        }
    }
}

/// An index of an image and a blob, with a signature, and a referrer in the list of the tag schema.
struct Sample {
    image: Bundle,
    index: Bundle,
    blob: embedded_registry::images::Content,
    signature: Bundle,
    sbom: Bundle,
}

impl Sample {
    fn new() -> Self {
        let layer = Layer::random(1, 100).unwrap();
        let image = Image::new(Format::Oci, Platform::linux("amd64"))
            .layer(layer)
            .build();
        let blob = embedded_registry::images::Content::new("application/x-cache", "a cached layer");
        let document = json!({"schemaVersion": 2, "mediaType": INDEX,
            "manifests": [image.descriptor(), blob.descriptor()]});
        let index = Bundle::verbatim(INDEX, document.to_string());
        let sbom = Artifact::new("application/spdx+json").subject(&index);
        Self {
            signature: Artifact::cosign_signature(index.digest()).build(),
            sbom: sbom.blob("text/spdx", "an sbom").build(),
            image,
            index,
            blob,
        }
    }

    fn push(&self, source: &RunningRegistry) {
        let repository = "team/app";
        source.put_blob(repository, self.blob.bytes().clone());
        self.image.push(source, repository, None);
        self.index.push(source, repository, Some("v1"));
        let tag = digest_tag(self.index.digest(), Some("sig"));
        self.signature.push(source, repository, Some(&tag));
        self.sbom.push(source, repository, None);
        let list = json!({"schemaVersion": 2, "mediaType": INDEX,
            "manifests": [self.sbom.descriptor()]});
        let tag = digest_tag(self.index.digest(), None);
        source.put_manifest(repository, Some(&tag), INDEX, list.to_string().into());
    }

    /// Returns true if the destination has everything.
    fn is_complete_at(&self, target: &RunningRegistry) -> bool {
        let [signed, listed] = [&self.signature, &self.sbom]
            .map(|bundle| target.manifest("mirror/app", bundle.digest()).is_some());
        self.is_at(target) && signed && listed
    }

    fn is_at(&self, target: &RunningRegistry) -> bool {
        let tagged = target.tagged("mirror/app", "v1");
        tagged.is_some_and(|tagged| &tagged.digest == self.index.digest())
            && target.blob("mirror/app", self.blob.digest()).is_some()
            && target.manifest("mirror/app", self.image.digest()).is_some()
    }
}

async fn target() -> RunningRegistry {
    let registry = Registry::new()
        .children(Children::Optional)
        .mounts(Mounts::Refused);
    registry.access_log(10_000).start().await.unwrap()
}

/// Runs a row whose source or destination does not serve a request.
async fn run(request: Request, reply: Reply, sample: &Sample) -> (Outcome, RunningRegistry) {
    let (source, target) = (target().await, target().await);
    sample.push(&source);
    let faulty = if request.is_source() {
        &source
    } else {
        &target
    };
    let proxy = FaultProxy::start(faulty.address()).await;
    let blob = sample.blob.digest().to_string();
    let struck = Rule::new("", "").when(move |parts| request.matches(parts, &blob));
    proxy.add(struck.does(reply));
    let mut row = row(&source, "team/app:v1", &target, "mirror/app:v1");
    if request.is_source() {
        row.source = format!("{}/team/app:v1", proxy.host()).parse().unwrap();
    } else {
        row.destination = format!("{}/mirror/app:v1", proxy.host()).parse().unwrap();
    }
    let report = Run::default().sync(&[row]).await;
    let struck = proxy.requests().len();
    assert!(struck > 0, "{request:?}");
    (report.rows[0].clone(), target)
}

#[tokio::test]
async fn row_is_copied_without_a_request_that_is_not_served() {
    let sample = Sample::new();
    for request in REQUESTS {
        for (name, reply) in responses() {
            let expected = expected(request, &name);
            let (outcome, target) = run(request, reply, &sample).await;
            let what = format!("{request:?}, {name}: {outcome:#?}");
            let is_complete = sample.is_complete_at(&target);
            let warnings = outcome.warnings.concat();
            match expected {
                Complete => assert!(is_complete && warnings.is_empty(), "{what}"),
                Warned => {
                    assert!(is_complete, "{what}");
                    assert!(warnings.contains("referrers may be missing"), "{what}");
                }
                Without => assert!(sample.is_at(&target) && !is_complete, "{what}"),
                Failed => assert!(!sample.is_at(&target), "{what}"),
            }
            let status = match expected {
                Failed => Status::Failed,
                _ => Status::Copied,
            };
            assert_eq!(outcome.status, status, "{what}");
        }
    }
}

/// Tags of the rest of the list are requested one by one.
#[tokio::test]
async fn signature_beyond_the_readable_pages_of_tags_is_copied_with_a_warning() {
    let sample = Sample::new();
    let page = || {
        let page = Action::answer(200).body(r#"{"tags":["v0","v1"]}"#);
        page.header("link", "</v2/team/app/tags/list?last=v1>; rel=\"next\"")
    };
    for (name, later, warning) in [
        (
            "missing",
            Action::answer(404),
            "page 2 of the list is missing",
        ),
        ("repeated", page(), "may be incomplete: after 2 tags"),
    ] {
        let (source, target) = (target().await, target().await);
        sample.push(&source);
        let proxy = FaultProxy::start(source.address()).await;
        let is_later = |parts: &Parts| {
            let query = parts.uri.query();
            query.is_some_and(|query| query.contains("last="))
        };
        proxy.add(Rule::new("GET", "/tags/").when(is_later).does(later));
        proxy.add(Rule::new("GET", "/tags/").does(page()));
        let mut row = row(&source, "team/app:v1", &target, "mirror/app:v1");
        row.source = format!("{}/team/app:v1", proxy.host()).parse().unwrap();
        let report = Run::default().sync(&[row]).await;
        assert!(sample.is_complete_at(&target), "{name}: {report:#?}");
        let warnings = report.rows[0].warnings.concat();
        assert!(warnings.contains(warning), "{name}: {warnings}");
    }
}
