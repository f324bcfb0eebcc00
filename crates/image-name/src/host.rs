//! Hosts of registries.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

/// Docker Hub's host in image names. Names without a host are at Docker Hub.
pub const DOCKER_HUB: &str = "docker.io";

/// The host of Docker Hub's registry API.
pub const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// Other hosts that mean Docker Hub.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", DOCKER_HUB_API];

/// The host of a registry with an optional port, for instance `quay.io`, `localhost:5000` or
/// `[::1]:5000`.
///
/// The text is in lower case, and `docker.io` replaces Docker Hub's other hosts. Hosts are equal
/// if they name one registry: a default port makes no difference, and `127.0.0.1` equals
/// `localhost`. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<str>);

/// The reason why a text is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is not a host: {}", host_hint(host))]
pub struct HostError {
    /// The text.
    pub host: String,
}

fn host_hint(host: &str) -> String {
    let (name, port) = split_port(host);
    let digits = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.filter(|port| !port.is_empty() && !is_port(port) && name.parse::<Host>().is_ok()) {
        Some(port) => format!("the port {port} is above {}", u16::MAX),
        None => {
            "use letters, digits, `-` and `.`, and optionally a port such as `:5000`".to_owned()
        }
    }
}

impl Host {
    /// Returns Docker Hub's host.
    #[must_use]
    pub fn docker_hub() -> Self {
        Self(DOCKER_HUB.into())
    }

    /// Returns the host in lower case with its port, `docker.io` for Docker Hub.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks for Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        is_docker_hub(&self.0)
    }

    /// Returns the host without its default port: `quay.io` for `quay.io:443`.
    #[must_use]
    pub fn without_default_port(&self) -> String {
        if self.is_docker_hub() {
            return DOCKER_HUB.to_owned();
        }
        let (name, _) = split_port(&self.0);
        match self.canonical() {
            (_, Some(port)) => format!("{name}:{port}"),
            (_, None) => name.to_owned(),
        }
    }

    /// Returns a form that is the same for all names of one registry: `localhost` for `127.0.0.1`,
    /// and no default port. The default port of `localhost` and `[::1]`, which are reached over plain
    /// HTTP, is 80; that of other hosts is 443.
    fn canonical(&self) -> (&str, Option<&str>) {
        let (name, port) = split_port(&self.0);
        let name = if name == "127.0.0.1" {
            "localhost"
        } else {
            name
        };
        let is_loopback = matches!(name, "localhost" | "[::1]");
        let default_port = if is_loopback { "80" } else { "443" };
        let port = port.map(|port| port.trim_start_matches('0'));
        (name, port.filter(|port| *port != default_port))
    }
}

/// Checks a host in any case for one of Docker Hub's, with or without the default port.
#[must_use]
pub fn is_docker_hub(host: &str) -> bool {
    let name = host.strip_suffix(":443").unwrap_or(host);
    name.eq_ignore_ascii_case(DOCKER_HUB)
        || DOCKER_HUB_ALIASES
            .iter()
            .any(|alias| name.eq_ignore_ascii_case(alias))
}

/// Removes one of Docker Hub's hosts from the start of an image name, `docker.io/a/b` to `a/b`.
#[must_use]
pub fn without_docker_hub(name: &str) -> &str {
    match name.split_once('/') {
        Some((host, path)) if is_docker_hub(host) => path,
        _ => name,
    }
}

/// Checks the first of several components of a name: a host has a `.` or a `:`, or is `localhost`.
#[must_use]
pub fn is_host(component: &str) -> bool {
    component.contains(['.', ':']) || component == "localhost"
}

/// Checks a whole name for `HOST:PORT` without a repository: `localhost:5000`, `r.io:443`, `[::1]:5000`.
/// Read as an image, it would be the tag `5000` of a repository at Docker Hub. `alpine:3` is none, since
/// its host would have neither a `.` nor the name `localhost`.
pub(crate) fn is_host_and_port(name: &str) -> bool {
    let Some((host, port)) = name.rsplit_once(':') else {
        return false;
    };
    let is_named = host.contains('.') || host.starts_with('[');
    !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (is_named || host.eq_ignore_ascii_case("localhost"))
        && host.parse::<Host>().is_ok()
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, port) = split_port(text);
        if let Some(address) = ipv6(name) {
            let is_valid = port.is_none_or(is_port);
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let host = text.to_owned();
            return match is_valid {
                true => Ok(Self(format!("[{address}]{port}").into())),
                false => Err(HostError { host }),
            };
        }
        let is_label = |label: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !label.is_empty()
                && label.bytes().all(allowed)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if !name.split('.').all(is_label) || !port.is_none_or(is_port) {
            let host = text.to_owned();
            return Err(HostError { host });
        }
        // The default port stays: credentials of a host with a port do not apply without it.
        if port.is_none() && is_docker_hub(name) {
            return Ok(Self::docker_hub());
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// Returns the address of `[ADDRESS]`.
fn ipv6(name: &str) -> Option<Ipv6Addr> {
    let address = name.strip_prefix('[')?.strip_suffix(']')?;
    address.parse().ok()
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    if let Some(end) = host.find(']') {
        let (name, rest) = host.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => (name, Some(port)),
            // Text behind the bracket makes the name invalid.
            None if rest.is_empty() => (name, None),
            None => (host, None),
        };
    }
    match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.canonical() == other.canonical()
            || (self.is_docker_hub() && other.is_docker_hub())
    }
}

impl Eq for Host {}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.is_docker_hub() {
            (DOCKER_HUB, None::<&str>).hash(state);
        } else {
            self.canonical().hash(state);
        }
    }
}

impl AsRef<str> for Host {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn forms_of_one_registry_are_equal() {
        for (forms, text) in [
            (
                "docker.io Docker.IO index.docker.io registry-1.docker.io docker.io:443 index.docker.io:443",
                "docker.io",
            ),
            ("quay.io QUAY.io quay.io:443 quay.io:0443", "quay.io"),
            (
                "localhost 127.0.0.1 LOCALHOST localhost:80 127.0.0.1:80",
                "localhost",
            ),
            ("localhost:5000 127.0.0.1:5000", "localhost:5000"),
            ("[::1]:5000 [0:0::0001]:5000", "[::1]:5000"),
            ("[::1] [::1]:80", "[::1]"),
            ("[FD00::A] [fd00:0::a]:443", "[fd00::a]"),
        ] {
            let hosts: Vec<Host> = forms.split(' ').map(|form| form.parse().unwrap()).collect();
            assert_eq!(hosts[0].as_str(), text);
            let distinct: HashSet<&Host> = hosts.iter().collect();
            assert_eq!(distinct.len(), 1, "{distinct:?}");
        }
    }

    #[test]
    fn default_port_is_left_out() {
        for (host, want) in [
            ("quay.io:0443", "quay.io"),
            ("quay.io:80", "quay.io:80"),
            ("docker.io:443", "docker.io"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("127.0.0.1:05000", "127.0.0.1:5000"),
            ("[::1]:443", "[::1]:443"),
        ] {
            let found = host.parse::<Host>().unwrap().without_default_port();
            assert_eq!(found, want, "{host}");
        }
    }

    #[test]
    fn other_registries_differ() {
        let hosts = "docker.io hub.docker.io docker.io:5000 quay.io quay.io:80 quay.io:4430 localhost \
                     localhost:443 localhost:5000 127.0.0.1:5001 127.0.0.2 a.localhost [::1] [::1]:443 [::1]:5000 [::2]:5000";
        let hosts: Vec<Host> = hosts
            .split_whitespace()
            .map(|host| host.parse().unwrap())
            .collect();
        let distinct: HashSet<&Host> = hosts.iter().collect();
        assert_eq!(distinct.len(), hosts.len(), "{distinct:?}");
    }

    #[test]
    fn text_outside_the_grammar_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "-a.io",
            "a-.io",
            "under_score.io",
            "host:",
            "host:99999",
            "host:+1",
            "host:1:2",
            "::1",
            "::1:5000",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1]:99999",
            "[::1]:1:2",
            "[fe80::1%eth0]",
            "[127.0.0.1]",
            "[]",
            "user@host",
            "h\u{f6}st",
        ] {
            let host = text.to_owned();
            assert_eq!(text.parse::<Host>(), Err(HostError { host }));
        }
    }

    #[test]
    fn port_above_the_maximum_is_named() {
        for (text, want) in [
            ("host:99999", "the port 99999 is above 65535"),
            ("[::1]:65536", "the port 65536 is above 65535"),
            ("host:+1", "optionally a port such as `:5000`"),
            ("host:", "optionally a port such as `:5000`"),
            ("-a.io:99999", "use letters, digits, `-` and `.`"),
        ] {
            let message = text.parse::<Host>().unwrap_err().to_string();
            assert!(message.contains(want), "{text}: {message}");
        }
    }

    #[test]
    fn names_at_docker_hub_lose_the_host() {
        for (name, expected) in [
            ("docker.io/a/b", "a/b"),
            ("index.docker.io/a", "a"),
            ("registry-1.docker.io/library/a", "library/a"),
            ("a/b", "a/b"),
            ("busybox", "busybox"),
            ("quay.io/docker.io/a", "quay.io/docker.io/a"),
            ("docker.io.evil.org/a", "docker.io.evil.org/a"),
        ] {
            assert_eq!(without_docker_hub(name), expected);
        }
    }
}
