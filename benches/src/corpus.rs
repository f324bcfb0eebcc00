//! The images that are copied, made from seeds: equal on every machine.

use std::collections::HashSet;
use std::io;

use bytes::Bytes;
use embedded_registry::images::{Bundle, Content, Format, Image, Layer, Platform, sample_image};
use futures::StreamExt;
use oci_spec::image::Digest;
use serde_json::Value;
use testkit::push::Pusher;

use crate::failure::Failure;
use crate::work::{Size, Work};

/// Repositories that are filled at once.
const PUSHES: usize = 8;

/// A blob that a manifest names.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    /// In bytes.
    pub(crate) size: u64,
}

/// A row and everything under it.
#[derive(Clone, Debug)]
pub(crate) struct Tagged {
    pub(crate) repository: String,
    pub(crate) tag: String,
    /// Each once, children before what lists them, the root last.
    pub(crate) manifests: Vec<Content>,
    /// Each once.
    pub(crate) blobs: Vec<Blob>,
}

/// The rows of one work.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    /// Those that a list begins with.
    pub(crate) old: Vec<Tagged>,
    /// One in a hundred more, for [`State::Incremental`](crate::work::State::Incremental).
    pub(crate) new: Vec<Tagged>,
}

impl Corpus {
    /// Makes the images of a work and puts them into the registry at `host`. `between` is called
    /// when the old ones are there and the new ones are not.
    pub(crate) async fn push(
        work: Work,
        size: Size,
        host: &str,
        between: impl AsyncFnOnce() -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let rows = work.rows(size);
        if work == Work::Big {
            let old = big(rows, size, host).await?;
            between().await?;
            let new = Vec::new();
            return Ok(Self { old, new });
        }
        let made = |numbers: std::ops::Range<u64>| -> io::Result<Vec<_>> {
            numbers.map(|number| image(work, number, rows)).collect()
        };
        let making = || Failure::io("make an image");
        let old = fill(host, made(0..rows).map_err(making())?).await;
        between().await?;
        let added = (rows / 100).max(1);
        let new = fill(host, made(rows..rows + added).map_err(making())?).await;
        Ok(Self { old, new })
    }
}

/// Repository, tag and content of a row. Those from `rows` on are the new ones: of the repositories
/// of the old ones every second takes another tag, the rest are new repositories.
fn image(work: Work, number: u64, rows: u64) -> io::Result<(String, String, Bundle)> {
    let per_repository = match work {
        Work::Small => 2,
        Work::Rows => 10,
        Work::Multi | Work::Big => 1,
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
        Work::Small => small(&[
            (repository % 10, 64 << 10),
            (1_000 + repository % 40, 16 << 10),
            (1_000_000 + number, 4 << 10),
        ])?,
        Work::Rows => small(&[(repository % 20, 4 << 10)])?,
        Work::Multi | Work::Big => {
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

/// Puts images into a registry; the blobs of a repository once.
async fn fill(host: &str, images: Vec<(String, String, Bundle)>) -> Vec<Tagged> {
    let pushes = images
        .into_iter()
        .map(|(repository, tag, bundle)| async move {
            let pusher = Pusher::new(host);
            pusher.bundle(&bundle, &repository, Some(&tag)).await;
            tagged(repository, tag, &bundle)
        });
    futures::stream::iter(pushes)
        .buffered(PUSHES)
        .collect()
        .await
}

fn tagged(repository: String, tag: String, bundle: &Bundle) -> Tagged {
    let blobs = bundle.blobs().into_iter().map(|blob| Blob {
        digest: blob.digest().clone(),
        size: blob.bytes().len() as u64,
    });
    Tagged {
        repository,
        tag,
        manifests: bundle.manifests().into_iter().cloned().collect(),
        blobs: blobs.collect(),
    }
}

/// Images of 512 MiB in eight layers each.
async fn big(images: u64, size: Size, host: &str) -> Result<Vec<Tagged>, Failure> {
    let layer = match size {
        Size::Full => 64 << 20,
        Size::Quick => 16 << 20,
    };
    let mut made = Vec::new();
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
        let request = request.map_err(|error| Failure::Wrong(error.to_string()))?;
        let manifest = testkit::fetch(request).await.into_body();
        made.push(Tagged {
            repository,
            tag: tag.to_owned(),
            blobs: named_blobs(&manifest)?,
            manifests: vec![Content::new(Format::Oci.manifest(), manifest)],
        });
    }
    Ok(made)
}

/// The config and the layers of an image's manifest, each once.
fn named_blobs(manifest: &[u8]) -> Result<Vec<Blob>, Failure> {
    let wrong = || Failure::Wrong("the big image's manifest is none".to_owned());
    let manifest: Value = serde_json::from_slice(manifest).map_err(|_| wrong())?;
    let layers = manifest["layers"].as_array().ok_or_else(wrong)?;
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
        .map(|blob| blob.ok_or_else(wrong))
        .collect()
}
