//! The signatures that an image must have.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use image_name::{ImageName, RepositoryName};
use regex::Regex;

use crate::keys::PublicKey;
use crate::trust_root::TrustRoot;

/// The signatures that an image must have.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// The signers, of which enough must have signed the image.
    pub signers: Signers,
    /// The attestations that the image must have besides.
    pub attestations: Vec<AttestationRequirement>,
    /// The document that counts as the signature of the image.
    pub signed_by: SignedBy,
    /// The minimum time since the signature was logged.
    pub minimum_age: Option<Duration>,
    /// The repository that a classic signature must name.
    pub signed_identity: SignedIdentity,
    /// The evidence of the transparency log that a signature with a key must have.
    pub log: LogRequirement,
    /// The authorities and logs that the policy names for these signers, in place of those of the caller.
    pub trust: Option<Arc<TrustRoot>>,
}

impl Requirement {
    /// Creates a requirement of signatures alone.
    #[must_use]
    pub fn new(signers: Signers) -> Self {
        Self {
            signers,
            attestations: Vec::new(),
            signed_by: SignedBy::default(),
            minimum_age: None,
            signed_identity: SignedIdentity::default(),
            log: LogRequirement::default(),
            trust: None,
        }
    }
}

/// The document that counts as the signature of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignedBy {
    /// A signature.
    #[default]
    Signature,
    /// The first attestation that is required, as GitHub's `attest-build-provenance` makes it without a signature. If
    /// none is required, a signature.
    Attestation,
}

/// The signers that an image must have.
#[derive(Debug, Clone)]
pub enum Signers {
    /// Holders of keys.
    Keys(KeySigners),
    /// A holder of certificates.
    Keyless(KeylessSigner),
}

/// Keys, of which `threshold` different ones must have signed.
#[derive(Debug, Clone)]
pub struct KeySigners {
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// The number of different keys that must have signed, at least 1.
    pub threshold: usize,
}

/// A workload or person that signs with certificates.
#[derive(Debug, Clone)]
pub struct KeylessSigner {
    /// The OpenID Connect issuer, exactly as in the certificate.
    pub issuer: String,
    /// The identity in the certificate's subject alternative name.
    pub identity: IdentityMatcher,
}

/// An attestation that an image must have.
#[derive(Debug, Clone)]
pub struct AttestationRequirement {
    /// The predicate type, exactly as in the in-toto statement.
    pub predicate_type: String,
    /// The signers of the attestation, if they are not those of the image.
    pub signers: Option<Signers>,
}

/// The evidence of the transparency log that a signature with a key must have. Keyless signatures always need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogRequirement {
    /// An entry that comes with a signature must verify.
    #[default]
    Checked,
    /// A signature without an entry does not count.
    Required,
    /// Entries are not looked at, so that signatures have no log time.
    Ignored,
}

/// The repository that a classic signature must name (`critical.identity.docker-reference`). The kinds are
/// those of `signedIdentity` in containers-policy.json(5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SignedIdentity {
    /// The repository of the image. A tag in the signature must be that of the image. This kind is not in
    /// containers-policy.json(5).
    #[default]
    Source,
    /// The repository and tag of the image; the repository alone for an image without a tag.
    RepositoryDigestOrExact,
    /// The repository of the image, whatever the tag.
    Repository,
    /// The repository and tag of the image; the repository and digest for an image without a tag.
    Exact,
    /// This repository with this tag or digest.
    ExactReference(ImageName),
    /// This repository, whatever the tag.
    ExactRepository(RepositoryName),
    /// As [`SignedIdentity::RepositoryDigestOrExact`] after a prefix of the image's name was replaced.
    Remap {
        /// The prefix of the image's name.
        prefix: String,
        /// The prefix that takes its place in the signature.
        signed_prefix: String,
    },
}

/// The identity of a certificate: exact, or an anchored regular expression.
#[derive(Debug, Clone)]
pub enum IdentityMatcher {
    /// The identity, byte for byte.
    Exact(String),
    /// A pattern that must match from the identity's first character to its own end.
    Pattern(Box<IdentityPattern>),
}

/// A regular expression that matches from the beginning of an identity. Created by [`IdentityMatcher::pattern`].
#[derive(Debug, Clone)]
pub struct IdentityPattern {
    written: String,
    anchored: Regex,
}

/// The reason why a text is not a pattern of identities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityPatternError {
    /// The pattern could match in the middle of an identity.
    #[error("the pattern does not begin with `^`, so it would match inside foreign identities")]
    NoStart,
    /// The pattern could match a longer name, such as `org-evil` for `org`.
    #[error(
        "the pattern is open at its end, so it would match longer foreign names: end it with `$`, `/` or `.*`"
    )]
    NoEnd,
    /// An alternative outside a group is not held by the anchors.
    #[error("`|` outside a group escapes the anchors: write `^(?:a|b)$`")]
    OpenAlternative,
    /// The pattern is not a regular expression.
    #[error("not a regular expression: {0}")]
    Syntax(String),
}

/// The maximum memory of a compiled pattern.
const MAX_PATTERN: usize = 1 << 20;

impl IdentityMatcher {
    /// Compiles an anchored regular expression.
    ///
    /// # Errors
    ///
    /// If the text is not a regular expression, or if it could match within a longer identity.
    pub fn pattern(written: &str) -> Result<Self, IdentityPatternError> {
        if !(written.starts_with('^') || written.starts_with(r"\A")) {
            return Err(IdentityPatternError::NoStart);
        }
        let closed = [r"$", r"\z", "/", ".*"];
        let end = closed.iter().find(|end| written.ends_with(**end));
        let escaped = end.is_some_and(|end| {
            let rest = &written[..written.len() - end.len()];
            let backslashes = rest.len() - rest.trim_end_matches('\\').len();
            *end != "/" && backslashes % 2 == 1
        });
        if end.is_none() || escaped {
            return Err(IdentityPatternError::NoEnd);
        }
        if has_open_alternative(written) {
            return Err(IdentityPatternError::OpenAlternative);
        }
        // `\A` holds whatever flags the pattern sets.
        let anchored = regex::RegexBuilder::new(&format!(r"\A(?:{written})"))
            .size_limit(MAX_PATTERN)
            .build()
            .map_err(|error| IdentityPatternError::Syntax(error.to_string()))?;
        let written = written.to_owned();
        Ok(Self::Pattern(Box::new(IdentityPattern {
            written,
            anchored,
        })))
    }

    /// Reports whether an identity satisfies the matcher.
    #[must_use]
    pub fn matches(&self, identity: &str) -> bool {
        match self {
            Self::Exact(expected) => identity == expected,
            Self::Pattern(pattern) => pattern.anchored.is_match(identity),
        }
    }
}

impl fmt::Display for IdentityMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(identity) => f.write_str(identity),
            Self::Pattern(pattern) => f.write_str(&pattern.written),
        }
    }
}

/// Reports whether a regular expression has `|` outside groups and classes.
fn has_open_alternative(pattern: &str) -> bool {
    let (mut depth, mut class, mut escaped) = (0_usize, false, false);
    for character in pattern.chars() {
        match character {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            '|' if !class && depth == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored_at_both_ends() {
        for (pattern, expected) in [
            (
                r"https://github\.com/org/",
                Err(IdentityPatternError::NoStart),
            ),
            (
                r"^https://github\.com/org",
                Err(IdentityPatternError::NoEnd),
            ),
            (r"^ci@example\.com\$", Err(IdentityPatternError::NoEnd)),
            (r"^a\.*", Err(IdentityPatternError::NoEnd)),
            (r"^a$|^b$", Err(IdentityPatternError::OpenAlternative)),
            (r"^https://github\.com/org/", Ok(())),
            (r"^ci@example\.com$", Ok(())),
            (r"^(?:a|b)[|]$", Ok(())),
            (r"\Aa\z", Ok(())),
            (r"^https://github\.com/org/.*", Ok(())),
            (r"^a\\$", Ok(())),
        ] {
            let result = IdentityMatcher::pattern(pattern).map(|_| ());
            assert_eq!(result, expected, "{pattern}");
        }
        let broken = IdentityMatcher::pattern("^(/");
        assert!(matches!(broken, Err(IdentityPatternError::Syntax(_))));
    }

    #[test]
    fn a_pattern_matches_from_the_first_character() {
        let pattern = IdentityMatcher::pattern(r"(?m)^b$").map(|_| ());
        assert_eq!(pattern, Err(IdentityPatternError::NoStart));
        let pattern = IdentityMatcher::pattern(r"^(?m:^b$)|$");
        assert!(pattern.is_err());
        for optional in ["^?b$", "^*b$", "^{0}b$"] {
            let matches = IdentityMatcher::pattern(optional).map(|pattern| pattern.matches("ab"));
            assert_ne!(matches, Ok(true), "{optional}");
        }
        let pattern = IdentityMatcher::pattern(r"^(?m:^)b$").unwrap();
        assert!(pattern.matches("b"));
        assert!(!pattern.matches("a\nb"));
        assert!(!pattern.matches("b\n"));
        let prefix = IdentityMatcher::pattern(r"^https://github\.com/org/").unwrap();
        assert!(
            prefix.matches("https://github.com/org/repo/.github/workflows/a.yml@refs/heads/main")
        );
        assert!(!prefix.matches("https://github.com/org-evil/repo"));
        assert!(!prefix.matches("https://evil.example/https://github.com/org/"));
        let exact = IdentityMatcher::Exact("a@example.com".to_owned());
        assert!(exact.matches("a@example.com") && !exact.matches("a@example.com.evil"));
    }
}
