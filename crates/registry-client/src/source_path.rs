//! The names of sources at a host that stands for their own.

use image_name::RepositoryPath;
use oci_client::Reference;

use crate::digest::sha256_digest;

/// Returns the path of a source repository at the host of
/// [`Client::with_source_host`](crate::Client::with_source_host): `HOST/PATH`, with `__` before the port, or
/// the SHA-256 of the name where that is not a path.
///
/// Different repositories have different paths: a host has no `_`, and a hash has no `/`.
///
/// # Panics
///
/// Never: hexadecimal digits are a path.
#[must_use]
pub fn source_path(reference: &Reference) -> RepositoryPath {
    let (host, path) = (reference.registry(), reference.repository());
    let readable = format!("{}/{path}", host.replace(':', "__"));
    let readable = readable.parse().ok().filter(|_| !host.contains('_'));
    readable.unwrap_or_else(|| {
        let digest = sha256_digest(format!("{host}/{path}").as_bytes());
        #[expect(clippy::expect_used, reason = "hexadecimal digits are a path")]
        digest.hex().parse().expect("a path")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_repositories_have_different_paths() {
        let long = format!("quay.io/{}", "a/".repeat(120) + "b");
        let names = [
            ("busybox", Some("docker.io/library/busybox")),
            ("127.0.0.1:5000/a/b", Some("127.0.0.1__5000/a/b")),
            (&long, Some(&*long)),
            (&format!("{long}/ccccccccccccc"), None),
        ];
        for (name, expected) in names {
            let path = source_path(&name.parse().unwrap());
            match expected {
                Some(expected) => assert_eq!(path.as_str(), expected),
                None => assert_eq!(path.as_str().len(), 64, "{path}"),
            }
        }
    }
}
