//! The images to copy, and the check that all of them arrived.

use std::collections::{BTreeMap, BTreeSet};

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Layer, Platform, digest_tag, sample_image,
};
use embedded_registry::{Registry, RunningRegistry};
use http::Request;
use testkit::fetch;

use crate::environment::MANIFEST_TYPES;

/// The source registry and the rows of the list.
pub(super) struct Images {
    pub(super) source: RunningRegistry,
    pub(super) repositories: BTreeSet<String>,
    /// `REPOSITORY:TAG` of each row, and its number of manifests.
    pub(super) rows: BTreeMap<String, usize>,
    /// Repository and digest of referrers, which have no tag.
    referrers: Vec<(String, String)>,
}

impl Images {
    /// Pushes `number` images, in turn: a plain image; an index with attestations and a signature
    /// under a digest tag; an index whose signature is a referrer.
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

    /// Asserts that every row is tagged and every signature was copied.
    pub(super) async fn assert_all_at(&self, host: &str, tags: &BTreeMap<String, String>) {
        for name in self.rows.keys() {
            let (repository, tag) = name.split_once(':').unwrap();
            let expected = self.source.tagged(repository, tag).unwrap().digest;
            assert_eq!(tags[name], expected.as_ref(), "{name}");
        }
        for (repository, digest) in &self.referrers {
            let url = format!("http://{host}/v2/{repository}/manifests/{digest}");
            let request = Request::head(url).header("accept", MANIFEST_TYPES);
            let response = fetch(request.body("").unwrap()).await;
            assert_eq!(response.status(), 200, "{repository} lacks {digest}");
        }
    }
}

fn plain_image(seed: u64) -> Bundle {
    let layers = (0..4).map(|number| Layer::random(100 * seed + number, 4_000).unwrap());
    let image = Image::new(Format::Oci, Platform::linux("amd64"));
    layers.fold(image, Image::layer).build()
}
