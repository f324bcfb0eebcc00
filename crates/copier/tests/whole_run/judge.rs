//! The rules that every run must keep, checked against the record of the sockets.
//!
//! The rules follow from the rows and the responses of the servers. They use no code of the client or the
//! engine.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use copier::Report;

use super::contents::split;
use super::hosts::Role;
use super::record::{Record, Request};
use super::script::{Script, ScriptRow};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub detail: String,
}

impl Finding {
    pub fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { rule, detail }
    }
}

/// Returns every broken rule of a run.
pub fn judge(script: &Script, record: &Record, report: Option<&Report>) -> Vec<Finding> {
    let judge = Judge { script, record };
    let requests = record.requests.iter();
    let mut findings: Vec<_> = requests
        .flat_map(|request| {
            [
                judge.write(request),
                judge.content(request),
                judge.secrets(request),
                judge.authorization(request),
            ]
        })
        .flatten()
        .collect();
    findings.extend(report.and_then(|report| judge.report(report)));
    findings
}

struct Judge<'a> {
    script: &'a Script,
    record: &'a Record,
}

impl Judge<'_> {
    /// Checks that the rows allow a write.
    fn write(&self, request: &Request) -> Option<Finding> {
        let is_read = ["GET", "HEAD"].contains(&request.method.as_str());
        let is_allowed = is_read
            || self.is_token_request(request)
            || self.is_registry_write(request)
            || self.is_foreign_session(request);
        let shown = || {
            format!(
                "{} {} at the {:?}",
                request.method, request.target, request.at
            )
        };
        (!is_allowed).then(|| Finding::new("a write that no row allows", shown()))
    }

    /// A token request with a form (OAuth2) goes to a realm.
    fn is_token_request(&self, request: &Request) -> bool {
        // The body may not have been read.
        let head = String::from_utf8_lossy(&request.head);
        request.method == "POST"
            && head.contains("application/x-www-form-urlencoded")
            && self.realm_owners(request).is_some()
    }

    fn realm_owners(&self, request: &Request) -> Option<&BTreeSet<Role>> {
        let key = (request.at, request.path().to_owned());
        self.record.realms.get(&key)
    }

    /// A write to the API of the destination belongs to the repository of a row.
    fn is_registry_write(&self, request: &Request) -> bool {
        let Some((repository, last)) = split(request.path()) else {
            return false;
        };
        let rows = self.script.rows.iter();
        let rows: Vec<_> = rows.filter(|row| row.repository == repository).collect();
        if request.at != Role::Destination || rows.is_empty() || self.script.options.dry_run {
            return false;
        }
        let path = request.path();
        if path == format!("/v2/{repository}/manifests/{last}") {
            return request.method == "PUT" && self.may_write(&rows, last);
        }
        match request.method.as_str() {
            "POST" => {
                // The registry may redirect it to another URL below.
                let is_start = path == format!("/v2/{repository}/blobs/uploads/");
                (is_start || self.is_session(request)) && self.may_mount_from(request.query())
            }
            "PATCH" | "PUT" | "DELETE" => self.is_session(request),
            _ => false,
        }
    }

    /// A blob is mounted from a repository that rows name.
    fn may_mount_from(&self, query: &str) -> bool {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let from = pairs.find(|(name, _)| name == "from").map(|(_, from)| from);
        from.is_none_or(|from| {
            let mut rows = self.script.rows.iter();
            rows.any(|row| {
                row.repository == from || (row.from == Role::Destination && row.source == from)
            })
        })
    }

    /// A manifest is written by digest, under the tag of a row, or under a tag about a digest that the
    /// source of a row has shown.
    fn may_write(&self, rows: &[&ScriptRow], reference: &str) -> bool {
        let is_digest = reference.split_once(':').is_some_and(|(algorithm, hex)| {
            let is_hex = |character: char| matches!(character, '0'..='9' | 'a'..='f');
            ["sha256", "sha512"].contains(&algorithm) && hex.chars().all(is_hex)
        });
        let is_arch_tag = |row: &&&ScriptRow| {
            let suffix = reference
                .strip_prefix(row.tag)
                .and_then(|rest| rest.strip_prefix('-'));
            let is_plain =
                |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
            suffix.is_some_and(|suffix| suffix.chars().all(is_plain))
        };
        is_digest
            || rows.iter().any(|row| row.tag == reference)
            || (self.script.options.arch_tags && rows.iter().any(|row| is_arch_tag(&row)))
            || rows
                .iter()
                .any(|row| self.is_shown_digest_tag(row, reference))
    }

    fn is_shown_digest_tag(&self, row: &ScriptRow, tag: &str) -> bool {
        let name = [".sig", ".att", ".sbom"]
            .iter()
            .find_map(|suffix| tag.strip_suffix(suffix));
        let Some((algorithm, hex)) = name.unwrap_or(tag).split_once('-') else {
            return false;
        };
        let digest = format!("{algorithm}:{hex}");
        let repositories = [(row.from, row.source), (Role::Destination, row.repository)];
        repositories.iter().any(|(role, repository)| {
            let shown = self.record.shown.get(&(*role, (*repository).to_owned()));
            // A referrers list by tag has the first 64 characters of the digest.
            shown.is_some_and(|shown| shown.contains(&digest))
        })
    }

    /// The session of an upload is a URL that a server has named.
    fn is_session(&self, request: &Request) -> bool {
        let key = (request.at, request.path().to_owned());
        let path = request.path().to_ascii_lowercase();
        let decoded = path
            .replace("%2e", ".")
            .replace("%2f", "/")
            .replace("%5c", "/");
        let is_plain = !decoded.split(['/', ';']).any(|part| part == "..");
        is_plain && self.record.locations.contains(&key)
    }

    /// An upload to storage: without credentials, and not to the API of a registry, except for the uploads
    /// of a row's repository.
    fn is_foreign_session(&self, request: &Request) -> bool {
        let rows = &self.script.rows;
        let path = request
            .path()
            .to_ascii_lowercase()
            .replace("%76", "v")
            .replace("%32", "2");
        let is_api = path.trim_start_matches('/').starts_with("v2/");
        let is_upload = || {
            split(request.path()).is_some_and(|(repository, _)| {
                rows.iter().any(|row| row.repository == repository)
                    && request.path().contains("/blobs/uploads/")
            })
        };
        let may_go = match request.method.as_str() {
            "PATCH" | "PUT" => !is_api || is_upload(),
            // The start of an upload may be redirected to another host of the registry.
            "POST" => is_upload(),
            _ => false,
        };
        may_go
            && !request.has_authorization()
            && !self.script.options.dry_run
            && self.is_session(request)
    }

    /// Content is stored under its own digest.
    fn content(&self, request: &Request) -> Option<Finding> {
        let digest = request.body_digest.as_ref()?;
        let (_, last) = split(request.path())?;
        let is_manifest = request.method == "PUT" && request.path().contains("/manifests/");
        let is_wrong = is_manifest && last.starts_with("sha256:") && last != digest;
        let detail = || format!("{} has {digest}", request.target);
        is_wrong.then(|| Finding::new("a manifest under a wrong digest", detail()))
    }

    /// Checks that a request carries no secret of another host.
    fn secrets(&self, request: &Request) -> Option<Finding> {
        let text = [&request.head[..], &request.body].concat();
        let text = String::from_utf8_lossy(&text);
        for owner in Role::ALL {
            let is_realm = || {
                self.realm_owners(request)
                    .is_some_and(|it| it.contains(&owner))
            };
            if owner == request.at || !contains(&text, owner.password()) || is_realm() {
                continue;
            }
            let detail = format!("the password of the {owner:?} in {}", shown(request));
            return Some(Finding::new("a secret at another host", detail));
        }
        let foreign = self.record.tokens.iter().find(|token| {
            let has_owner = !token.owners.is_empty() && !token.owners.contains(&request.at);
            has_owner && contains(&text, &token.value)
        });
        let detail = |owners| format!("a token of {owners:?} in {}", shown(request));
        foreign.map(|token| Finding::new("a secret at another host", detail(&token.owners)))
    }

    /// Checks that credentials go only to the repositories of the rows, and to realms.
    fn authorization(&self, request: &Request) -> Option<Finding> {
        let path = request.path();
        let is_in = |repository: &str| {
            let rest = path
                .strip_prefix("/v2/")
                .and_then(|it| it.strip_prefix(repository));
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let is_of_row = |row: &ScriptRow| {
            (row.from == request.at && is_in(row.source))
                || (request.at == Role::Destination && is_in(row.repository))
        };
        let is_allowed = !request.has_authorization()
            || path == "/v2/"
            || self.realm_owners(request).is_some()
            || self.script.rows.iter().any(is_of_row);
        (!is_allowed).then(|| Finding::new("credentials outside the rows", shown(request)))
    }

    /// Checks that the report has no secret, also where a server has sent it back.
    fn report(&self, report: &Report) -> Option<Finding> {
        // A server may also show a token to which the client has no access.
        let tokens = self.record.tokens.iter().map(|token| token.value.as_str());
        let tokens = tokens.filter(|token| {
            let mut requests = self.record.requests.iter();
            requests.any(|request| String::from_utf8_lossy(&request.head).contains(token))
        });
        let secrets: Vec<_> = Role::ALL
            .map(Role::password)
            .into_iter()
            .chain(tokens)
            .collect();
        for (row, outcome) in self.script.rows.iter().zip(&report.rows) {
            let error = outcome.error.as_ref().map(|error| error.message(&row.row));
            let texts = outcome.warnings.iter().chain(&error);
            for text in texts {
                if let Some(secret) = secrets.iter().find(|secret| contains(text, secret)) {
                    let detail = format!("{secret} in {text}");
                    return Some(Finding::new("a secret in the report", detail));
                }
            }
        }
        None
    }
}

fn shown(request: &Request) -> String {
    let head = String::from_utf8_lossy(&request.head);
    format!("a request to the {:?}: {head}", request.at)
}

/// Returns whether a text contains a secret, also in Base64 at any offset.
fn contains(text: &str, secret: &str) -> bool {
    if text.contains(secret) {
        return true;
    }
    (0..3).any(|shift| {
        let encoded = BASE64_STANDARD.encode([&b"..."[..shift], secret.as_bytes()].concat());
        // Only characters whose bits all belong to the secret.
        let (first, end) = ((shift * 8).div_ceil(6), (shift + secret.len()) * 8 / 6);
        text.contains(&encoded[first..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_found_in_base64_at_any_offset() {
        for user in ["", "a", "ab", "abc"] {
            let header = BASE64_STANDARD.encode(format!("{user}:kestrel-4f81c09e"));
            assert!(contains(&header, "kestrel-4f81c09e"), "{user}");
            assert!(!contains(&header, "bittern-77ab31d2"), "{user}");
        }
    }
}
