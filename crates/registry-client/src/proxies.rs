//! Proxies for requests, and the hosts that are reached without one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::redact;
use crate::security::{is_local, is_loopback};
use crate::sent_secrets::record_sent_secret;

/// The schemes of proxies that reqwest supports.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The time for the status of a proxy that refused a connection.
const STATUS_PATIENCE: Duration = Duration::from_secs(5);

/// The proxies for http and https, and the exempt hosts. Loopback and link-local hosts never have a
/// proxy.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    exempt: Vec<Exempt>,
    /// Entries of `NO_PROXY` that are written like networks and are none.
    invalid_networks: Vec<String>,
}

/// The values of the variables that name proxies.
#[derive(Clone, Copy, Default)]
pub struct ProxyVariables<'a> {
    /// `HTTP_PROXY`, for plain HTTP.
    pub http: Option<&'a str>,
    /// `HTTPS_PROXY`, for TLS.
    pub https: Option<&'a str>,
    /// `ALL_PROXY`, where the other two are unset.
    pub all: Option<&'a str>,
    /// `NO_PROXY`: hosts without a proxy, separated by commas or whitespace.
    pub exempt: Option<&'a str>,
}

/// An invalid value of a variable that names a proxy. It does not quote the value, which may contain a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {what}")]
pub struct ProxyError {
    /// Such as `HTTPS_PROXY`.
    pub variable: &'static str,
    /// The reason.
    pub what: String,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exempt {
    hosts: ExemptHosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ExemptHosts {
    All,
    /// A domain and the domains below it.
    Domain(String),
    /// `*.DOMAIN`: the domains below it.
    Subdomains(String),
    /// The addresses that share this many bits.
    Network(IpAddr, u8),
}

impl Proxies {
    /// Reads the variables. A proxy without a scheme is an HTTP proxy.
    ///
    /// `NO_PROXY` has the entries of curl and Go: domains with everything below them, `*.DOMAIN`,
    /// addresses and networks in CIDR notation, each with an optional port, and `*` for all hosts.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] for a proxy that is not a URL, or has a scheme without support.
    pub fn from_variables(variables: &ProxyVariables<'_>) -> Result<Self, ProxyError> {
        let all = parse_proxy("ALL_PROXY", variables.all)?;
        let http = parse_proxy("HTTP_PROXY", variables.http)?;
        let https = parse_proxy("HTTPS_PROXY", variables.https)?;
        let exempt = variables.exempt.unwrap_or_default();
        let entries = exempt.split(|c: char| c == ',' || c.is_whitespace());
        let is_invalid = |entry: &&str| {
            let host = split_port(entry).0;
            host.contains('/') && parse_network(host).is_none()
        };
        let invalid_networks = entries.clone().filter(is_invalid);
        Ok(Self {
            http: http.or_else(|| all.clone()),
            https: https.or(all),
            invalid_networks: invalid_networks.map(str::to_owned).collect(),
            exempt: entries.filter_map(Exempt::parse).collect(),
        })
    }

    /// Returns the entries of `NO_PROXY` that are written like networks and exempt no host, such as
    /// `10.0.0.0/33`.
    #[must_use]
    pub fn invalid_networks(&self) -> &[String] {
        &self.invalid_networks
    }

    /// Returns whether no host has a proxy.
    pub(crate) fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Returns the proxy for a URL.
    pub(crate) fn for_url(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        }?;
        let host = url.host_str()?;
        let is_direct = is_loopback(host)
            || is_link_local(url)
            || host.ends_with(".localhost")
            || self.exempt.iter().any(|exempt| exempt.covers(url));
        (!is_direct).then_some(proxy)
    }
}

/// The endpoint of Amazon EKS for the keys of a container, over IPv6. It is not a link-local address, and
/// answers on the node of the container only.
const EKS_ENDPOINT: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

/// Returns whether a URL names an address of this machine's link, where providers of keys are.
fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_local(&IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => address == EKS_ENDPOINT || is_local(&IpAddr::V6(address)),
        _ => false,
    }
}

fn parse_proxy(variable: &'static str, value: Option<&str>) -> Result<Option<Url>, ProxyError> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let invalid = |what: String| ProxyError { variable, what };
    let text = match value.contains("://") {
        true => value.to_owned(),
        false => format!("http://{value}"),
    };
    let url: Url = text
        .parse()
        .map_err(|error| invalid(format!("not the URL of a proxy ({error})")))?;
    if !SCHEMES.contains(&url.scheme()) {
        let schemes = SCHEMES.join(", ");
        let what = format!(
            "a proxy at {}:// is not supported, only {schemes}",
            url.scheme()
        );
        return Err(invalid(what));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("the URL of the proxy has no host".to_owned()));
    }
    if let Some((_, password)) = credentials(&url) {
        record_sent_secret(&password);
    }
    Ok(Some(url))
}

/// Returns user and password of a proxy, decoded.
fn credentials(proxy: &Url) -> Option<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(proxy.username()), proxy.password().map(decoded));
    (!user.is_empty() || password.is_some()).then(|| (user, password.unwrap_or_default()))
}

impl Exempt {
    fn parse(entry: &str) -> Option<Self> {
        if entry.is_empty() {
            return None;
        }
        let (host, port) = split_port(entry);
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let hosts = if host == "*" {
            ExemptHosts::All
        } else if let Some(network) = parse_network(&host) {
            network
        } else if let Some(domain) = host.strip_prefix("*.") {
            ExemptHosts::Subdomains(domain.to_owned())
        } else {
            ExemptHosts::Domain(host.trim_start_matches('.').to_owned())
        };
        Some(Self { hosts, port })
    }

    fn covers(&self, url: &Url) -> bool {
        if self.port.is_some() && self.port != url.port_or_known_default() {
            return false;
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        let name = url.host_str().unwrap_or_default().trim_end_matches('.');
        let is_below = |domain: &str| {
            name.strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        };
        match &self.hosts {
            ExemptHosts::All => true,
            ExemptHosts::Domain(domain) => name == domain || is_below(domain),
            ExemptHosts::Subdomains(domain) => is_below(domain),
            ExemptHosts::Network(network, bits) => {
                address.is_some_and(|address| shares_bits(*network, address, *bits))
            }
        }
    }
}

/// Splits `HOST[:PORT]`. An IPv6 address with a port is in brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return (
            address,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn parse_network(host: &str) -> Option<ExemptHosts> {
    let (address, bits) = match host.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (host, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let length = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(length);
    (bits <= length).then_some(ExemptHosts::Network(address, bits))
}

/// Returns whether two addresses of one family have the same first bits.
fn shares_bits(network: IpAddr, address: IpAddr, bits: u8) -> bool {
    let differ = |one: u128, other: u128, length: u32| {
        let host_bits = length - u32::from(bits);
        (one ^ other).checked_shr(host_bits).unwrap_or(0) != 0
    };
    match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            !differ(one.to_bits().into(), other.to_bits().into(), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => !differ(one.to_bits(), other.to_bits(), 128),
        _ => false,
    }
}

/// Requests a tunnel to a host from an HTTP proxy after a failure, and returns the status, which the
/// HTTP library does not report.
pub(crate) async fn tunnel_status(proxy: &Url, target: &Url) -> Option<StatusCode> {
    if proxy.scheme() != "http" {
        return None;
    }
    let asked = request_tunnel(proxy, target);
    tokio::time::timeout(STATUS_PATIENCE, asked).await.ok()?
}

async fn request_tunnel(proxy: &Url, target: &Url) -> Option<StatusCode> {
    const MAX_STATUS_LINE: u64 = 512;
    let host = proxy.host_str()?.trim_matches(['[', ']']);
    let address = (host, proxy.port_or_known_default()?);
    let mut stream = TcpStream::connect(address).await.ok()?;
    let authority = format!("{}:{}", target.host_str()?, target.port_or_known_default()?);
    let authorization = credentials(proxy).map_or_else(String::new, |(user, password)| {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        format!("Proxy-Authorization: Basic {pair}\r\n")
    });
    let request =
        format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut response = Vec::new();
    let mut limited = stream.take(MAX_STATUS_LINE);
    while !response.contains(&b'\n') && limited.read_buf(&mut response).await.ok()? > 0 {}
    let line = String::from_utf8_lossy(&response);
    let status = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    status.trim().parse().ok()
}

/// Hides user and password of the proxies.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.as_ref().map(redact::url))
            .field("https", &self.https.as_ref().map(redact::url))
            .field("exempt", &self.exempt)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempt(entries: &str) -> Proxies {
        let variables = ProxyVariables {
            all: Some("proxy.example:3128"),
            exempt: Some(entries),
            ..ProxyVariables::default()
        };
        Proxies::from_variables(&variables).unwrap()
    }

    #[test]
    fn entries_that_are_no_network_are_listed() {
        let proxies =
            exempt("10.0.0.0/33,r.io,10.0.0.0/8 r.io/24,fd00::/129,[fd00::1]:443,10.0.0.0/x");
        let invalid = ["10.0.0.0/33", "r.io/24", "fd00::/129", "10.0.0.0/x"];
        assert_eq!(proxies.invalid_networks(), invalid);
    }

    #[test]
    fn exempt_hosts_have_no_proxy() {
        let cases = [
            ("r.io", "https://r.io/v2/", true),
            ("r.io", "https://a.r.io/v2/", true),
            ("r.io", "https://ar.io/v2/", false),
            ("R.IO.", "https://r.io/v2/", true),
            (".r.io", "https://r.io/v2/", true),
            (".r.io", "https://a.r.io/v2/", true),
            ("*.r.io", "https://a.b.r.io/v2/", true),
            ("*.r.io", "https://r.io/v2/", false),
            ("*.r.io", "https://ar.io/v2/", false),
            ("r.io:5000", "https://r.io:5000/v2/", true),
            ("r.io:5000", "https://r.io/v2/", false),
            ("r.io:443", "https://r.io/v2/", true),
            ("r.io:80", "http://r.io/v2/", true),
            ("10.0.0.0/8", "https://10.1.2.3/v2/", true),
            ("10.0.0.0/8", "https://11.1.2.3/v2/", false),
            ("10.0.0.0/8:5000", "https://10.1.2.3:5000/", true),
            ("10.1.2.3", "https://10.1.2.3:5000/v2/", true),
            ("10.1.2.3:80", "https://10.1.2.3:5000/v2/", false),
            ("0.0.0.0/0", "https://10.1.2.3/v2/", true),
            ("fd00::/8", "https://[fd00::1]/v2/", true),
            ("fd00::1", "https://[fd00::1]:5000/v2/", true),
            ("[fd00::1]:5000", "https://[fd00::1]:5000/v2/", true),
            ("[fd00::1]:5000", "https://[fd00::1]/v2/", false),
            ("::/0", "https://10.1.2.3/v2/", false),
            ("a.io, b.io\tr.io", "https://r.io/v2/", true),
            ("*", "https://r.io/v2/", true),
            ("", "https://r.io/v2/", false),
            ("", "https://localhost:5000/v2/", true),
            ("", "http://169.254.170.2/v2/", true),
            ("", "http://[fd00:ec2::23]/v1/", true),
            ("", "http://[fd00:ec2::24]/v1/", false),
            ("", "http://[::1]:5000/v2/", true),
            ("", "http://r.localhost:5000/v2/", true),
        ];
        for (entries, url, expected) in cases {
            let proxies = exempt(entries);
            let is_direct = proxies.for_url(&url.parse().unwrap()).is_none();
            assert_eq!(is_direct, expected, "{entries:?} {url}");
        }
    }

    #[test]
    fn proxy_is_that_of_the_scheme() {
        let variables = ProxyVariables {
            http: Some("http://plain:1"),
            https: None,
            all: Some("socks5h://me:secret@all:2"),
            exempt: None,
        };
        let proxies = Proxies::from_variables(&variables).unwrap();
        let of = |url: &str| proxies.for_url(&url.parse().unwrap()).unwrap().to_string();
        assert_eq!(of("http://r.io/"), "http://plain:1/");
        assert_eq!(of("https://r.io/"), "socks5h://me:secret@all:2");
        let shown = format!("{proxies:?}");
        assert!(
            shown.contains("all:2") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn invalid_proxy_is_an_error_that_quotes_no_password() {
        for (value, want) in [
            ("ftp://me:secret@h:1", "a proxy at ftp:// is not supported"),
            ("http://me:secret@h:port", "not the URL of a proxy"),
            ("http://", "not the URL of a proxy"),
        ] {
            let variables = ProxyVariables {
                https: Some(value),
                ..ProxyVariables::default()
            };
            let error = Proxies::from_variables(&variables).unwrap_err().to_string();
            assert!(error.contains(want), "{value}: {error}");
            assert!(
                error.starts_with("HTTPS_PROXY: ") && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
