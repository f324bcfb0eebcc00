//! The default names of repositories in a mirror.

use image_name::RepositoryName;

/// Returns the default name of a source's repository in a mirror: `mirrored-ORG-NAME` of the last two
/// components of the path, or `mirrored-NAME`. Docker Hub's `busybox` is `library/busybox`.
#[must_use]
pub fn default_mirror_name(source: &RepositoryName) -> String {
    let mut components = source.path().as_str().rsplit('/');
    let name = components.next().unwrap_or_default();
    match components.next() {
        Some(organization) => format!("mirrored-{organization}-{name}"),
        None => format!("mirrored-{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_the_last_two_components() {
        for (source, want) in [
            ("quay.io/coreos/etcd", "mirrored-coreos-etcd"),
            ("busybox", "mirrored-library-busybox"),
            ("registry.k8s.io/pause", "mirrored-pause"),
            ("q.io/x/a/b", "mirrored-a-b"),
        ] {
            assert_eq!(default_mirror_name(&source.parse().unwrap()), want);
        }
    }
}
