//! What a repository's name may look like.
//!
//! The grammar is that of [`oci_spec::distribution::Reference`] (which is the
//! one of distribution's `reference` package), checked by hand: the regular
//! expression behind that type costs milliseconds to compile and tells only
//! *that* a name is wrong, where a person with a list wants to know why.

/// The longest path of a repository, as in distribution's `reference` package.
const PATH_MAX: usize = 255;

/// Docker Hub's host, which names without a host mean.
const HUB: &str = "docker.io";

/// Why a text is not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// There is no text at all.
    #[error("the name is empty: write a repository such as `quay.io/org/image`")]
    Empty,
    /// The name begins as a URL does, with `scheme://`.
    #[error("a name has no `{scheme}://`: write only host and path, as in `quay.io/org/image`")]
    Scheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// The name ends in `:TAG`.
    #[error("it carries the tag `{tag}`: the tag has its own, third field")]
    Tagged {
        /// What stands after the colon.
        tag: String,
    },
    /// The name has an `@`.
    #[error("it carries a digest: the digest belongs in the third field, in place of a tag")]
    Digested,
    /// What stands before the first `/` looks like a host and is none.
    #[error(
        "`{host}` is no host: letters, digits, `-` and `.` make a host, and a port such as `:5000` may follow"
    )]
    Host {
        /// The first component of the name.
        host: String,
    },
    /// An upper case letter in the path.
    #[error("a repository has no upper case letters: is `{lower}` meant?")]
    Uppercase {
        /// The same name in lower case.
        lower: String,
    },
    /// A character that no repository has.
    #[error("{character:?} has no place in a repository: a-z, 0-9, `.`, `_`, `-` and `/` have")]
    Character {
        /// The first such character.
        character: char,
    },
    /// Two slashes in a row, or one at the beginning or the end.
    #[error("a part between slashes is empty: remove the `/` too many")]
    EmptyPart,
    /// `.`, `_` or `-` at the edge of a part, or in a combination that is not allowed.
    #[error(
        "in `{part}` the separators are wrong: letters or digits must stand at both ends, and between them only one `.`, one or two `_`, or any number of `-` in a row"
    )]
    Separators {
        /// The part between slashes.
        part: String,
    },
    /// The path is longer than 255 bytes.
    #[error("its path is {length} characters long: registries take at most {PATH_MAX}")]
    TooLong {
        /// The length of the path, `library/` included.
        length: usize,
    },
}

/// Splits a name into its host and path, both normalised.
///
/// Docker Hub's names get their full form (`busybox` is `docker.io` and
/// `library/busybox`); hosts are lower case, as DNS does not tell cases apart.
///
/// # Errors
///
/// [`RepositoryError`] says what is wrong with the name.
pub(crate) fn normalise(name: &str) -> Result<(String, String), RepositoryError> {
    refuse_foreign_forms(name)?;
    let (host, path) = match name.split_once('/') {
        Some((first, rest)) if is_host(first) => (checked_host(first)?, rest),
        _ => (HUB.to_owned(), name),
    };
    check_path(name, path)?;
    let path = if host == HUB && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    if path.len() > PATH_MAX {
        return Err(RepositoryError::TooLong { length: path.len() });
    }
    Ok((host, path))
}

/// Refuses what is a fine way to name an image elsewhere, but no repository.
fn refuse_foreign_forms(name: &str) -> Result<(), RepositoryError> {
    if name.is_empty() {
        return Err(RepositoryError::Empty);
    }
    if let Some((scheme, _)) = name.split_once("://") {
        let scheme = scheme.to_owned();
        return Err(RepositoryError::Scheme { scheme });
    }
    if name.contains('@') {
        return Err(RepositoryError::Digested);
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    if let Some((_, tag)) = last.split_once(':') {
        let tag = tag.to_owned();
        return Err(RepositoryError::Tagged { tag });
    }
    Ok(())
}

/// Whether the first of several components is a host.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

fn checked_host(host: &str) -> Result<String, RepositoryError> {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let label_is_good = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let port_is_good =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !name.split('.').all(label_is_good) || !port.is_none_or(port_is_good) {
        let host = host.to_owned();
        return Err(RepositoryError::Host { host });
    }
    match host.to_ascii_lowercase() {
        legacy if legacy == "index.docker.io" => Ok(HUB.to_owned()),
        host => Ok(host),
    }
}

fn check_path(name: &str, path: &str) -> Result<(), RepositoryError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if let Some(character) = path.chars().find(|c| !allowed(*c)) {
        return Err(RepositoryError::Character { character });
    }
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let lower = name.to_ascii_lowercase();
        return Err(RepositoryError::Uppercase { lower });
    }
    for part in path.split('/') {
        if part.is_empty() {
            return Err(RepositoryError::EmptyPart);
        }
        if !separators_are_good(part) {
            let part = part.to_owned();
            return Err(RepositoryError::Separators { part });
        }
    }
    Ok(())
}

fn separators_are_good(part: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric();
    let at_edge = part.starts_with(|c| !is_name(c)) || part.ends_with(|c| !is_name(c));
    let good =
        |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    !at_edge && part.split(is_name).all(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::distribution::Reference;
    use proptest::prelude::*;

    #[test]
    fn good_names() {
        for (name, host, path) in [
            ("busybox", "docker.io", "library/busybox"),
            ("docker.io/busybox", "docker.io", "library/busybox"),
            ("index.docker.io/a/b", "docker.io", "a/b"),
            ("a/b/c", "docker.io", "a/b/c"),
            ("QUAY.io/a", "quay.io", "a"),
            ("localhost/a", "localhost", "a"),
            ("host:5000/a", "host:5000", "a"),
            (
                "127.0.0.1:5000/a---b/c__d.e_f",
                "127.0.0.1:5000",
                "a---b/c__d.e_f",
            ),
            ("test.com", "docker.io", "library/test.com"),
        ] {
            let expected = (host.to_owned(), path.to_owned());
            assert_eq!(normalise(name), Ok(expected), "{name}");
        }
    }

    #[test]
    fn wrong_names_say_why() {
        for (name, why) in [
            ("", "the name is empty"),
            ("https://quay.io/a", "no `https://`"),
            ("quay.io/a:v1", "carries the tag `v1`"),
            ("host:5000", "carries the tag `5000`"),
            ("a@sha256:00", "carries a digest"),
            ("under_score.io/a", "`under_score.io` is no host"),
            ("host:99999/a", "`host:99999` is no host"),
            ("host:/a", "`host:` is no host"),
            ("-a.io/a", "`-a.io` is no host"),
            ("quay.io/Org/a", "is `quay.io/org/a` meant?"),
            ("Org/a", "is `org/a` meant?"),
            ("<SOURCE>", "'<' has no place"),
            ("quay.io/a\u{a0}b", r"'\u{a0}' has no place"),
            ("quay.io//a", "empty"),
            ("a/", "empty"),
            ("/a", "empty"),
            ("a..b", "in `a..b` the separators"),
            ("x/-a", "in `-a` the separators"),
            ("a___b", "in `a___b` the separators"),
            ("a._b", "in `a._b` the separators"),
        ] {
            let message = normalise(name).unwrap_err().to_string();
            assert!(message.contains(why), "{name}: {message}");
        }
        assert!(normalise(&format!("quay.io/{}", "a".repeat(255))).is_ok());
        let long = "a".repeat(256);
        let error = normalise(&format!("quay.io/{long}")).unwrap_err();
        assert_eq!(error, RepositoryError::TooLong { length: 256 });
    }

    /// Where we are stricter on purpose: the regular expression takes any first
    /// component that could be a host for one, and any port.
    fn first_component_is_odd(name: &str) -> bool {
        let first = name.split_once('/').map_or("", |(first, _)| first);
        let host_without_mark =
            first.bytes().any(|byte| byte.is_ascii_uppercase()) && !first.contains(['.', ':']);
        let underscored_host = first.contains('.') && checked_host(first).is_err();
        let port = first.split_once(':').map_or("0", |(_, port)| port);
        host_without_mark || underscored_host || port.parse::<u16>().is_err()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn agrees_with_the_reference_type(
            name in "([a-cB.:_/-]|[a0]|localhost/|docker\\.io/|q\\.io(:1)?/|--|__){1,9}"
        ) {
            prop_assume!(!first_component_is_odd(&name));
            let theirs = Reference::try_from(format!("{name}:tag"));
            match normalise(&name) {
                Ok((host, path)) => {
                    let theirs = theirs.unwrap();
                    prop_assert_eq!(theirs.registry().to_ascii_lowercase(), host);
                    prop_assert_eq!(theirs.repository(), path);
                }
                Err(error) => prop_assert!(theirs.is_err(), "{name}: {error}"),
            }
        }
    }
}
