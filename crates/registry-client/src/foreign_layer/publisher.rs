//! The publisher of a foreign layer, in the place of a registry.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use image_name::Digest;
use reqwest::Body;
use rustls::ClientConfig;
use url::{Host, Url};

use super::public_address::{PublicResolver, is_public};
use crate::client::Client;
use crate::local_error::LocalError;
use crate::proxies::Proxies;
use crate::redact;
use crate::security::has_user;
use crate::transport::{InProcessRegistry, Shared};

/// The maximum number of redirects.
const REDIRECTS: usize = 5;
/// The number of attempts at each URL.
const ATTEMPTS: u32 = 3;

/// The URLs of one layer. Only its content is read, whatever the request.
#[derive(Debug)]
pub(super) struct Publisher {
    digest: Digest,
    urls: Vec<Url>,
    client: Client,
    /// For public addresses.
    public: reqwest::Client,
    /// Through a proxy, which resolves names itself.
    proxied: reqwest::Client,
    /// For hosts that are named as insecure.
    insecure: reqwest::Client,
    proxies: Arc<Proxies>,
}

/// A response with content, or the reason why there is none.
enum Fetched {
    Response(reqwest::Response),
    Refused(String),
    Failed(String),
}

impl Publisher {
    /// Creates the publisher of a layer.
    ///
    /// # Errors
    ///
    /// The reason why no URL may be fetched.
    pub(super) fn new(client: &Client, digest: Digest, urls: Vec<Url>) -> Result<Self, String> {
        let shared = client.shared();
        let publisher = Self {
            public: http_client(shared, Route::Public)?,
            proxied: http_client(shared, Route::Proxied)?,
            insecure: http_client(shared, Route::Insecure)?,
            proxies: Arc::clone(&shared.proxies),
            client: client.clone(),
            digest,
            urls,
        };
        let mut refusals = Vec::new();
        for url in &publisher.urls {
            match publisher.check(url) {
                Ok(()) => return Ok(publisher),
                Err(cause) => refusals.push(cause),
            }
        }
        Err(refusals.join("; "))
    }

    /// Checks that a URL may be fetched.
    fn check(&self, url: &Url) -> Result<(), String> {
        let text = redact::url(url);
        if !matches!(url.scheme(), "http" | "https") || has_user(url) {
            return Err(format!("{text} is no plain https URL"));
        }
        if self.is_insecure(url) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(format!("{text} is not https"));
        }
        let is_public = match url.host() {
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            // Names are checked when they are resolved.
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name != "localhost" && !name.ends_with(".localhost") && name.contains('.')
            }
            None => false,
        };
        if is_public {
            return Ok(());
        }
        Err(format!(
            "{text} is at a loopback, link-local or private address"
        ))
    }

    fn is_insecure(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let with_port = url
            .port_or_known_default()
            .map(|port| format!("{host}:{port}"));
        self.client.is_insecure(host)
            || with_port.is_some_and(|host| self.client.is_insecure(&host))
    }

    /// Fetches the layer from the first URL that has it.
    async fn fetch(&self, range: Option<&HeaderValue>) -> Result<reqwest::Response, LocalError> {
        let mut causes = Vec::new();
        for url in &self.urls {
            for attempt in 1..=ATTEMPTS {
                match self.follow(url.clone(), range).await {
                    Fetched::Response(response) => return Ok(response),
                    Fetched::Failed(_) if attempt < ATTEMPTS => {
                        tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
                    }
                    Fetched::Refused(cause) | Fetched::Failed(cause) => {
                        causes.push(cause);
                        break;
                    }
                }
            }
        }
        let (digest, causes) = (&self.digest, causes.join("; "));
        Err(LocalError::new(format!(
            "the foreign layer {digest} cannot be fetched: {causes}"
        )))
    }

    /// Requests a URL, and those that it redirects to.
    async fn follow(&self, mut url: Url, range: Option<&HeaderValue>) -> Fetched {
        for _ in 0..=REDIRECTS {
            if let Err(cause) = self.check(&url) {
                return Fetched::Refused(cause);
            }
            let client = if self.is_insecure(&url) {
                &self.insecure
            } else if self.proxies.for_url(&url).is_some() {
                &self.proxied
            } else {
                &self.public
            };
            let mut request = client.get(url.clone());
            if let Some(range) = range {
                request = request.header(RANGE, range.clone());
            }
            let text = redact::url(&url);
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => {
                    let cause = causes(&error.without_url());
                    return Fetched::Failed(format!("{text}: {cause}"));
                }
            };
            let status = response.status();
            if matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
                return Fetched::Response(response);
            }
            let location = response.headers().get(LOCATION);
            let target = location.and_then(|location| url.join(location.to_str().ok()?).ok());
            match target.filter(|_| status.is_redirection()) {
                Some(target) => url = target,
                None if status.is_server_error() => {
                    return Fetched::Failed(format!("{text}: {status}"));
                }
                None => return Fetched::Refused(format!("{text}: {status}")),
            }
        }
        Fetched::Refused(format!(
            "{}: more than {REDIRECTS} redirects",
            redact::url(&url)
        ))
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, LocalError> {
        let is_own = request.uri().path().ends_with(self.digest.as_str());
        let mut response = Response::new(Body::default());
        match *request.method() {
            Method::GET if is_own => {
                let range = request.headers().get(RANGE);
                let fetched = self.fetch(range).await?;
                *response.status_mut() = fetched.status();
                for name in [CONTENT_LENGTH, CONTENT_RANGE] {
                    if let Some(value) = fetched.headers().get(&name) {
                        response.headers_mut().insert(name, value.clone());
                    }
                }
                *response.body_mut() = fetched.into();
            }
            // The URL claims to have it.
            Method::HEAD if is_own => {}
            _ => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        Ok(response)
    }
}

impl InProcessRegistry for Publisher {
    fn respond(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        let answered = self.answer(request);
        answered
            .map(|answered| answered.unwrap_or_else(LocalError::into_response))
            .boxed()
    }
}

/// The way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Public,
    Proxied,
    Insecure,
}

fn http_client(shared: &Shared, route: Route) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(shared.user_agent.clone())
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(shared.timeouts.connect)
        .read_timeout(shared.timeouts.stall)
        .http1_only()
        .no_proxy();
    if route == Route::Insecure {
        builder = builder.tls_danger_accept_invalid_certs(true);
    } else {
        let roots = Arc::clone(&shared.system_roots);
        let config = ClientConfig::builder().with_root_certificates(roots);
        builder = builder.tls_backend_preconfigured(config.with_no_client_auth());
    }
    builder = match route {
        Route::Public => builder.dns_resolver(PublicResolver),
        Route::Proxied | Route::Insecure => {
            let proxies = Arc::clone(&shared.proxies);
            builder.proxy(reqwest::Proxy::custom(move |url| {
                proxies.for_url(url).cloned()
            }))
        }
    };
    builder.build().map_err(|error| causes(&error))
}

fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    redact::printable(&text, 500)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::SocketAddr;

    use embedded_registry::{HttpListener, HttpServer};
    use http_body_util::Full;

    use super::*;
    use crate::registries_conf::RegistriesConf;
    use crate::sha256_digest;

    const CONTENT: &[u8] = b"a layer";

    /// Starts a server that redirects to a URL, or serves the layer.
    async fn server(target: Option<String>) -> HttpServer {
        HttpListener::bind().await.unwrap().serve(move |_| {
            let body = match &target {
                Some(_) => Full::<bytes::Bytes>::default(),
                None => Full::from(CONTENT),
            };
            let mut response = Response::new(body);
            if let Some(target) = &target {
                *response.status_mut() = StatusCode::FOUND;
                let location = target.parse().unwrap();
                response.headers_mut().insert(LOCATION, location);
            }
            async { Ok::<_, Infallible>(response) }
        })
    }

    fn client(insecure: &[SocketAddr]) -> Client {
        let tables = insecure
            .iter()
            .map(|address| format!("[[registry]]\nlocation = \"{address}\"\ninsecure = true\n"));
        let conf = RegistriesConf::parse(&tables.collect::<String>()).unwrap();
        Client::builder().registries_conf(conf).build()
    }

    async fn fetched(client: &Client, url: &str) -> Result<Vec<u8>, String> {
        let digest = sha256_digest(CONTENT);
        let source = client.foreign_layer(&digest, &[url.to_owned()]);
        let source = source.map_err(|error| error.to_string())?;
        let read = source
            .read_small_blob(&digest, Some(CONTENT.len() as u64), 100)
            .await;
        read.map(|bytes| bytes.to_vec())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn every_url_of_a_redirect_must_be_permitted() {
        let layer = server(None).await;
        let to_layer = server(Some(format!("http://{}/layer", layer.address()))).await;
        let url = format!("http://{}/start", to_layer.address());
        let both = client(&[layer.address(), to_layer.address()]);
        assert_eq!(fetched(&both, &url).await.as_deref(), Ok(CONTENT));
        let first = client(&[to_layer.address()]);
        let refused = fetched(&first, &url).await.unwrap_err();
        assert!(refused.contains("/layer is not https"), "{refused}");
        let to_metadata = server(Some("https://169.254.169.254/latest".to_owned())).await;
        let url = format!("http://{}/start", to_metadata.address());
        let refused = fetched(&client(&[to_metadata.address()]), &url)
            .await
            .unwrap_err();
        assert!(
            refused.contains("loopback, link-local or private"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn urls_of_this_network_are_not_fetched() {
        let layer = server(None).await;
        let address = layer.address();
        for (url, cause) in [
            (format!("http://{address}/layer"), "is not https"),
            (format!("https://{address}/layer"), "loopback"),
            ("https://localhost/layer".to_owned(), "loopback"),
            ("https://a.localhost./layer".to_owned(), "loopback"),
            ("https://metadata/layer".to_owned(), "loopback"),
            ("https://[::1]/layer".to_owned(), "loopback"),
            ("https://[::ffff:10.0.0.1]/layer".to_owned(), "loopback"),
            ("https://2130706433/layer".to_owned(), "loopback"),
            (
                "https://user:password@example.com/layer".to_owned(),
                "no plain https URL",
            ),
            ("file:///etc/passwd".to_owned(), "no plain https URL"),
            ("layer".to_owned(), "no valid URL"),
        ] {
            let refused = fetched(&client(&[]), &url).await.unwrap_err();
            assert!(refused.contains(cause), "{url}: {refused}");
            assert!(!refused.contains("password"), "{refused}");
        }
    }
}
