//! The keys of `auths` and `credHelpers`: which names they are for.
//!
//! podman writes `host[:port][/path]`, docker writes hosts and, for Docker Hub,
//! `https://index.docker.io/v1/`; Kubernetes secrets hold both.

use std::cmp::Reverse;

/// The key of Docker Hub in docker's files, and the server its helpers know.
const HUB_URL: &str = "https://index.docker.io/v1/";
/// Docker Hub as names of images spell it.
const HUB: &str = image_name::DOCKER_HUB;

/// One key, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthKey {
    /// As written.
    pub(super) raw: String,
    host: String,
    /// Below the host, components joined by `/`; empty for the whole host.
    path: String,
    spelling: Spelling,
}

/// How the host is written, best first where several keys mean one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    /// As names of images have it.
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
        // `v1` is the API below a host in docker's keys and may be a namespace in
        // podman's, which have no scheme and no slash at the end.
        let dockers = scheme.is_some() || alias || bare.len() < rest.len();
        let path = if dockers && matches!(path, "v1" | "v2") {
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

    /// Whether this key is for `repository` at `host`, as a whole or from above.
    pub(super) fn covers(&self, host: &str, repository: &str) -> bool {
        self.host == normal_host(host)
            && (self.path.is_empty()
                || repository
                    .strip_prefix(&self.path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Whether both are for the same names, however they are written.
    pub(super) fn means(&self, other: &Self) -> bool {
        self.host == other.host && self.path == other.path
    }

    /// The order in which keys that cover one name are asked: the longest path,
    /// then the plainest spelling.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        (Reverse(self.path.len()), self.spelling)
    }

    /// What a helper keeps a login under: as the file spells it, but for Docker
    /// Hub, which docker's helpers know by its URL.
    pub(super) fn server(&self) -> String {
        if self.is_hub() {
            HUB_URL.into()
        } else {
            self.raw.clone()
        }
    }

    /// What a helper is asked for, in this order: podman's `login` stores Docker
    /// Hub, and everything else, under the plain name.
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

    /// What a new login is written under: docker finds Docker Hub only by URL,
    /// podman and skopeo find it there too.
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
    fn keys_cover_names_by_whole_components() {
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
    fn the_longest_path_comes_first_then_the_plainest_spelling() {
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
        // `https://` comes before a mere alias.
        let raw =
            |keys: &[AuthKey]| -> Vec<String> { keys.iter().map(|key| key.raw.clone()).collect() };
        assert_eq!(raw(&keys), raw(&wanted));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(https?://|docker.io|/|v1|:5000|é|[a-z]){0,8}") {
            let key = AuthKey::parse(&text);
            prop_assert!(key.covers(&key.host, &key.path) || key.host.is_empty());
        }
    }
}
