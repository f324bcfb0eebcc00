//! Tags that are named after a digest.

use crate::digest::Digest;
use crate::tag::Tag;

/// The purpose of a tag that is named after the digest of its subject.
///
/// Such a tag is `ALGORITHM-HEX`, the hex cut to 64 characters, and a suffix. A subject has at
/// most one tag of each kind.
///
/// Sources: distribution specification, "Referrers Tag Schema"; cosign, "Signature
/// Specification".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestTagKind {
    /// The list of referrers, where a registry lacks the referrers API: no suffix.
    Referrers,
    /// A signature by cosign: `.sig`.
    Signature,
    /// An attestation by cosign: `.att`.
    Attestation,
    /// An SBOM by cosign: `.sbom`.
    Sbom,
}

/// The length of the hex part; that of sha512 is cut, as the tag schema says.
const HEX: usize = 64;

impl DigestTagKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::Referrers,
        Self::Signature,
        Self::Attestation,
        Self::Sbom,
    ];
    /// The kinds that cosign writes.
    pub const COSIGN: [Self; 3] = [Self::Signature, Self::Attestation, Self::Sbom];

    fn suffix(self) -> &'static str {
        match self {
            Self::Referrers => "",
            Self::Signature => ".sig",
            Self::Attestation => ".att",
            Self::Sbom => ".sbom",
        }
    }
}

impl Digest {
    /// Returns the tag of a kind about this digest.
    #[must_use]
    pub fn tag(&self, kind: DigestTagKind) -> Tag {
        let hex = self.hex().get(..HEX).unwrap_or(self.hex());
        Tag::trusted(format!("{}-{hex}{}", self.algorithm(), kind.suffix()))
    }

    /// Returns the kind of a tag about this digest, `None` for any other tag.
    #[must_use]
    pub fn tag_kind(&self, tag: &str) -> Option<DigestTagKind> {
        let mut kinds = DigestTagKind::ALL.into_iter();
        kinds.find(|kind| self.tag(*kind).as_str() == tag)
    }
}

impl Tag {
    /// Returns the first part of a tag that is named after a digest: `ALGORITHM-HEX` of
    /// `ALGORITHM-HEX` and of `ALGORITHM-HEX.SUFFIX`, whatever the suffix.
    #[must_use]
    pub fn digest_part(&self) -> Option<&str> {
        let text = self.as_str();
        let part = text.split_once('.').map_or(text, |(part, _)| part);
        let (algorithm, hex) = part.split_once('-')?;
        let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let named = matches!(algorithm, "sha256" | "sha384" | "sha512")
            && hex.len() == HEX
            && hex.bytes().all(lower_hex);
        named.then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_cut_and_suffixed_as_specified() {
        let hex = "ab".repeat(64);
        let kinds = [
            (DigestTagKind::Referrers, ""),
            (DigestTagKind::Signature, ".sig"),
            (DigestTagKind::Attestation, ".att"),
            (DigestTagKind::Sbom, ".sbom"),
        ];
        for (algorithm, length) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
            let digest: Digest = format!("{algorithm}:{}", &hex[..length]).parse().unwrap();
            for (kind, suffix) in kinds {
                let tag = digest.tag(kind);
                assert_eq!(tag.as_str(), format!("{algorithm}-{}{suffix}", &hex[..64]));
                assert_eq!(tag.as_str().parse(), Ok(tag.clone()));
                assert_eq!(digest.tag_kind(tag.as_str()), Some(kind));
                assert_eq!(
                    tag.digest_part(),
                    Some(&*format!("{algorithm}-{}", &hex[..64]))
                );
            }
        }
    }

    #[test]
    fn other_tags_have_no_digest_part() {
        let hex = "a".repeat(64);
        for text in [
            "v1".to_owned(),
            "sha256-abc".to_owned(),
            format!("sha256-{hex}x"),
            format!("sha256-{hex}-x"),
            format!("md5-{hex}"),
            format!("sha256-{}A", &hex[1..]),
        ] {
            let tag: Tag = text.parse().unwrap();
            assert_eq!(tag.digest_part(), None, "{text}");
        }
        let digest: Digest = format!("sha256:{hex}").parse().unwrap();
        assert_eq!(digest.tag_kind(&format!("sha256-{hex}.other")), None);
        let unknown: Tag = format!("sha256-{hex}.other.sig").parse().unwrap();
        assert_eq!(unknown.digest_part(), Some(&*format!("sha256-{hex}")));
    }
}
