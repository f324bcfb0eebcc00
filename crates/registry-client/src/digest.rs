//! The hashing of content.

use image_name::{Algorithm, Digest};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A hasher for the algorithm of an expected digest.
///
/// Source: image specification, "Digests": sha256 and sha512 are registered;
/// sha384 is accepted because references allow it.
#[derive(Debug, Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn for_digest(digest: &Digest) -> Self {
        match digest.algorithm() {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Returns the digest as `ALGORITHM:HEX`.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => format!("sha256:{}", hex(&hasher.finalize())),
            Self::Sha384(hasher) => format!("sha384:{}", hex(&hasher.finalize())),
            Self::Sha512(hasher) => format!("sha512:{}", hex(&hasher.finalize())),
        }
    }
}

/// Returns the digest of `bytes` by the algorithm of `like`.
pub(crate) fn digest_like(like: &Digest, bytes: &[u8]) -> String {
    let mut hasher = Hasher::for_digest(like);
    hasher.update(bytes);
    hasher.finish()
}

/// A hasher of content that arrives in parts.
#[derive(Debug, Clone)]
pub struct ContentHasher(Hasher);

impl ContentHasher {
    /// Creates a hasher for SHA-256.
    #[must_use]
    pub fn sha256() -> Self {
        Self(Hasher::Sha256(Sha256::new()))
    }

    /// Creates a hasher for the algorithm of an expected digest.
    #[must_use]
    pub fn for_digest(digest: &Digest) -> Self {
        Self(Hasher::for_digest(digest))
    }

    /// Adds a part.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest as `ALGORITHM:HEX`.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finish()
    }
}

/// Returns the sha256 digest of `bytes`.
///
/// # Panics
///
/// Never: 64 hexadecimal digits are a valid digest.
#[must_use]
pub fn sha256_digest(bytes: &[u8]) -> Digest {
    let digest = format!("sha256:{}", hex(&Sha256::digest(bytes)));
    #[expect(
        clippy::expect_used,
        reason = "64 hexadecimal digits are a valid sha256 digest"
    )]
    digest.parse().expect("a sha256 digest")
}

/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_gives_the_published_digest_of_abc() {
        let cases = [
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ];
        for expected in cases {
            let digest: Digest = expected.parse().unwrap();
            assert_eq!(digest_like(&digest, b"abc"), expected);
            let mut hasher = ContentHasher::for_digest(&digest);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish(), expected);
        }
    }
}
