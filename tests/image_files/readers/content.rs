//! The images, and the files that `mirror` writes of them.

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use crate::environment::TestEnvironment;

/// The repository of destinations. It does not exist: an export does not contact it.
pub(super) const DESTINATION: &str = "registry.example.com/mirror";

/// A part of the files that a program may load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// An image for one platform.
    One,
    /// An image for two platforms.
    Several,
    /// An image that is named by its digest.
    ByDigest,
    /// The signature of the image for two platforms, by a tag.
    Signature,
    /// Its SBOM, a referrer.
    Referrer,
}

pub(super) const PARTS: [Part; 5] = [
    Part::One,
    Part::Several,
    Part::ByDigest,
    Part::Signature,
    Part::Referrer,
];

/// A registry with the images.
pub(super) struct SourceImages {
    pub(super) registry: RunningRegistry,
    one: Bundle,
    several: Bundle,
    by_digest: Bundle,
    signature: Bundle,
    sbom: Bundle,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A tar archive with the layout of all images, by `mirror export`.
    Archive,
    /// The same as a directory.
    Directory,
    /// A directory with one layout for each repository.
    Repositories,
    /// `oci:` of `mirror copy`.
    Oci,
    /// `oci-archive:` of `mirror copy`.
    OciArchive,
    /// `docker-archive:` of `mirror copy`.
    DockerArchive,
}

/// A written file.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenFile {
    pub(super) form: Form,
    /// Its path in the working directory, without the repository.
    path: &'static str,
}

/// The written files.
pub(super) struct Files(Vec<WrittenFile>);

impl SourceImages {
    pub(super) async fn start() -> Self {
        let registry = Registry::new().start().await.unwrap();
        let image = |seed: u64, architecture: &str| {
            let layer = |number| Layer::random(seed * 10 + number, 4096).unwrap();
            let image = Image::new(Format::Oci, Platform::linux(architecture));
            image.layer(layer(1)).layer(layer(2)).build()
        };
        let one = image(1, "amd64");
        let several = Index::new(Format::Oci)
            .child(image(2, "amd64"))
            .child(image(3, "arm64"));
        let several = several.build();
        let by_digest = image(4, "amd64");
        let signature = Artifact::cosign_signature(several.digest()).build();
        let sbom = Artifact::new("application/x-sbom")
            .subject(&several)
            .build();
        one.push(&registry, "one", Some("v1"));
        several.push(&registry, "several", Some("v1"));
        by_digest.push(&registry, "pinned", None);
        signature.push(
            &registry,
            "several",
            Some(&digest_tag(several.digest(), Some("sig"))),
        );
        sbom.push(&registry, "several", None);
        Self {
            registry,
            one,
            several,
            by_digest,
            signature,
            sbom,
        }
    }

    pub(super) fn digest(&self, part: Part) -> String {
        let image = match part {
            Part::One => &self.one,
            Part::Several => &self.several,
            Part::ByDigest => &self.by_digest,
            Part::Signature => &self.signature,
            Part::Referrer => &self.sbom,
        };
        image.digest().to_string()
    }

    /// Returns the digest of the config for linux/amd64, which is the ID of an image in podman.
    pub(super) fn config(&self, part: Part) -> String {
        let image = match part {
            Part::One => &self.one,
            Part::ByDigest => &self.by_digest,
            _ => &self.several,
        };
        let manifests = image.manifests();
        let manifests = manifests
            .iter()
            .map(|manifest| serde_json::from_slice::<Value>(manifest.bytes()).unwrap());
        let mut configs = manifests
            .filter_map(|manifest| manifest["config"]["digest"].as_str().map(str::to_owned));
        configs.next().unwrap()
    }

    pub(super) fn signature_tag(&self) -> String {
        digest_tag(self.several.digest(), Some("sig"))
    }
}

impl WrittenFile {
    pub(super) fn is_archive(self) -> bool {
        matches!(
            self.form,
            Form::Archive | Form::OciArchive | Form::DockerArchive
        )
    }

    /// Returns whether the file has a part: one of `mirror copy` has one image.
    pub(super) fn has(self, part: Part) -> bool {
        let is_export = matches!(
            self.form,
            Form::Archive | Form::Directory | Form::Repositories
        );
        is_export || !matches!(part, Part::One | Part::ByDigest)
    }

    /// Returns the path of the layout with a repository.
    pub(super) fn path(self, repository: &str) -> String {
        match self.form {
            Form::Repositories => {
                let (_, above) = DESTINATION.split_once('/').unwrap();
                format!("{}/{above}/{repository}", self.path)
            }
            _ => self.path.to_owned(),
        }
    }

    /// Returns the name of an image in the file.
    pub(super) fn name(self, part: Part, images: &SourceImages) -> String {
        let bare = matches!(self.form, Form::Repositories | Form::Oci);
        let prefix = if bare { "" } else { DESTINATION };
        match part {
            Part::One => joined(prefix, "one", ":v1"),
            Part::Several | Part::Referrer => joined(prefix, "several", ":v1"),
            Part::ByDigest => joined(prefix, "pinned", &format!("@{}", images.digest(part))),
            Part::Signature => joined(prefix, "several", &format!(":{}", images.signature_tag())),
        }
    }
}

fn joined(prefix: &str, repository: &str, tag: &str) -> String {
    match prefix {
        "" => tag[1..].to_owned(),
        prefix => format!("{prefix}/{repository}{tag}"),
    }
}

/// Returns the repository of a part.
pub(super) fn repository(part: Part) -> &'static str {
    match part {
        Part::One => "one",
        Part::ByDigest => "pinned",
        Part::Several | Part::Signature | Part::Referrer => "several",
    }
}

impl Files {
    pub(super) fn write(environment: &TestEnvironment, images: &SourceImages) -> Self {
        let host = images.registry.host();
        let pinned = images.digest(Part::ByDigest);
        let rows = [
            format!("{host}/one {DESTINATION}/one v1\n"),
            format!("{host}/pinned {DESTINATION}/pinned {pinned}\n"),
            format!("{host}/several {DESTINATION}/several v1\n"),
        ];
        environment.write("images-list", rows.concat());
        let several = format!("{host}/several:v1");
        let name = format!("{DESTINATION}/several:v1");
        for line in [
            "export archive.tar".to_owned(),
            "export directory".to_owned(),
            "export repositories --layout repositories".to_owned(),
            format!("copy {several} oci:oci:v1"),
            format!("copy {several} oci-archive:oci.tar:{name}"),
            format!("copy {several} docker-archive:docker.tar:{name}"),
        ] {
            environment.mirror(&line).exits(0);
        }
        let file = |form, path| WrittenFile { form, path };
        Self(vec![
            file(Form::Archive, "archive.tar"),
            file(Form::Directory, "directory"),
            file(Form::Repositories, "repositories"),
            file(Form::Oci, "oci"),
            file(Form::OciArchive, "oci.tar"),
            file(Form::DockerArchive, "docker.tar"),
        ])
    }

    pub(super) fn all(&self) -> impl Iterator<Item = WrittenFile> {
        self.0.iter().copied()
    }
}
