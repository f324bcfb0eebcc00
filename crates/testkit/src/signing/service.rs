//! A Sigstore instance over HTTP, which cosign accepts in place of Fulcio and Rekor.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use embedded_registry::{HttpListener, HttpServer};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::authority::SigningAuthority;
use super::keyless::certificate_pem;
use super::leaf::LeafOptions;
use super::submission::{Identity, RequestedKey, canonical_body};
use super::transparency_log::{EntryOptions, TransparencyLog};

/// Maximum size of a request in bytes.
const MAX_REQUEST: usize = 4 * 1024 * 1024;
const ENTRIES: &str = "/api/v1/log/entries";

/// A certificate authority and a transparency log over HTTP. It runs until it is dropped.
#[derive(Debug)]
pub struct SigstoreService {
    state: Arc<State>,
    server: HttpServer,
}

#[derive(Debug)]
struct State {
    authority: SigningAuthority,
    /// The time between the moment that entries claim and now.
    logged_ago: Duration,
}

impl SigstoreService {
    /// Starts the service of an instance. Its log says that entries were logged some time ago.
    pub async fn start(authority: SigningAuthority, logged_ago: Duration) -> Self {
        let listener = HttpListener::bind().await.expect("a free port");
        let state = Arc::new(State {
            authority,
            logged_ago,
        });
        let server = listener.serve({
            let state = Arc::clone(&state);
            move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(state.respond(request).await) }
            }
        });
        Self { state, server }
    }

    /// Returns `http://127.0.0.1:PORT`, the URL of both services.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns the instance.
    pub fn authority(&self) -> &SigningAuthority {
        &self.state.authority
    }

    /// Returns `signing_config.json`, which names this service.
    pub fn signing_config(&self) -> Value {
        let url = self.url();
        let service = json!([{
            "url": url,
            "majorApiVersion": 1,
            "validFor": {"start": "2020-01-01T00:00:00Z"},
            "operator": "test",
        }]);
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service,
            "rekorTlogUrls": service,
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {},
        })
    }

    /// Returns an OpenID Connect token of an email address, for which the service issues certificates.
    pub fn token(&self, email: &str, issuer: &str) -> String {
        let identity = Identity {
            subject: email.to_owned(),
            issuer: issuer.to_owned(),
        };
        identity.token()
    }
}

impl State {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_REQUEST).collect().await;
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        let bearer = parts.headers.get("authorization");
        let bearer = bearer.and_then(|header| header.to_str().ok());
        let response = match (&parts.method, parts.uri.path()) {
            (&Method::POST, ENTRIES) => self.log(&document),
            (&Method::GET, "/api/v1/log/publicKey") => {
                let pem = self.authority.log().key().public_pem();
                Some(text("application/x-pem-file", pem))
            }
            (&Method::POST, "/api/v1/signingCert") => {
                let chain = self.issue(bearer, &document);
                chain.map(|chain| created("application/pem-certificate-chain", chain.concat()))
            }
            (&Method::POST, "/api/v2/signingCert") => self.issue(bearer, &document).map(|chain| {
                let chain = json!({"chain": {"certificates": chain}});
                let document = json!({"signedCertificateEmbeddedSct": chain});
                text("application/json", document.to_string())
            }),
            _ => None,
        };
        response.unwrap_or_else(|| {
            let mut refused = text("application/json", json!({"message": "no"}).to_string());
            *refused.status_mut() = StatusCode::BAD_REQUEST;
            refused
        })
    }

    /// Appends a proposed entry to the log.
    fn log(&self, proposed: &Value) -> Option<Response<Full<Bytes>>> {
        let body = canonical_body(proposed)?;
        let options = EntryOptions {
            time: self.now().saturating_sub(self.logged_ago.as_secs()),
            proof: true,
            promise: true,
        };
        let entry = self.authority.log().append(&body, options);
        let (id, document) = rekor_entry(&entry)?;
        let mut response = created("application/json", document.to_string());
        for (name, value) in [
            ("etag", id.clone()),
            ("location", format!("{ENTRIES}/{id}")),
        ] {
            let value = value.parse().expect("a valid header");
            response.headers_mut().insert(name, value);
        }
        Some(response)
    }

    /// Issues a certificate for the identity of a token: the chain, each in PEM.
    fn issue(&self, bearer: Option<&str>, request: &Value) -> Option<Vec<String>> {
        let identity = Identity::of_bearer(bearer?)?;
        let key = RequestedKey::of_request(request)?;
        let options = LeafOptions::new(&identity.subject, &identity.issuer, self.now() - 5);
        let leaf = self.authority.issue_for(&key, &options);
        let chain = self.authority.chain();
        let certificates = [leaf].into_iter().chain(chain);
        Some(certificates.map(|der| certificate_pem(&der)).collect())
    }

    fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("a time after 1970").as_secs()
    }
}

/// Converts an entry of a bundle to one of Rekor's interface, with its ID.
fn rekor_entry(entry: &Value) -> Option<(String, Value)> {
    let hex = |value: &Value| {
        let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok())?;
        Some(
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        )
    };
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok());
    let proof = &entry["inclusionProof"];
    let hashes = proof["hashes"].as_array()?.iter().map(hex);
    let hashes: Option<Vec<String>> = hashes.collect();
    let body = entry["canonicalizedBody"].as_str()?;
    let id = TransparencyLog::leaf_id(&STANDARD.decode(body).ok()?);
    let document = json!({
        "body": body,
        "integratedTime": number(&entry["integratedTime"])?,
        "logID": hex(&entry["logId"]["keyId"])?,
        "logIndex": number(&entry["logIndex"])?,
        "verification": {
            "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "inclusionProof": {
                "checkpoint": proof["checkpoint"]["envelope"],
                "hashes": hashes?,
                "logIndex": number(&proof["logIndex"])?,
                "rootHash": hex(&proof["rootHash"])?,
                "treeSize": number(&proof["treeSize"])?,
            },
        },
    });
    Some((id.clone(), json!({id: document})))
}

fn created(media_type: &'static str, content: String) -> Response<Full<Bytes>> {
    let mut response = text(media_type, content);
    *response.status_mut() = StatusCode::CREATED;
    response
}

fn text(media_type: &'static str, text: String) -> Response<Full<Bytes>> {
    Response::builder()
        .header("content-type", media_type)
        .body(Full::from(text))
        .expect("a valid response")
}
