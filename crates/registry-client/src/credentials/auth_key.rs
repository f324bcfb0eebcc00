//! The keys of `auths` and `credHelpers`.
//!
//! podman writes `host[:port][/path]`; docker writes hosts and, for Docker Hub,
//! `https://index.docker.io/v1/`. Kubernetes secrets contain both.

use std::cmp::Reverse;

/// The key of Docker Hub in docker's files, and its server name for helpers.
const HUB_URL: &str = "https://index.docker.io/v1/";
/// Docker Hub in image names.
const HUB: &str = image_name::DOCKER_HUB;

/// A parsed key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthKey {
    /// The key as written.
    pub(super) raw: String,
    host: String,
    /// The path below the host, empty for the whole host.
    path: String,
    spelling: Spelling,
}

/// The spelling of a host. Where several keys are equivalent, the first spelling here wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    /// As in image names.
    Plain,
    Https,
    /// Another name of Docker Hub.
    Alias,
    Http,
}

impl AuthKey {
    pub(super) fn parse(raw: &str) -> Self {
        let text = raw.trim();
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Some(Spelling::Https), rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Some(Spelling::Http), rest)
        } else {
            (None, text)
        };
        let bare = rest.trim_end_matches('/');
        let (written_host, path) = bare.split_once('/').unwrap_or((bare, ""));
        let host = normal_host(written_host);
        let alias = host == HUB && !written_host.eq_ignore_ascii_case(HUB);
        // `v1` is the API in docker's keys. In podman's, which have no scheme and no slash at the
        // end, it can be a namespace.
        let is_docker_key = scheme.is_some() || alias || bare.len() < rest.len();
        let path = if is_docker_key && matches!(path, "v1" | "v2") {
            ""
        } else {
            path
        };
        let plain = if alias {
            Spelling::Alias
        } else {
            Spelling::Plain
        };
        Self {
            raw: raw.into(),
            host,
            path: path.into(),
            spelling: scheme.unwrap_or(plain),
        }
    }

    /// Returns whether this key applies to `repository` at `host`.
    pub(super) fn covers(&self, host: &str, repository: &str) -> bool {
        self.host == normal_host(host)
            && (self.path.is_empty()
                || repository
                    .strip_prefix(&self.path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Returns whether both keys apply to the same repositories.
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        self.host == other.host && self.path == other.path
    }

    /// Returns the sort key of the lookup order: the longest path first, then the spelling.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (Reverse(self.path.len()), self.spelling)
    }

    /// Returns the server under which a helper stores a login: the key as written, or the URL of
    /// Docker Hub, as docker does.
    pub(super) fn server(&self) -> String {
        if self.is_hub() {
            HUB_URL.into()
        } else {
            self.raw.clone()
        }
    }

    /// Returns the servers to request from a helper, in this order. podman's `login` stores Docker
    /// Hub, like all others, under the plain name.
    pub(super) fn servers(&self) -> Vec<String> {
        let mut servers = vec![self.server(), self.plain()];
        servers.dedup();
        servers
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the key for a new login. docker finds Docker Hub only by its URL; podman and skopeo
    /// find it there too.
    pub(super) fn file_key(&self) -> String {
        if self.is_hub() {
            HUB_URL.into()
        } else {
            self.plain()
        }
    }

    fn is_hub(&self) -> bool {
        self.host == HUB && self.path.is_empty()
    }

    fn plain(&self) -> String {
        if self.path.is_empty() {
            self.host.clone()
        } else {
            format!("{}/{}", self.host, self.path)
        }
    }
}

fn normal_host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if image_name::is_docker_hub(&host) {
        HUB.into()
    } else {
        host
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn key_covers_repositories_by_whole_components() {
        let covered = "
            r.io                         r.io            a/b
            r.io/                        r.io            a/b
            R.io                         r.IO            a/b
            r.io:5000                    r.io:5000       a
            https://r.io                 r.io            a
            https://r.io/v1/             r.io            a
            https://r.io/v2              r.io            a
            http://r.io:5000/v2/         r.io:5000       a
            r.io/v1/                     r.io            a
            r.io/v1                      r.io            v1/a
            r.io/a                       r.io            a
            r.io/a/b                     r.io            a/b/c
            https://r.io/a               r.io            a/b
            docker.io                    docker.io       library/redis
            index.docker.io              docker.io       library/redis
            index.docker.io/v1           docker.io       library/redis
            registry-1.docker.io         docker.io       library/redis
            https://index.docker.io/v1/  docker.io       library/redis
            docker.io/library            docker.io       library/redis
            docker.io                    index.docker.io library/redis";
        let not_covered = "
            r.io                               r.io:5000  a
            r.io:5000                          r.io       a
            r.io/a                             r.io       ab
            r.io/a/b                           r.io       a
            r.io/v1                            r.io       a
            https://r.io/a                     r.io       b
            r.io.evil.org                      r.io       a
            https://index.docker.io/v1/access-token  docker.io  library/redis";
        for (rows, want) in [(covered, true), (not_covered, false)] {
            for row in rows.lines().skip(1) {
                let fields: Vec<&str> = row.split_whitespace().collect();
                let [key, host, repository] = fields[..] else {
                    panic!("{row}");
                };
                assert_eq!(AuthKey::parse(key).covers(host, repository), want, "{row}");
            }
        }
    }

    #[test]
    fn longest_path_ranks_first_then_the_spelling() {
        let mut keys = [
            "http://docker.io",
            "index.docker.io",
            "https://index.docker.io/v1/",
            "docker.io",
            "https://docker.io/library",
            "docker.io/library/redis",
        ]
        .map(AuthKey::parse);
        let wanted: Vec<AuthKey> = keys.iter().rev().cloned().collect();
        keys.sort_by_key(AuthKey::rank);
        let raw =
            |keys: &[AuthKey]| -> Vec<String> { keys.iter().map(|key| key.raw.clone()).collect() };
        assert_eq!(raw(&keys), raw(&wanted));
    }

    proptest! {
        #[test]
        fn any_text_parses_to_a_key_that_covers_itself(text in "(https?://|docker.io|/|v1|:5000|é|[a-z]){0,8}") {
            let key = AuthKey::parse(&text);
            prop_assert!(key.covers(&key.host, &key.path) || key.host.is_empty());
        }
    }
}
