//! Resolution of a name to the locations that requests go to.

use super::namespace::{Namespace, Prefix};
use super::unused_key::UnusedKey;

/// A parsed containers-registries.conf(5), version 2.
///
/// The default is empty: every name resolves to itself.
#[derive(Debug, Clone, Default)]
pub struct RegistriesConf {
    pub(super) registries: Vec<RegistryTable>,
    pub(super) unused_keys: Vec<UnusedKey>,
}

/// One `[[registry]]`.
#[derive(Debug, Clone)]
pub(super) struct RegistryTable {
    pub(super) prefix: Prefix,
    /// The prefix as written, for messages.
    pub(super) written: String,
    /// `None`: names are not rewritten.
    pub(super) location: Option<Namespace>,
    pub(super) insecure: Option<bool>,
    pub(super) blocked: bool,
    pub(super) mirrors: Vec<MirrorTable>,
}

/// One `[[registry.mirror]]`.
#[derive(Debug, Clone)]
pub(super) struct MirrorTable {
    pub(super) location: Namespace,
    pub(super) insecure: Option<bool>,
    pub(super) pull: PullFromMirror,
}

/// The locations of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The primary location. Reads try it last; writes go only here.
    ///
    /// containers/image rewrites reads only. Here a name has one primary location for both, so that
    /// `compare` reads what `sync` wrote.
    pub location: Location,
    /// The mirrors in the order to try.
    pub mirrors: Vec<Mirror>,
}

/// A repository at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `host[:port]`.
    pub host: String,
    /// The repository at that host, without a leading slash.
    pub repository: String,
    /// `Some(true)`: TLS without verification, then HTTP. `Some(false)`: verified
    /// TLS, also on loopback hosts. `None`: not configured.
    pub insecure: Option<bool>,
}

/// One `[[registry.mirror]]`, applied to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The location of the repository at the mirror.
    pub location: Location,
    /// The references that may be read from it.
    pub pull: PullFromMirror,
}

/// The references that a mirror serves: `pull-from-mirror`, or `mirror-by-digest-only` of its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullFromMirror {
    /// Tags and digests.
    All,
    /// Only references by digest.
    DigestOnly,
    /// Only references by tag.
    TagOnly,
}

/// An error that leaves a name without a location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// `blocked = true`.
    #[error(
        "{} is blocked by `prefix = \"{prefix}\"` in the registries configuration",
        name(host, repository)
    )]
    Blocked {
        /// The prefix of the `[[registry]]` that blocks it, as written.
        prefix: String,
        /// The host of the name.
        host: String,
        /// The repository of the name.
        repository: String,
    },
    /// The prefix is the whole name, and its location is only a host.
    #[error(
        "{host}/{repository} has no repository at `location = \"{location}\"`: the whole name is \
         `prefix = \"{prefix}\"` of the registries configuration; add a path to the location"
    )]
    NoRepository {
        /// The prefix as written.
        prefix: String,
        /// The host of the location.
        location: String,
        /// The host of the name.
        host: String,
        /// The repository of the name.
        repository: String,
    },
}

impl RegistriesConf {
    /// Returns the keys of the file that have no effect.
    pub fn unused_keys(&self) -> &[UnusedKey] {
        &self.unused_keys
    }

    /// Returns the locations of `host/repository`. Both are normalized: Docker Hub is `docker.io`, and its
    /// one-part names are below `library/`. An empty repository stands for the whole host.
    ///
    /// A wildcard with a location replaces the whole host, including the port.
    ///
    /// # Errors
    ///
    /// [`ResolveError::Blocked`] if the file blocks the name,
    /// [`ResolveError::NoRepository`] if rewriting leaves a host without a path.
    pub fn resolve(&self, host: &str, repository: &str) -> Result<Resolution, ResolveError> {
        let Some((table, rest)) = self.longest_match(host, repository) else {
            return Ok(Resolution {
                location: unchanged(host, repository, None),
                mirrors: Vec::new(),
            });
        };
        if table.blocked {
            return Err(ResolveError::Blocked {
                prefix: table.written.clone(),
                host: host.into(),
                repository: repository.into(),
            });
        }
        let locate = |namespace: &Namespace, insecure| {
            // A whole host has no repository at its location either.
            let location = match repository {
                "" => Some(unchanged(&namespace.host, "", insecure)),
                _ => join(namespace, rest, insecure),
            };
            location.ok_or_else(|| ResolveError::NoRepository {
                prefix: table.written.clone(),
                location: namespace.host.clone(),
                host: host.into(),
                repository: repository.into(),
            })
        };
        let location = match &table.location {
            Some(namespace) => locate(namespace, table.insecure)?,
            None => unchanged(host, repository, table.insecure),
        };
        let mirrors = table.mirrors.iter().map(|mirror| {
            Ok(Mirror {
                location: locate(&mirror.location, mirror.insecure)?,
                pull: mirror.pull,
            })
        });
        Ok(Resolution {
            location,
            mirrors: mirrors.collect::<Result<_, _>>()?,
        })
    }

    fn longest_match<'a>(
        &self,
        host: &str,
        repository: &'a str,
    ) -> Option<(&RegistryTable, &'a str)> {
        let mut best: Option<(&RegistryTable, &str)> = None;
        for table in &self.registries {
            let Some(rest) = table.prefix.rest(host, repository) else {
                continue;
            };
            let longer =
                best.is_none_or(|(held, _)| table.prefix.written_len() > held.prefix.written_len());
            if longer {
                best = Some((table, rest));
            }
        }
        best
    }
}

fn name(host: &str, repository: &str) -> String {
    match repository {
        "" => host.to_owned(),
        repository => format!("{host}/{repository}"),
    }
}

fn unchanged(host: &str, repository: &str, insecure: Option<bool>) -> Location {
    Location {
        host: host.into(),
        repository: repository.into(),
        insecure,
    }
}

/// Returns `None` if no repository path would be left.
fn join(namespace: &Namespace, rest: &str, insecure: Option<bool>) -> Option<Location> {
    let repository = match (namespace.path.as_str(), rest) {
        ("", "") => return None,
        ("", rest) => rest.to_owned(),
        (path, "") => path.to_owned(),
        (path, rest) => format!("{path}/{rest}"),
    };
    Some(Location {
        host: namespace.host.clone(),
        repository,
        insecure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONF: &str = r#"
        [[registry]]
        prefix = "example.com/foo"
        insecure = false
        location = "internal.example.net/bar"
        [[registry.mirror]]
        location = "mirror-0.local/mirror-for-foo"
        [[registry.mirror]]
        location = "mirror-1.local/mirrors/foo"
        insecure = true
        pull-from-mirror = "digest-only"

        [[registry]]
        prefix = "example.com/foo/evil"
        location = "example.com/foo/evil"
        blocked = true

        [[registry]]
        location = "registry.com"
        insecure = true
        mirror-by-digest-only = true
        [[registry.mirror]]
        location = "mirror.registry.com"

        [[registry]]
        prefix = "docker.io/library"
        location = "hub.local"

        [[registry]]
        prefix = "*.wild.org"
        insecure = true

        [[registry]]
        prefix = "*.moved.org"
        location = "new.org/moved"

        [[registry]]
        prefix = "*.a.moved.org"
        location = "deeper.org"

        [[registry]]
        prefix = "quay.io"
        insecure = true
    "#;

    #[test]
    fn resolve_uses_the_longest_prefix() {
        let conf = RegistriesConf::parse(CONF).unwrap();
        let rows = "
            example.com       foo/image      internal.example.net/bar/image     Some(false)  2
            example.com       foo            internal.example.net/bar           Some(false)  2
            example.com       foobar         example.com/foobar                 None         0
            example.com       foo/evilish    internal.example.net/bar/evilish   Some(false)  2
            example.com:5000  foo/image      example.com:5000/foo/image         None         0
            registry.com      image          registry.com/image                 Some(true)   1
            docker.io         library/redis  hub.local/redis                    None         0
            docker.io         bitnami/redis  docker.io/bitnami/redis            None         0
            a.wild.org:8443   x/y            a.wild.org:8443/x/y                Some(true)   0
            wild.org          x/y            wild.org/x/y                       None         0
            b.moved.org:5000  x              new.org/moved/x                    None         0
            b.a.moved.org     x              deeper.org/x                       None         0
            quay.io           coreos/etcd    quay.io/coreos/etcd                Some(true)   0";
        for row in rows.lines().skip(1) {
            let fields: Vec<&str> = row.split_whitespace().collect();
            let [host, repository, place, insecure, mirrors] = fields[..] else {
                panic!("{row}");
            };
            let got = conf.resolve(host, repository).unwrap();
            let at = got.location;
            assert_eq!(format!("{}/{}", at.host, at.repository), place, "{row}");
            assert_eq!(format!("{:?}", at.insecure), insecure, "{row}");
            assert_eq!(got.mirrors.len().to_string(), mirrors, "{row}");
        }
    }

    #[test]
    fn resolve_keeps_order_and_settings_of_mirrors() {
        let conf = RegistriesConf::parse(CONF).unwrap();
        let mirror = |host: &str, repository: &str, insecure, pull| Mirror {
            location: unchanged(host, repository, insecure),
            pull,
        };
        assert_eq!(
            conf.resolve("example.com", "foo/image").unwrap().mirrors,
            [
                mirror(
                    "mirror-0.local",
                    "mirror-for-foo/image",
                    None,
                    PullFromMirror::All
                ),
                mirror(
                    "mirror-1.local",
                    "mirrors/foo/image",
                    Some(true),
                    PullFromMirror::DigestOnly
                ),
            ]
        );
        assert_eq!(
            conf.resolve("registry.com", "image").unwrap().mirrors,
            [mirror(
                "mirror.registry.com",
                "image",
                None,
                PullFromMirror::DigestOnly
            )]
        );
    }

    #[test]
    fn resolve_refuses_blocked_names_and_bare_hosts() {
        let conf = RegistriesConf::parse(CONF).unwrap();
        let blocked = conf.resolve("example.com", "foo/evil/tool").unwrap_err();
        let ResolveError::Blocked { prefix, .. } = &blocked else {
            panic!("{blocked:?}");
        };
        assert_eq!(prefix, "example.com/foo/evil");
        let bare = conf.resolve("docker.io", "library").unwrap_err();
        assert!(matches!(bare, ResolveError::NoRepository { .. }), "{bare}");
    }

    #[test]
    fn resolve_returns_the_location_of_a_host_without_a_repository() {
        let conf = RegistriesConf::parse(CONF).unwrap();
        let rows = "
            registry.com      registry.com      Some(true)
            quay.io           quay.io           Some(true)
            a.wild.org:8443   a.wild.org:8443   Some(true)
            b.moved.org:5000  new.org           None
            example.com       example.com       None
            unknown.org       unknown.org       None";
        for row in rows.lines().skip(1) {
            let fields: Vec<&str> = row.split_whitespace().collect();
            let got = conf.resolve(fields[0], "").unwrap().location;
            let insecure = format!("{:?}", got.insecure);
            assert_eq!([got.host.as_str(), &insecure], fields[1..], "{row}");
            assert_eq!(got.repository, "", "{row}");
        }
        let same = "[[registry]]\nprefix = 'a.b:1'\nlocation = 'a.b:1'\n";
        let conf = RegistriesConf::parse(same).unwrap();
        assert_eq!(conf.resolve("a.b:1", "").unwrap().location.host, "a.b:1");
        let blocked = "[[registry]]\nlocation = 'a.b'\nblocked = true\n";
        let conf = RegistriesConf::parse(blocked).unwrap();
        let error = conf.resolve("a.b", "").unwrap_err().to_string();
        assert!(error.starts_with("a.b is blocked by"), "{error}");
    }

    #[test]
    fn resolve_uses_the_first_of_equal_prefixes() {
        let text = "[[registry]]\nprefix='a.b'\nlocation='one.b'\n[[registry]]\nprefix='a.b'\nlocation='two.b'\n";
        let conf = RegistriesConf::parse(text).unwrap();
        assert_eq!(conf.resolve("a.b", "x").unwrap().location.host, "one.b");
    }
}
