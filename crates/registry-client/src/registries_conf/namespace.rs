//! `host[:port][/path]`, the form of `prefix` and `location`.

/// A host and, below it, a path of zero or more components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namespace {
    /// Lower case, with the port where one is written.
    pub(super) host: String,
    /// Components joined by `/`; empty for the whole host.
    pub(super) path: String,
}

/// The names that a `[[registry]]` applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prefix {
    /// A host or a path below it.
    Namespace(Namespace),
    /// `*.example.com`: every host below this domain, stored with its leading dot.
    Subdomains(String),
}

/// An error in a `prefix` or `location`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// Only whitespace and slashes.
    #[error("the value is empty")]
    Empty,
    /// `https://…`: the scheme follows from `insecure`.
    #[error("the value has a URL scheme; write host[:port][/path] and set `insecure` instead")]
    Scheme,
    /// The part before the first `/` is not a host.
    #[error("{host:?} is not host[:port]")]
    Host {
        /// The text as written.
        host: String,
    },
    /// An invalid component of a repository name.
    #[error("{component:?} is not a component of a repository name")]
    Component {
        /// The text as written.
        component: String,
    },
    /// A prefix for a single tag or digest.
    #[error("the value names a tag or digest; only whole repositories can be configured")]
    TagOrDigest,
    /// A `*` that is not in front of a plain domain.
    #[error("a wildcard has the form *.example.com, without port or path")]
    Wildcard,
}

impl Namespace {
    /// Parses `host[:port][/path]`. Trailing slashes are ignored.
    pub(super) fn parse(text: &str) -> Result<Self, NamespaceError> {
        let text = text.trim().trim_end_matches('/');
        if text.is_empty() {
            return Err(NamespaceError::Empty);
        }
        if text.contains("://") {
            return Err(NamespaceError::Scheme);
        }
        if text.contains('*') {
            return Err(NamespaceError::Wildcard);
        }
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        if path.contains([':', '@']) {
            return Err(NamespaceError::TagOrDigest);
        }
        if !is_host(host) {
            return Err(NamespaceError::Host { host: host.into() });
        }
        for component in path.split('/').filter(|_| !path.is_empty()) {
            if !is_component(component) {
                return Err(NamespaceError::Component {
                    component: component.into(),
                });
            }
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            path: path.into(),
        })
    }

    /// Returns the part of `repository` below this namespace, without a leading slash, or `None` if the
    /// name is not in it.
    pub(super) fn rest<'a>(&self, host: &str, repository: &'a str) -> Option<&'a str> {
        if !self.host.eq_ignore_ascii_case(host) {
            return None;
        }
        if self.path.is_empty() {
            return Some(repository);
        }
        let rest = repository.strip_prefix(&self.path)?;
        if rest.is_empty() {
            return Some(rest);
        }
        rest.strip_prefix('/')
    }

    fn written_len(&self) -> usize {
        self.host.len() + self.path.len() + usize::from(!self.path.is_empty())
    }
}

impl Prefix {
    /// Parses a `prefix`, with or without a wildcard.
    pub(super) fn parse(text: &str) -> Result<Self, NamespaceError> {
        let Some(domain) = text.trim().strip_prefix('*') else {
            return Namespace::parse(text).map(Self::Namespace);
        };
        let plain = domain.len() > 1
            && domain.starts_with('.')
            && !domain.contains([':', '/', '@', '*'])
            && is_host(&domain[1..]);
        if plain {
            Ok(Self::Subdomains(domain.to_ascii_lowercase()))
        } else {
            Err(NamespaceError::Wildcard)
        }
    }

    /// Returns the part of `repository` after the prefix, or `None` if the prefix does not match.
    ///
    /// A wildcard matches any port, as in containers/image.
    pub(super) fn rest<'a>(&self, host: &str, repository: &'a str) -> Option<&'a str> {
        match self {
            Self::Namespace(namespace) => namespace.rest(host, repository),
            Self::Subdomains(domain) => {
                let name = host.split_once(':').map_or(host, |(name, _)| name);
                let name = name.to_ascii_lowercase();
                let matches = name.len() > domain.len() && name.ends_with(domain.as_str());
                matches.then_some(repository)
            }
        }
    }

    /// Returns the length that decides between prefixes. The `*` counts as in containers/image.
    pub(super) fn written_len(&self) -> usize {
        match self {
            Self::Namespace(namespace) => namespace.written_len(),
            Self::Subdomains(domain) => domain.len() + 1,
        }
    }
}

fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let (name, port) = match text.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_ok = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| digits.parse::<u16>().is_ok());
    !name.is_empty() && name.chars().all(plain) && port_ok
}

fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text
            .chars()
            .all(|c| alphanumeric(c) || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefix_matches_whole_components_only() {
        let rows = [
            ("example.com", "example.com", "a/b", Some("a/b")),
            ("example.com/", "example.com", "a", Some("a")),
            ("example.com", "example.com:5000", "a", None),
            ("example.com:5000", "example.com:5000", "a", Some("a")),
            ("Example.COM/foo", "example.com", "foo", Some("")),
            ("example.com/foo", "example.com", "foo/bar", Some("bar")),
            ("example.com/foo", "example.com", "foobar", None),
            ("example.com/foo/bar", "example.com", "foo", None),
            ("[::1]:5000/a", "[::1]:5000", "a/b", Some("b")),
            ("*.example.com", "a.example.com", "x", Some("x")),
            ("*.example.com", "a.b.example.com", "x", Some("x")),
            ("*.example.com", "A.Example.com:5000", "x", Some("x")),
            ("*.example.com", "example.com", "x", None),
            ("*.example.com", "badexample.com", "x", None),
            ("*.example.com", "a.example.com.evil.org", "x", None),
        ];
        for (prefix, host, repository, rest) in rows {
            let parsed = Prefix::parse(prefix).unwrap();
            assert_eq!(
                parsed.rest(host, repository),
                rest,
                "{prefix} over {host}/{repository}"
            );
        }
    }

    #[test]
    fn parse_reports_why_a_prefix_is_invalid() {
        let host = |host: &str| NamespaceError::Host { host: host.into() };
        let component = |text: &str| NamespaceError::Component {
            component: text.into(),
        };
        let rows = [
            (" / ", NamespaceError::Empty),
            ("https://example.com", NamespaceError::Scheme),
            ("example.com/foo:tag", NamespaceError::TagOrDigest),
            ("example.com/foo@sha256:00", NamespaceError::TagOrDigest),
            ("example.com/*/foo", NamespaceError::Wildcard),
            ("example.*.com", NamespaceError::Wildcard),
            ("*.example.com/foo", NamespaceError::Wildcard),
            ("*.example.com:5000", NamespaceError::Wildcard),
            ("*", NamespaceError::Wildcard),
            ("*example.com", NamespaceError::Wildcard),
            ("exam ple.com", host("exam ple.com")),
            ("example.com:port", host("example.com:port")),
            ("example.com//a", component("")),
            ("example.com/Foo", component("Foo")),
        ];
        for (text, error) in rows {
            assert_eq!(Prefix::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parse_never_panics_and_a_namespace_contains_itself(text in "[*a-z.:/@ \\[\\]é0-9]{0,24}") {
            if let Ok(namespace) = Namespace::parse(&text) {
                prop_assert_eq!(namespace.rest(&namespace.host, &namespace.path), Some(""));
            }
            let _ = Prefix::parse(&text);
        }
    }
}
