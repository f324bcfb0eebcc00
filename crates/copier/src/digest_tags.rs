//! Tags that are named after a digest: `sha256-<hex>`, the referrers tag
//! schema, and `sha256-<hex>.sig`, `.att`, `.sbom`, which cosign writes.

use std::collections::HashMap;

use oci_spec::image::Digest;

/// The digest tags of a repository, by the digest they are about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DigestTags {
    by_subject: HashMap<String, Vec<String>>,
    /// The registry said that the repository has no list (404).
    denied: bool,
}

impl DigestTags {
    /// Picks the digest tags from a repository's tags; all others are let go,
    /// since a repository may have a hundred thousand.
    pub(crate) fn among(tags: Vec<String>) -> Self {
        let mut by_subject: HashMap<String, Vec<String>> = HashMap::new();
        for tag in tags {
            if let Some(subject) = subject_of(&tag) {
                by_subject.entry(subject.to_owned()).or_default().push(tag);
            }
        }
        Self {
            by_subject,
            denied: false,
        }
    }

    /// Of a repository that has no list of tags.
    pub(crate) fn denied() -> Self {
        Self {
            denied: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_denied(&self) -> bool {
        self.denied
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_subject.is_empty()
    }

    /// The tags with a suffix about this digest.
    pub(crate) fn suffixed<'t>(&'t self, subject: &Digest) -> impl Iterator<Item = &'t str> {
        let key = key(subject);
        let tags = self.by_subject.get(&key).into_iter().flatten();
        tags.map(String::as_str).filter(move |tag| *tag != key)
    }

    /// Whether the referrers of this digest are listed by the tag schema.
    pub(crate) fn has_schema_tag(&self, subject: &Digest) -> bool {
        let key = key(subject);
        self.by_subject
            .get(&key)
            .is_some_and(|tags| tags.contains(&key))
    }
}

fn key(subject: &Digest) -> String {
    registry_client::referrers_tag(subject)
}

/// `sha256-<64 hex>` at the head of a tag that ends there or goes on with a dot.
fn subject_of(tag: &str) -> Option<&str> {
    let hex = tag.strip_prefix("sha256-")?;
    let length = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
    let subject = &tag[.."sha256-".len() + length];
    let rest = &hex[length..];
    (length == 64 && (rest.is_empty() || rest.starts_with('.'))).then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_tags_are_found_by_their_subject() {
        let hex = "a".repeat(64);
        let tags = ["v1", "sha256-abc", "latest"]
            .map(ToOwned::to_owned)
            .into_iter();
        let own = [
            format!("sha256-{hex}.sig"),
            format!("sha256-{hex}"),
            format!("sha256-{hex}x"),
        ];
        let found = DigestTags::among(tags.chain(own).collect());
        let subject: Digest = format!("sha256:{hex}").parse().unwrap();
        assert_eq!(
            found.suffixed(&subject).collect::<Vec<_>>(),
            [format!("sha256-{hex}.sig")]
        );
        assert!(found.has_schema_tag(&subject));
        let other: Digest = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        assert_eq!(found.suffixed(&other).count(), 0);
        assert!(!found.has_schema_tag(&other));
    }
}
