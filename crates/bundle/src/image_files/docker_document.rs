//! `manifest.json` of an archive that is written.

use std::collections::HashMap;

use image_name::Digest;
use registry_client::{Content, Descriptor};

use super::layout_view::parsed;
use super::store::StoredManifest;
use crate::contents::MemberPath;
use crate::layout::DockerImage;

/// The maximum depth of indexes within indexes.
const MAX_DEPTH: usize = 4;

/// The platform of an index that `manifest.json` names if it has it.
const PREFERRED: (&str, &str) = ("linux", "amd64");

const CONFIG_TYPES: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// The entry of `manifest.json` for an image.
#[derive(Debug)]
pub(super) struct DockerDocument {
    pub(super) image: DockerImage,
    /// The platform, if the image has several and only this one can be named.
    pub(super) chosen: Option<String>,
}

/// The manifests and the blobs of an archive.
pub(super) struct WrittenContent<'a> {
    pub(super) manifests: &'a HashMap<Digest, StoredManifest>,
    pub(super) has_blob: &'a dyn Fn(&Digest) -> bool,
}

impl WrittenContent<'_> {
    /// Returns the entry for an image, under its full name if it has one.
    ///
    /// # Errors
    ///
    /// The reason why docker and podman cannot load the image.
    pub(super) fn docker_document(
        &self,
        image: &Digest,
        full_name: Option<String>,
    ) -> Result<DockerDocument, String> {
        let (digest, chosen) = self.platform_image(image, 0)?;
        let Some(Content::Image { config, layers, .. }) = self.content(&digest) else {
            return Err(format!("the manifest {digest} is missing"));
        };
        let config = config.ok_or("it has no config")?;
        if !config
            .media_type()
            .is_some_and(|found| CONFIG_TYPES.contains(&found))
        {
            return Err("it is an artifact and no image".to_owned());
        }
        let layers = layers.iter().map(|layer| self.path(layer));
        Ok(DockerDocument {
            image: DockerImage {
                config: self.path(&config)?,
                repo_tags: full_name.into_iter().collect(),
                layers: layers.collect::<Result<_, _>>()?,
            },
            chosen,
        })
    }

    fn path(&self, blob: &Descriptor) -> Result<MemberPath, String> {
        let digest = Digest::try_from(blob.digest()).map_err(|error| error.to_string())?;
        if (self.has_blob)(&digest) {
            return Ok(MemberPath::blob(digest));
        }
        Err(format!(
            "its layer {digest} is a foreign layer, which was left at its URLs"
        ))
    }

    /// Returns the manifest of one platform, and the platform if there are others.
    fn platform_image(
        &self,
        digest: &Digest,
        depth: usize,
    ) -> Result<(Digest, Option<String>), String> {
        let manifests = match self.content(digest) {
            Some(Content::Index { manifests, .. }) if depth < MAX_DEPTH => manifests,
            Some(Content::Image { .. }) => return Ok((digest.clone(), None)),
            _ => return Err(format!("the manifest {digest} is missing")),
        };
        let is_image = |child: &&Descriptor| {
            child.attested().is_none()
                && child
                    .digest()
                    .to_string()
                    .parse()
                    .is_ok_and(|digest: Digest| self.manifests.contains_key(&digest))
        };
        let children: Vec<_> = manifests.iter().filter(is_image).collect();
        let is = |child: &&&Descriptor, os: &str, architecture: Option<&str>| {
            child.platform().is_some_and(|platform| {
                platform.os.as_deref() == Some(os)
                    && architecture
                        .is_none_or(|wanted| platform.architecture.as_deref() == Some(wanted))
            })
        };
        let preferred = children
            .iter()
            .find(|child| is(child, PREFERRED.0, Some(PREFERRED.1)));
        let chosen = preferred
            .or_else(|| children.iter().find(|child| is(child, PREFERRED.0, None)))
            .or(children.first())
            .ok_or("its index has no image")?;
        let name = platform_name(chosen);
        let child = Digest::try_from(chosen.digest()).map_err(|error| error.to_string())?;
        let (image, below) = self.platform_image(&child, depth + 1)?;
        Ok((image, (children.len() > 1).then_some(name).or(below)))
    }

    fn content(&self, digest: &Digest) -> Option<Content> {
        parsed(self.manifests.get(digest)?).content().ok()
    }
}

fn platform_name(child: &Descriptor) -> String {
    let Some(platform) = child.platform() else {
        return "no platform".to_owned();
    };
    let parts = [&platform.os, &platform.architecture, &platform.variant];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    super::error::printable(&parts.join("/"))
}
