//! A list of 60 rows with images of every kind.

use embedded_registry::images::{
    Artifact, Bundle, Content, Format, Image, Index, Layer, Platform, digest_tag, sample_image,
};
use embedded_registry::{Referrers, Registry, RunningRegistry};
use serde_json::json;

/// The registries of the list. One has the referrers API; in the other, tags list the referrers.
pub(super) struct Sources {
    pub(super) with_api: RunningRegistry,
    pub(super) with_tags: RunningRegistry,
    /// The URL of the foreign layer.
    pub(super) foreign: String,
}

/// A row, and what its image has.
#[derive(Debug)]
pub(super) struct ListedRow {
    /// The host and the name of the source repository.
    pub(super) source: (String, String),
    /// The third column.
    pub(super) column: String,
    /// The tag or digest at the source.
    pub(super) reference: String,
    /// The tags or the digest that the row writes.
    pub(super) written: Vec<String>,
    /// The manifests that have referrers.
    pub(super) subjects: Vec<String>,
}

/// The content of the foreign layer.
pub(super) fn foreign_content() -> Vec<u8> {
    let image = Image::new(Format::Docker, Platform::linux("amd64"));
    let image = image.layer(random(900)).build();
    let layer = image.blobs().into_iter().max_by_key(|it| it.bytes().len());
    layer.unwrap().bytes().to_vec()
}

fn random(seed: u64) -> Layer {
    Layer::random(seed, 2_000).unwrap()
}

impl Sources {
    pub(super) async fn start(foreign: String) -> Self {
        let with_tags = Registry::new().referrers(Referrers::Missing);
        Self {
            with_api: Registry::new().start().await.unwrap(),
            with_tags: with_tags.start().await.unwrap(),
            foreign,
        }
    }

    /// Pushes all images. Returns their rows.
    pub(super) fn push_all(&self) -> Vec<ListedRow> {
        let mut rows = Vec::new();
        for number in 0..8 {
            rows.push(self.tagged(&format!("app{}", number / 2), number, &platforms(number)));
        }
        for number in 0..24 {
            let (name, image) = self.plain(number);
            rows.push(self.tagged(&name, number, &image));
        }
        for number in 0..4 {
            let image = platforms(100 + number);
            let digest = self.tagged("by-digest", number, &image).digest(&image);
            rows.push(digest);
            let image = single(Format::Oci, 200 + number);
            let tags = [format!("{number}.0"), format!("{number}-latest")];
            rows.push(self.tagged("renamed", number, &image).renamed(tags));
        }
        for number in 0..4 {
            let image = single(Format::Docker, 300 + number);
            rows.push(self.tagged("pinned", number, &image).pinned(&image));
            let image = platforms(400 + number);
            for (suffix, of) in [("sig", image.digest()), ("att", image.digest())] {
                let signature = Artifact::cosign_signature(of).annotation("kind", suffix);
                let tag = digest_tag(of, Some(suffix));
                signature.build().push(&self.with_api, "signed", Some(&tag));
            }
            // An image of the index has a signature of its own.
            let child = child_of(&image);
            let signature = Artifact::cosign_signature(child.digest()).build();
            let tag = digest_tag(child.digest(), Some("sig"));
            signature.push(&self.with_api, "signed", Some(&tag));
            rows.push(self.tagged("signed", number, &image));
        }
        for (number, registry) in [&self.with_api, &self.with_tags]
            .repeat(6)
            .iter()
            .enumerate()
        {
            rows.push(referred(registry, number as u64));
        }
        rows
    }

    fn tagged(&self, repository: &str, number: u64, image: &Bundle) -> ListedRow {
        let tag = format!("v{number}");
        image.push(&self.with_api, repository, Some(&tag));
        ListedRow::tagged(&self.with_api, repository, tag)
    }

    /// Returns an image whose first layer is foreign.
    fn windows(&self, build: &str, number: u64) -> Bundle {
        let foreign = random(900).foreign(&self.foreign);
        Image::new(Format::Docker, Platform::windows("amd64", build))
            .layer(foreign)
            .layer(random(1_000 + number))
            .build()
    }

    /// Returns an image of one of eight kinds.
    fn plain(&self, number: u64) -> (String, Bundle) {
        let oci = |layer: Layer| Image::new(Format::Oci, Platform::linux("amd64")).layer(layer);
        let (name, image) = match number % 8 {
            0 => (
                "nested",
                Index::new(Format::Oci).child(platforms(number)).build(),
            ),
            1 => {
                let first = Index::new(Format::Docker).child(single(Format::Docker, number));
                (
                    "list",
                    first.child(single(Format::Docker, 50 + number)).build(),
                )
            }
            2 => {
                let bytes = zstd::encode_all(&number.to_le_bytes().repeat(300)[..], 3).unwrap();
                let layer = Layer::typed("application/vnd.oci.image.layer.v1.tar+zstd", bytes);
                ("zstd", oci(layer).build())
            }
            3 => {
                // A manifest without a media type, with whitespace of its own.
                let field = format!("\"mediaType\":\"{}\",", Format::Oci.manifest());
                let image = oci(random(number)).build();
                let untyped = |text: &str| {
                    assert!(text.contains(&field), "{text}");
                    text.replace(&field, "\n  ")
                };
                ("untyped", image.rewritten(untyped))
            }
            4 => {
                let chart = Artifact::image("application/vnd.cncf.helm.config.v1+json", "{}");
                let bytes = format!("chart {number}");
                (
                    "chart",
                    chart
                        .blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", bytes)
                        .build(),
                )
            }
            5 => {
                let artifact = Artifact::new("application/vnd.example.model");
                (
                    "artifact",
                    artifact.blob("x/y", format!("model {number}")).build(),
                )
            }
            6 => ("windows", self.windows("10.0.20348.1", number)),
            _ => {
                let index = Index::new(Format::Docker).child(self.windows("10.0.17763.1", number));
                (
                    "windows-list",
                    index.child(single(Format::Docker, 70 + number)).build(),
                )
            }
        };
        (name.to_owned(), image)
    }
}

fn platforms(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("a", seed, &platforms, 2).unwrap()
}

fn single(format: Format, seed: u64) -> Bundle {
    let image = Image::new(format, Platform::linux("amd64"));
    image.layer(random(2_000 + seed)).layer(random(1)).build()
}

/// Returns the first image of an index.
fn child_of(image: &Bundle) -> Bundle {
    let child = image.manifests()[0];
    Bundle::verbatim(child.media_type(), child.bytes().clone())
}

/// Pushes an image with an SBOM, a signature of the SBOM, and a scan of one platform.
fn referred(registry: &RunningRegistry, number: u64) -> ListedRow {
    let image = platforms(500 + number);
    let of = |artifact_type: &str, subject: &Bundle| {
        let artifact = Artifact::new(artifact_type).subject(subject);
        artifact
            .annotation("org.example.of", subject.digest().as_ref())
            .build()
    };
    let sbom = of("application/spdx+json", &image);
    let signature = of("application/vnd.example.signature", &sbom);
    let child = child_of(&image);
    let scan = of("application/vnd.example.scan", &child);
    let tag = format!("v{number}");
    image.push(registry, "referred", Some(&tag));
    let mut subjects = Vec::new();
    for (referrer, subject) in [(&sbom, &image), (&signature, &sbom), (&scan, &child)] {
        referrer.push(registry, "referred", None);
        // Registries with the API ignore it.
        let index = json!({
            "schemaVersion": 2,
            "mediaType": Format::Oci.index(),
            "manifests": [referrer.descriptor()],
        });
        let index = Content::new(Format::Oci.index(), index.to_string());
        if number % 2 == 1 {
            let tag = digest_tag(subject.digest(), None);
            registry.put_manifest(
                "referred",
                Some(&tag),
                index.media_type(),
                index.bytes().clone(),
            );
        }
        subjects.push(subject.digest().to_string());
    }
    ListedRow {
        subjects,
        ..ListedRow::tagged(registry, "referred", tag)
    }
}

impl ListedRow {
    fn tagged(registry: &RunningRegistry, repository: &str, tag: String) -> Self {
        Self {
            source: (registry.host(), repository.to_owned()),
            column: tag.clone(),
            reference: tag.clone(),
            written: vec![tag],
            subjects: Vec::new(),
        }
    }

    /// Names the image by its digest.
    fn digest(self, image: &Bundle) -> Self {
        let digest = image.digest().to_string();
        Self {
            column: digest.clone(),
            reference: digest.clone(),
            written: vec![digest],
            ..self
        }
    }

    /// Writes other tags.
    fn renamed(self, tags: [String; 2]) -> Self {
        Self {
            column: format!("{}={}", self.column, tags.join(",")),
            written: tags.into(),
            ..self
        }
    }

    fn pinned(self, image: &Bundle) -> Self {
        Self {
            column: format!("{}@{}", self.column, image.digest()),
            ..self
        }
    }

    /// Returns the name of the repository at the destination.
    pub(super) fn destination(&self) -> String {
        let host = self.source.0.replace([':', '.'], "-");
        format!("mirror/{host}/{}", self.source.1)
    }

    /// Returns the row of the list.
    pub(super) fn line(&self, host: &str) -> String {
        let (registry, repository) = &self.source;
        format!(
            "{registry}/{repository} {host}/{} {}\n",
            self.destination(),
            self.column
        )
    }
}
