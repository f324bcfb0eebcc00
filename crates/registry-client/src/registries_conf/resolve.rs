//! From a name to the place it is read from.

use super::namespace::{Namespace, Prefix};
use super::unused_keys::ConfWarning;

/// A containers-registries.conf(5) of version 2, read.
///
/// The default is empty: every name resolves to itself, nothing configured.
#[derive(Debug, Clone, Default)]
pub struct RegistriesConf {
    pub(super) registries: Vec<RegistryTable>,
    pub(super) warnings: Vec<ConfWarning>,
}

/// One `[[registry]]`.
#[derive(Debug, Clone)]
pub(super) struct RegistryTable {
    pub(super) prefix: Prefix,
    /// As written, for messages.
    pub(super) written: String,
    /// `None`: no rewriting.
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

/// Where one repository is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The primary place. Asked last when reading.
    ///
    /// Also where writing goes. containers/image moves reading only; here one
    /// name is one place, so that what was written is what is compared.
    pub location: Location,
    /// What stands in for it, in the order to try.
    pub mirrors: Vec<Mirror>,
}

/// A repository at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `host[:port]`.
    pub host: String,
    /// The repository there, without a leading slash.
    pub repository: String,
    /// `Some(true)`: TLS without verification, then HTTP. `Some(false)`: verified
    /// TLS, on loopback hosts too. `None`: the file says nothing.
    pub insecure: Option<bool>,
}

/// One `[[registry.mirror]]`, applied to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Where the mirror has the repository.
    pub location: Location,
    /// Which references may be read from it.
    pub pull: PullFromMirror,
}

/// Which references a mirror may answer: `pull-from-mirror`, or
/// `mirror-by-digest-only` of its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullFromMirror {
    /// Tags and digests.
    All,
    /// Only what is asked for by digest.
    DigestOnly,
    /// Only what is asked for by tag.
    TagOnly,
}

/// Why a name has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// `blocked = true`.
    #[error(
        "{host}/{repository} is blocked by `prefix = \"{prefix}\"` in the registries configuration"
    )]
    Blocked {
        /// The prefix of the `[[registry]]` that blocks it, as written.
        prefix: String,
        /// The host asked for.
        host: String,
        /// The repository asked for.
        repository: String,
    },
    /// The prefix is the whole name and its location is a host alone.
    #[error(
        "{host}/{repository} has no repository at `location = \"{location}\"`: the whole name is \
         `prefix = \"{prefix}\"` of the registries configuration; add a path to the location"
    )]
    NoRepository {
        /// The prefix as written.
        prefix: String,
        /// The host of the location.
        location: String,
        /// The host asked for.
        host: String,
        /// The repository asked for.
        repository: String,
    },
}

impl RegistriesConf {
    /// What was read and has no effect here, to be shown once.
    pub fn warnings(&self) -> &[ConfWarning] {
        &self.warnings
    }

    /// The places of `host/repository`, both normalised: Docker Hub is
    /// `docker.io`, its one-part names are below `library/`.
    ///
    /// A wildcard with a location replaces the whole host, port included.
    ///
    /// # Errors
    ///
    /// [`ResolveError::Blocked`] where the file forbids the name;
    /// [`ResolveError::NoRepository`] where rewriting leaves a bare host.
    pub fn resolve(&self, host: &str, repository: &str) -> Result<Resolution, ResolveError> {
        let Some((table, rest)) = self.longest(host, repository) else {
            return Ok(Resolution {
                location: itself(host, repository, None),
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
        let place = |namespace: &Namespace, insecure| {
            join(namespace, rest, insecure).ok_or_else(|| ResolveError::NoRepository {
                prefix: table.written.clone(),
                location: namespace.host.clone(),
                host: host.into(),
                repository: repository.into(),
            })
        };
        let location = match &table.location {
            Some(namespace) => place(namespace, table.insecure)?,
            None => itself(host, repository, table.insecure),
        };
        let mirrors = table.mirrors.iter().map(|mirror| {
            Ok(Mirror {
                location: place(&mirror.location, mirror.insecure)?,
                pull: mirror.pull,
            })
        });
        Ok(Resolution {
            location,
            mirrors: mirrors.collect::<Result<_, _>>()?,
        })
    }

    fn longest<'a>(&self, host: &str, repository: &'a str) -> Option<(&RegistryTable, &'a str)> {
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

fn itself(host: &str, repository: &str, insecure: Option<bool>) -> Location {
    Location {
        host: host.into(),
        repository: repository.into(),
        insecure,
    }
}

/// `None` where nothing would be left of the repository.
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
    fn names_resolve_to_the_place_of_the_longest_prefix() {
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
    fn mirrors_keep_their_order_and_settings() {
        let conf = RegistriesConf::parse(CONF).unwrap();
        let mirror = |host: &str, repository: &str, insecure, pull| Mirror {
            location: itself(host, repository, insecure),
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
    fn a_blocked_name_and_a_bare_host_are_refused() {
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
    fn of_equal_prefixes_the_first_decides() {
        let text = "[[registry]]\nprefix='a.b'\nlocation='one.b'\n[[registry]]\nprefix='a.b'\nlocation='two.b'\n";
        let conf = RegistriesConf::parse(text).unwrap();
        assert_eq!(conf.resolve("a.b", "x").unwrap().location.host, "one.b");
    }
}
