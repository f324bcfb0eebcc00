//! The record of everything that arrives at the sockets.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hosts::{Hosts, Role};

/// Bytes of a request body that are kept.
pub const KEPT_BODY: usize = 4096;

/// A request, as its bytes arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Role,
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The whole head.
    pub head: Vec<u8>,
    /// The start of the body.
    pub body: Vec<u8>,
    /// The digest of the body, if it arrived whole.
    pub body_digest: Option<String>,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub fn has_authorization(&self) -> bool {
        let head = String::from_utf8_lossy(&self.head).to_ascii_lowercase();
        head.contains("\r\nauthorization:")
    }
}

/// A token and the hosts that named its realm.
#[derive(Clone, Debug)]
pub struct Token {
    pub value: String,
    pub owners: BTreeSet<Role>,
}

/// The requests that the servers have received, and the parts of their responses that permit later requests.
#[derive(Debug, Default)]
pub struct Record {
    pub requests: Vec<Request>,
    pub tokens: Vec<Token>,
    /// The host and path of each realm, and the hosts that named it.
    pub realms: HashMap<(Role, String), BTreeSet<Role>>,
    /// The host and path of each `Location`.
    pub locations: BTreeSet<(Role, String)>,
    /// The digests that a repository has shown: of its manifests, their children and referrers.
    pub shown: HashMap<(Role, String), BTreeSet<String>>,
}

/// The record that all servers of a run write.
#[derive(Debug)]
pub struct Recorder {
    pub hosts: Hosts,
    record: Mutex<Record>,
}

impl Recorder {
    pub fn new(hosts: Hosts) -> Self {
        Self {
            hosts,
            record: Mutex::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request when its head has arrived. Returns its number.
    pub fn add(&self, request: Request) -> usize {
        let mut record = self.lock();
        record.requests.push(request);
        record.requests.len() - 1
    }

    /// Notes the headers of a response to a request for `target`.
    pub fn add_response(&self, at: Role, target: &str, headers: &[(String, String)]) {
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("location") {
                let location = self.hosts.resolve(at, target, value);
                self.lock().locations.extend(location);
            }
            if name.eq_ignore_ascii_case("www-authenticate") {
                for realm in realms(value) {
                    if let Some(key) = self.hosts.resolve(at, target, &realm) {
                        self.lock().realms.entry(key).or_default().insert(at);
                    }
                }
            }
        }
    }

    /// Makes a token for the hosts that named the realm.
    pub fn token(&self, at: Role, path: &str) -> String {
        let mut record = self.lock();
        let owners = record.realms.get(&(at, path.to_owned())).cloned();
        let value = format!(
            "ticket-{}-{}x5c3e",
            record.tokens.len(),
            self.hosts.port(at)
        );
        record.tokens.push(Token {
            value: value.clone(),
            owners: owners.unwrap_or_default(),
        });
        value
    }

    /// Notes a document that a repository has sent, and the digests that it lists.
    pub fn add_shown(&self, at: Role, repository: &str, digest: &str, document: &[u8]) {
        let mut record = self.lock();
        let shown = record.shown.entry((at, repository.to_owned())).or_default();
        shown.insert(digest.to_owned());
        let value: serde_json::Value = serde_json::from_slice(document).unwrap_or_default();
        let listed = value["manifests"].as_array().into_iter().flatten();
        let listed = listed.filter_map(|descriptor| descriptor["digest"].as_str());
        shown.extend(listed.map(str::to_owned));
    }
}

/// Returns the realms of a challenge.
fn realms(challenge: &str) -> Vec<String> {
    let lower = challenge.to_ascii_lowercase();
    let starts = lower.match_indices("realm=").map(|(at, _)| at + 6);
    let realms = starts.filter_map(|start| {
        let rest = challenge.get(start..)?;
        let Some(quoted) = rest.strip_prefix('"') else {
            return Some(rest.split([',', ' ']).next()?.to_owned());
        };
        let (mut realm, mut escaped) = (String::new(), false);
        for character in quoted.chars() {
            match character {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => break,
                other => {
                    escaped = false;
                    realm.push(other);
                }
            }
        }
        Some(realm)
    });
    realms.collect()
}
