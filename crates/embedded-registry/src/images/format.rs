//! The media types of Docker and of OCI.

/// The specification that defines the media types of manifests, configs and layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Docker's image manifest version 2, schema 2.
    Docker,
    /// The OCI image specification.
    Oci,
}

impl Format {
    /// Returns the media type of an image's manifest.
    pub fn manifest(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.distribution.manifest.v2+json",
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
        }
    }

    /// Returns the media type of a manifest list or an index.
    pub fn index(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
            Self::Oci => "application/vnd.oci.image.index.v1+json",
        }
    }

    /// Returns the media type of an image's config.
    pub fn config(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.container.image.v1+json",
            Self::Oci => "application/vnd.oci.image.config.v1+json",
        }
    }

    /// Returns the media type of a gzip-compressed layer.
    pub fn layer(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            Self::Oci => "application/vnd.oci.image.layer.v1.tar+gzip",
        }
    }

    /// Returns the media type of a gzip-compressed foreign layer, which clients fetch from its URLs.
    pub fn foreign_layer(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            Self::Oci => "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        }
    }
}
