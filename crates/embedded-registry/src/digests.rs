//! Digests of bytes.

use std::str::FromStr;

use oci_spec::image::{Digest, DigestAlgorithm};
use sha2::{Digest as _, Sha256, Sha512};

/// Returns the sha256 digest of `bytes`.
///
/// ```
/// let digest = embedded_registry::digest_of(b"{}");
/// assert_eq!(
///     digest.as_ref(),
///     "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
/// );
/// ```
pub fn digest_of(bytes: &[u8]) -> Digest {
    sha256(Sha256::digest(bytes).as_slice())
}

/// Checks `bytes` against a digest. `None` means that its algorithm is neither sha256 nor sha512.
pub(crate) fn has_digest(bytes: &[u8], digest: &Digest) -> Option<bool> {
    match digest.algorithm() {
        DigestAlgorithm::Sha256 => Some(digest_of(bytes) == *digest),
        DigestAlgorithm::Sha512 => Some(hex(Sha512::digest(bytes).as_slice()) == digest.digest()),
        _ => None,
    }
}

/// Returns the digest for a finished sha256 hash.
#[expect(
    clippy::expect_used,
    reason = "64 lower-case hexadecimal digits after `sha256:` are the grammar of a digest"
)]
pub(crate) fn sha256(hash: &[u8]) -> Digest {
    Digest::from_str(&format!("sha256:{}", hex(hash))).expect("a sha256 digest")
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_digest_checks_sha256_and_sha512_only() {
        // Test vectors of FIPS 180-2 for "abc".
        let known = [
            (
                "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                Some(true),
            ),
            (
                "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                Some(true),
            ),
            (
                "sha256:0000000000000000000000000000000000000000000000000000000000000000",
                Some(false),
            ),
            ("md5:900150983cd24fb0d6963f7d28e17f72", None),
        ];
        for (text, expected) in known {
            let digest = Digest::from_str(text).unwrap();
            assert_eq!(has_digest(b"abc", &digest), expected, "{text}");
        }
    }
}
