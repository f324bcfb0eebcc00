//! What is to be mirrored, and what an undisturbed run makes of it.

use std::collections::{BTreeMap, BTreeSet};

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Layer, Platform, digest_tag, sample_image,
};
use embedded_registry::{Registry, RunningRegistry};
use http::Request;
use testkit::fetch;

use crate::hardship::walk::ACCEPT;

/// The source and the rows of its list.
pub(super) struct Images {
    pub(super) source: RunningRegistry,
    pub(super) repositories: BTreeSet<String>,
    /// `repository:tag` of each row, and how many manifests it stands for.
    pub(super) rows: BTreeMap<String, usize>,
    /// Manifests that come along and may have no tag: repository and digest.
    referrers: Vec<(String, String)>,
}

impl Images {
    /// Three versions of each name: a plain image, whose tag names blobs and no manifests; an index
    /// for two platforms with attestations and a signature under a tag of its own; and one whose
    /// signature is found by the referrers API.
    pub(super) async fn new(number: u64) -> Self {
        let mut images = Self {
            source: Registry::new().start().await.unwrap(),
            repositories: BTreeSet::new(),
            rows: BTreeMap::new(),
            referrers: Vec::new(),
        };
        for seed in 0..number {
            images.add(seed);
        }
        images
    }

    fn add(&mut self, seed: u64) {
        let (name, tag) = (format!("image-{}", seed / 3), format!("v{}", seed % 3));
        let image = match seed % 3 {
            0 => plain_image(seed),
            _ => {
                let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
                sample_image(&name, seed, &platforms, 3).unwrap()
            }
        };
        image.push(&self.source, &name, Some(&tag));
        if seed % 3 == 1 {
            let signature = Artifact::cosign_signature(image.digest()).build();
            let tag = digest_tag(image.digest(), Some("sig"));
            signature.push(&self.source, &name, Some(&tag));
        }
        if seed % 3 == 2 {
            let signature = Artifact::new("application/vnd.example.signature");
            let digest = signature
                .subject(&image)
                .build()
                .push(&self.source, &name, None);
            self.referrers.push((name.clone(), digest.to_string()));
        }
        let attached = usize::from(!seed.is_multiple_of(3));
        let manifests = image.manifests().len() + attached;
        self.rows.insert(format!("{name}:{tag}"), manifests);
        self.repositories.insert(name);
    }

    pub(super) fn list(&self, to: &str) -> String {
        let from = self.source.host();
        let names = self.rows.keys().map(|name| name.split_once(':').unwrap());
        let row = |(name, tag)| format!("{from}/{name} {to}/{name} {tag}\n");
        names.map(row).collect()
    }

    pub(super) fn repositories(&self) -> Vec<&str> {
        self.repositories.iter().map(String::as_str).collect()
    }

    /// Every row has its tag, and every signature is there.
    pub(super) async fn assert_all_at(&self, host: &str, tags: &BTreeMap<String, String>) {
        for name in self.rows.keys() {
            let (repository, tag) = name.split_once(':').unwrap();
            let expected = self.source.tagged(repository, tag).unwrap().digest;
            assert_eq!(tags[name], expected.as_ref(), "{name}");
        }
        for (repository, digest) in &self.referrers {
            let url = format!("http://{host}/v2/{repository}/manifests/{digest}");
            let request = Request::head(url).header("accept", ACCEPT);
            let answer = fetch(request.body("").unwrap()).await;
            assert_eq!(answer.status(), 200, "{repository} lacks {digest}");
        }
    }
}

fn plain_image(seed: u64) -> Bundle {
    let layers = (0..4).map(|number| Layer::random(100 * seed + number, 4_000).unwrap());
    let image = Image::new(Format::Oci, Platform::linux("amd64"));
    layers.fold(image, Image::layer).build()
}
