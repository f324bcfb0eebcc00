//! Tags of single architectures, `TAG-ARCH`.

use crate::tag::Tag;

/// The architectures that get a `TAG-ARCH` tag.
pub const ARCHITECTURES: [&str; 4] = ["amd64", "arm64", "arm", "s390x"];

impl Tag {
    /// Returns the tag `TAG-SUFFIX`, `None` if the suffix is not that of an architecture: `ARCH`,
    /// `ARCHVARIANT` or `ARCH-windows-VERSION`.
    #[must_use]
    pub fn with_architecture(&self, suffix: &str) -> Option<Self> {
        let text = is_suffix(suffix).then(|| format!("{self}-{suffix}"))?;
        text.parse().ok()
    }

    /// Returns all prefixes of the tag for which it is a `TAG-ARCH` tag, shortest first.
    pub fn without_architecture(&self) -> impl Iterator<Item = &str> {
        let text = self.as_str();
        let split = |at: usize| Some((text.get(..at)?, text.get(at + 1..)?));
        let all = text.match_indices('-').filter_map(move |(at, _)| split(at));
        all.filter_map(|(base, suffix)| is_suffix(suffix).then_some(base))
    }
}

fn is_suffix(suffix: &str) -> bool {
    let words = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    ARCHITECTURES.iter().any(|architecture| {
        let Some(rest) = suffix.strip_prefix(architecture) else {
            return false;
        };
        match rest.strip_prefix("-windows-") {
            Some(version) => !version.is_empty() && words(version),
            None => words(rest),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_of_platforms_make_arch_tags() {
        let tag: Tag = "v1".parse().unwrap();
        let long = format!("amd64{}", "x".repeat(128));
        let cases = [
            ("amd64", true),
            ("armv7", true),
            ("arm64v8.1", true),
            ("amd64-windows-10.0.17763.1", true),
            ("amd64-windows-", false),
            ("amd64-windows-1-x", false),
            ("amd64-x", false),
            ("amd64/../../../api/v2.0/users", false),
            (
                "amd64-windows-/../../../../victim/app/manifests/prod",
                false,
            ),
            ("amd64?x", false),
            ("amd64%2f", false),
            ("riscv64", false),
            ("", false),
            (&long, false),
        ];
        for (suffix, expected) in cases {
            let made = tag.with_architecture(suffix);
            assert_eq!(made.is_some(), expected, "{suffix}");
            let has_base = |made: Tag| made.without_architecture().any(|base| base == "v1");
            assert!(made.is_none_or(has_base), "{suffix}");
        }
    }

    #[test]
    fn a_tag_may_be_that_of_several_bases() {
        let bases = |tag: &str| -> Vec<String> {
            let tag: Tag = tag.parse().unwrap();
            tag.without_architecture().map(str::to_owned).collect()
        };
        assert_eq!(bases("v1-rc-arm64"), ["v1-rc"]);
        assert_eq!(bases("v1-amd64-windows-1809"), ["v1"]);
        assert_eq!(bases("v1-amd64-amd64"), ["v1-amd64"]);
        for other in ["v1", "v1-prod", "v1amd64", "amd64"] {
            assert!(bases(other).is_empty(), "{other}");
        }
    }
}
