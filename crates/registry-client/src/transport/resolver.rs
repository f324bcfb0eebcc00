//! Name resolution with a typed error.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use url::{Host, Url};

use crate::connection_failure::ResolutionError;

/// The system's resolver.
///
/// As reqwest's own, except that its error has a type that
/// [`crate::ConnectionFailure`] recognizes.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            // The connector sets the port.
            match tokio::net::lookup_host((name, 0)).await {
                Ok(addresses) => Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs),
                Err(source) => {
                    let name = name.to_owned();
                    Err(ResolutionError { name, source }.into())
                }
            }
        })
    }
}

/// Returns the addresses of a URL's host, none if it cannot be resolved within `patience`.
pub(super) async fn addresses(url: &Url, patience: Duration) -> Vec<IpAddr> {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => return vec![address.into()],
        Some(Host::Ipv6(address)) => return vec![address.into()],
        Some(Host::Domain(name)) => name,
        None => return Vec::new(),
    };
    let found = tokio::time::timeout(patience, tokio::net::lookup_host((name, 0))).await;
    let found = found.ok().and_then(Result::ok);
    found.into_iter().flatten().map(|at| at.ip()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::{ConnectionFailure, TlsFailure};

    fn client() -> reqwest::Client {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let builder = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(SystemResolver);
        builder.build().unwrap()
    }

    async fn failure_of(url: &str) -> (ConnectionFailure, String) {
        let error = client().get(url).send().await.unwrap_err();
        let url = url.parse().unwrap();
        let error = Error::connection(&http::Method::GET, &url, &error.without_url());
        match &error {
            Error::Connection { failure, .. } => (*failure, error.to_string()),
            other => unreachable!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn unknown_names_and_refused_ports_have_typed_failures() {
        // A label of 64 characters is never sent to a name server.
        let name = format!("{}.invalid", "a".repeat(64));
        let (failure, message) = failure_of(&format!("http://{name}/v2/")).await;
        assert_eq!(failure, ConnectionFailure::NameResolution, "{message}");
        assert!(
            message.contains(&format!("/v2/: cannot resolve {name}")),
            "{message}"
        );
        let (failure, message) = failure_of("http://127.0.0.1:1/v2/").await;
        assert_eq!(failure, ConnectionFailure::Refused, "{message}");
    }

    #[tokio::test]
    async fn plain_http_at_an_https_url_is_not_tls() {
        let registry = embedded_registry::Registry::new().start().await.unwrap();
        let (failure, message) = failure_of(&format!("https://{}/v2/", registry.host())).await;
        assert_eq!(
            failure,
            ConnectionFailure::Tls(TlsFailure::NotTls),
            "{message}"
        );
    }
}
