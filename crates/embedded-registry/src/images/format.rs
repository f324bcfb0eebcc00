//! The two families of media types.

/// Whose media types manifests, configs and layers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Docker's image manifest version 2, schema 2.
    Docker,
    /// The OCI image specification.
    Oci,
}

impl Format {
    /// Of the manifest of one image.
    pub fn manifest(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
        }
    }

    /// Of a manifest list or an index.
    pub fn index(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
            Self::Oci => "application/vnd.oci.image.index.v1+json",
        }
    }

    /// Of an image's config.
    pub fn config(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.container.image.v1+json",
            Self::Oci => "application/vnd.oci.image.config.v1+json",
        }
    }

    /// Of a gzip-compressed layer.
    pub fn layer(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            Self::Oci => "application/vnd.oci.image.layer.v1.tar+gzip",
        }
    }

    /// Of a gzip-compressed layer that must not be distributed, only fetched from its URLs.
    pub fn foreign_layer(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            Self::Oci => "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        }
    }
}
