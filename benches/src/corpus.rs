//! The images of a workload, generated from seeds and equal on every machine.

use std::collections::HashSet;
use std::io;

use bytes::Bytes;
use embedded_registry::images::{Bundle, Content, Format, Image, Layer, Platform, sample_image};
use futures::StreamExt;
use oci_spec::image::Digest;
use serde_json::Value;
use testkit::push::Pusher;

use crate::error::BenchError;
use crate::workload::{Size, Workload};

/// Maximum concurrent pushes.
const PUSHES: usize = 8;

/// A blob of an image.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    /// In bytes.
    pub(crate) size: u64,
}

/// A tagged image with all its content.
#[derive(Clone, Debug)]
pub(crate) struct TaggedImage {
    pub(crate) repository: String,
    pub(crate) tag: String,
    /// Each once, children before their index, the root last.
    pub(crate) manifests: Vec<Content>,
    /// Each once.
    pub(crate) blobs: Vec<Blob>,
}

/// The images of one workload.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    /// The images of the first list.
    pub(crate) old: Vec<TaggedImage>,
    /// One image in a hundred more, for [`State::Incremental`](crate::workload::State::Incremental).
    pub(crate) new: Vec<TaggedImage>,
}

impl Corpus {
    /// Generates the images of a workload and pushes them to the registry at `host`. Calls `between` after
    /// the old images and before the new ones.
    pub(crate) async fn push(
        work: Workload,
        size: Size,
        host: &str,
        between: impl AsyncFnOnce() -> Result<(), BenchError>,
    ) -> Result<Self, BenchError> {
        let rows = work.rows(size);
        if work == Workload::Big {
            let old = push_large(rows, size, host).await?;
            between().await?;
            let new = Vec::new();
            return Ok(Self { old, new });
        }
        let generate = |numbers: std::ops::Range<u64>| -> io::Result<Vec<_>> {
            numbers.map(|number| image(work, number, rows)).collect()
        };
        let context = || BenchError::io("generate an image");
        let old = fill(host, generate(0..rows).map_err(context())?).await;
        between().await?;
        let added = (rows / 100).max(1);
        let new = fill(host, generate(rows..rows + added).map_err(context())?).await;
        Ok(Self { old, new })
    }
}

/// Generates the repository, tag and content of an image. Numbers from `rows` on are the new images: every
/// second one has a new repository, the others are new tags.
fn image(work: Workload, number: u64, rows: u64) -> io::Result<(String, String, Bundle)> {
    let per_repository = match work {
        Workload::Small => 2,
        Workload::Rows => 10,
        Workload::Multi | Workload::Big => 1,
    };
    let repository = match number.checked_sub(rows) {
        Some(new) if new % 2 == 1 => new,
        _ => number / per_repository,
    };
    let name = format!("bench/app{repository}");
    let amd64 = Platform::linux("amd64");
    let small = |layers: &[(u64, usize)]| -> io::Result<Bundle> {
        let mut image = Image::new(Format::Docker, amd64.clone());
        for (seed, size) in layers {
            image = image.layer(Layer::random(*seed, *size)?);
        }
        Ok(image.label("number", &number.to_string()).build())
    };
    let bundle = match work {
        Workload::Small => small(&[
            (repository % 10, 64 << 10),
            (1_000 + repository % 40, 16 << 10),
            (1_000_000 + number, 4 << 10),
        ])?,
        Workload::Rows => small(&[(repository % 20, 4 << 10)])?,
        Workload::Multi | Workload::Big => {
            let platforms = [
                amd64.clone(),
                Platform::linux("arm64"),
                Platform::linux("arm").variant("v7"),
                Platform::linux("s390x"),
            ];
            sample_image(&name, number, &platforms, 3)?
        }
    };
    Ok((name, format!("v{number}"), bundle))
}

/// Pushes images to a registry.
async fn fill(host: &str, images: Vec<(String, String, Bundle)>) -> Vec<TaggedImage> {
    let pushes = images
        .into_iter()
        .map(|(repository, tag, bundle)| async move {
            let pusher = Pusher::new(host);
            pusher.bundle(&bundle, &repository, Some(&tag)).await;
            tagged_image(repository, tag, &bundle)
        });
    futures::stream::iter(pushes)
        .buffered(PUSHES)
        .collect()
        .await
}

fn tagged_image(repository: String, tag: String, bundle: &Bundle) -> TaggedImage {
    let blobs = bundle.blobs().into_iter().map(|blob| Blob {
        digest: blob.digest().clone(),
        size: blob.bytes().len() as u64,
    });
    TaggedImage {
        repository,
        tag,
        manifests: bundle.manifests().into_iter().cloned().collect(),
        blobs: blobs.collect(),
    }
}

/// Pushes images of 512 MiB in eight layers each.
async fn push_large(images: u64, size: Size, host: &str) -> Result<Vec<TaggedImage>, BenchError> {
    let layer = match size {
        Size::Full => 64 << 20,
        Size::Quick => 16 << 20,
    };
    let mut images_pushed = Vec::new();
    for number in 0..images {
        let (repository, tag) = (format!("bench/big{number}"), "v1");
        let pusher = Pusher::new(host);
        let sizes = [layer; 8];
        let digest = pusher
            .large_image(&repository, tag, number * 8, &sizes)
            .await;
        let url = format!("http://{host}/v2/{repository}/manifests/{digest}");
        let request = http::Request::get(url)
            .header(http::header::ACCEPT, Format::Oci.manifest())
            .body(Bytes::new());
        let request = request.map_err(|error| BenchError::Wrong(error.to_string()))?;
        let manifest = testkit::fetch(request).await.into_body();
        images_pushed.push(TaggedImage {
            repository,
            tag: tag.to_owned(),
            blobs: blobs_of(&manifest)?,
            manifests: vec![Content::new(Format::Oci.manifest(), manifest)],
        });
    }
    Ok(images_pushed)
}

/// Returns the config and the layers of a manifest, each once.
fn blobs_of(manifest: &[u8]) -> Result<Vec<Blob>, BenchError> {
    let invalid = || BenchError::Wrong("invalid manifest of the large image".to_owned());
    let manifest: Value = serde_json::from_slice(manifest).map_err(|_| invalid())?;
    let layers = manifest["layers"].as_array().ok_or_else(invalid)?;
    let mut seen = HashSet::new();
    let descriptors = std::iter::once(&manifest["config"]).chain(layers);
    descriptors
        .map(|descriptor| {
            let digest = descriptor["digest"].as_str().and_then(|it| it.parse().ok());
            Some(Blob {
                digest: digest?,
                size: descriptor["size"].as_u64()?,
            })
        })
        .filter(|blob| {
            blob.as_ref()
                .is_none_or(|blob| seen.insert(blob.digest.clone()))
        })
        .map(|blob| blob.ok_or_else(invalid))
        .collect()
}
