//! The formats.

use clap::ValueEnum;

use super::mapping::Mapping;
use super::mirror_sets::PullKind;
use super::rewritten::{RewriteOptions, Rewritten};
use super::{containerd_hosts, k3s, kustomize, kyverno, mirror_sets, registries_conf};

/// A format of the configuration of consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RewriteFormat {
    /// containers-registries.conf(5): podman, CRI-O, skopeo, buildah
    RegistriesConf,
    /// registries.yaml of k3s and RKE2
    K3s,
    /// ImageTagMirrorSet of OpenShift, for pulls by tag
    Itms,
    /// ImageDigestMirrorSet of OpenShift, for pulls by digest
    Idms,
    /// ClusterPolicy of Kyverno, which replaces images in pods
    Kyverno,
    /// Component of kustomize with images
    Kustomize,
    /// hosts.toml of containerd, a file for each registry
    ContainerdHosts,
}

impl RewriteFormat {
    /// Writes the mappings in the format.
    pub(super) fn write(self, mappings: &[Mapping], options: &RewriteOptions) -> Rewritten {
        match self {
            Self::RegistriesConf => registries_conf::write(mappings, options),
            Self::K3s => k3s::write(mappings, options),
            Self::Itms => mirror_sets::write(mappings, options, PullKind::Tag),
            Self::Idms => mirror_sets::write(mappings, options, PullKind::Digest),
            Self::Kyverno => kyverno::write(mappings, options),
            Self::Kustomize => kustomize::write(mappings, options),
            Self::ContainerdHosts => containerd_hosts::write(mappings, options),
        }
    }
}
