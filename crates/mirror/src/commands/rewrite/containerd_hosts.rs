//! `hosts.toml` of containerd, a file for each source host. containerd does not rewrite repositories: it puts
//! a prefix before them.
//!
//! Source: <https://github.com/containerd/containerd/blob/main/docs/hosts.md>.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use image_name::Host;

use super::mapping::{Mapping, MirrorRepository};
use super::repository_checks::renamed_tags;
use super::rewritten::{RewriteOptions, Rewritten, RewrittenFile, api_host};

/// A host of the mirror and the prefix of repositories there, which is empty or ends in `/`.
type Endpoint<'a> = (&'a Host, &'a str);

/// Writes the endpoints that have repositories under `PREFIX/SOURCE_PATH`.
pub(super) fn write(mappings: &[Mapping], options: &RewriteOptions) -> Rewritten {
    let mut unmapped = Vec::new();
    let mut hosts: BTreeMap<&str, Vec<Endpoint<'_>>> = BTreeMap::new();
    let destinations = destinations(mappings);
    for mapping in mappings {
        for mirror in &mapping.mirrors {
            unmapped.extend(renamed_tags(mapping, mirror));
            if mirror.keeps_nothing() {
                continue;
            }
            let Some(prefix) = prefix(mapping, mirror) else {
                let reason = "cannot rename repositories: the path at the mirror must end in that of the source";
                unmapped.push(mapping.unmapped(mirror, reason));
                continue;
            };
            let endpoints = hosts.entry(mapping.source.host().as_str()).or_default();
            let endpoint = (mirror.repository.host(), prefix);
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
    }
    // Each endpoint is asked for every repository of the host, and must not have another one under its name.
    for mapping in mappings {
        let path = mapping.source.path();
        for (host, prefix) in hosts
            .get(mapping.source.host().as_str())
            .into_iter()
            .flatten()
        {
            let asked = format!("{host}/{prefix}{path}");
            let other = destinations
                .get(&asked)
                .filter(|source| **source != mapping.source.full());
            if let (Some(other), Some(mirror)) = (other, mapping.mirrors.first()) {
                let reason = format!("asks for {asked}, the copy of {other}, first");
                unmapped.push(mapping.unmapped(mirror, &reason));
            }
        }
    }
    let files = hosts.iter().map(|(host, endpoints)| RewrittenFile {
        path: format!("{host}/hosts.toml"),
        text: text(host, endpoints, options),
    });
    Rewritten {
        files: files.collect(),
        unmapped,
    }
}

/// Returns the source of each repository at the mirror.
fn destinations(mappings: &[Mapping]) -> HashMap<String, String> {
    let pairs = mappings.iter().flat_map(|mapping| {
        let mirrors = mapping.mirrors.iter();
        mirrors.map(|mirror| (mirror.repository.full(), mapping.source.full()))
    });
    pairs.collect()
}

/// Returns the prefix of a repository at the mirror before the path of its source.
fn prefix<'a>(mapping: &Mapping, mirror: &'a MirrorRepository) -> Option<&'a str> {
    let path = mirror.repository.path().as_str();
    let prefix = path.strip_suffix(mapping.source.path().as_str())?;
    (prefix.is_empty() || prefix.ends_with('/')).then_some(prefix)
}

fn text(source: &str, endpoints: &[Endpoint<'_>], options: &RewriteOptions) -> String {
    let mut text = options.comment("#");
    let server = match options.no_fallback {
        false => source
            .parse::<Host>()
            .map(|host| url(&host, "", "https"))
            .ok(),
        // The server is asked last, and is the source without this line.
        true => endpoints
            .last()
            .map(|(host, prefix)| url(host, prefix, "https")),
    };
    if let Some(server) = server {
        // Writing to a string cannot fail.
        writeln!(text, "server = \"{server}\"").ok();
    }
    for (host, prefix) in endpoints {
        let schemes: &[&str] = match options.is_insecure(host) {
            true => &["https", "http"],
            false => &["https"],
        };
        for scheme in schemes {
            write!(
                text,
                "\n[host.\"{}\"]\ncapabilities = [\"pull\", \"resolve\"]\n",
                url(host, prefix, scheme)
            )
            .ok();
            if !prefix.is_empty() {
                text.push_str("override_path = true\n");
            }
            if schemes.len() > 1 && *scheme == "https" {
                text.push_str("skip_verify = true\n");
            }
        }
    }
    text
}

/// Returns the URL of an endpoint. With a prefix it has the path of the API too.
fn url(host: &Host, prefix: &str, scheme: &str) -> String {
    let host = api_host(host);
    match prefix.strip_suffix('/') {
        None => format!("{scheme}://{host}"),
        Some(prefix) => format!("{scheme}://{host}/v2/{prefix}"),
    }
}
