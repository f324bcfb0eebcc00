//! `registries.yaml` of k3s and RKE2, whose containerd rewrites repositories.
//!
//! Source: <https://docs.k3s.io/installation/private-registry>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use image_name::{Host, RepositoryName};

use super::image_patterns::literal;
use super::mapping::Mapping;
use super::repository_checks::renamed_tags;
use super::rewritten::{RewriteOptions, Rewritten, RewrittenFile, api_host};
use super::yaml_text::quoted;

/// The rules of one source host.
#[derive(Default)]
struct HostRules<'a> {
    mirror: Option<&'a Host>,
    rewrites: Vec<(&'a RepositoryName, &'a RepositoryName)>,
}

/// Writes the endpoint of each source host and a rewrite for each repository. All patterns are anchored: the
/// order in which containerd tries them is random.
pub(super) fn write(mappings: &[Mapping], options: &RewriteOptions) -> Rewritten {
    let mut unmapped = Vec::new();
    let mut hosts: BTreeMap<&str, HostRules<'_>> = BTreeMap::new();
    for mapping in mappings {
        let mirror = match mapping.only_mirror() {
            Ok(mirror) => mirror,
            Err(several) => {
                unmapped.push(several);
                continue;
            }
        };
        unmapped.extend(renamed_tags(mapping, mirror));
        if mirror.keeps_nothing() {
            continue;
        }
        let rules = hosts.entry(mapping.source.host().as_str()).or_default();
        let host = mirror.repository.host();
        match rules.mirror {
            Some(other) if other != host => {
                let reason = format!(
                    "takes one mirror for {}, and other rows have {other}",
                    mapping.source.host()
                );
                unmapped.push(mapping.unmapped(mirror, &reason));
            }
            _ => {
                rules.mirror = Some(host);
                rules.rewrites.push((&mapping.source, &mirror.repository));
            }
        }
    }
    let text = options.comment("#") + &text(&hosts, options);
    Rewritten {
        files: vec![RewrittenFile {
            path: "registries.yaml".to_owned(),
            text,
        }],
        unmapped,
    }
}

fn text(hosts: &BTreeMap<&str, HostRules<'_>>, options: &RewriteOptions) -> String {
    if hosts.is_empty() {
        return "mirrors: {}\n".to_owned();
    }
    let mut text = "mirrors:\n".to_owned();
    let mut insecure = BTreeSet::new();
    for (source, rules) in hosts {
        let Some(mirror) = rules.mirror else { continue };
        let host = api_host(mirror);
        // Writing to a string cannot fail.
        writeln!(text, "  {}:\n    endpoint:", quoted(source)).ok();
        writeln!(text, "    - {}", quoted(&format!("https://{host}"))).ok();
        if options.is_insecure(mirror) {
            writeln!(text, "    - {}", quoted(&format!("http://{host}"))).ok();
            insecure.insert(host);
        }
        let changed = rules
            .rewrites
            .iter()
            .filter(|(source, mirror)| source.path() != mirror.path());
        for (at, (source, mirror)) in changed.enumerate() {
            if at == 0 {
                text.push_str("    rewrite:\n");
            }
            let pattern = format!("^{}$", literal(source.path().as_str()));
            writeln!(
                text,
                "      {}: {}",
                quoted(&pattern),
                quoted(mirror.path().as_str())
            )
            .ok();
        }
    }
    for (at, host) in insecure.iter().enumerate() {
        if at == 0 {
            text.push_str("configs:\n");
        }
        writeln!(
            text,
            "  {}:\n    tls:\n      insecure_skip_verify: true",
            quoted(host)
        )
        .ok();
    }
    text
}
