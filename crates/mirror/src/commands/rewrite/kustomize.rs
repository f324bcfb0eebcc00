//! A component of kustomize with the transformer of images.

use std::fmt::Write;

use super::mapping::{Mapping, Unmapped};
use super::repository_checks::{in_safe_order, renamed_tags};
use super::rewritten::{RewriteOptions, Rewritten, RewrittenFile};
use super::yaml_text::quoted;

/// Writes an entry for each spelling of each repository: kustomize compares names as they are written.
pub(super) fn write(mappings: &[Mapping], options: &RewriteOptions) -> Rewritten {
    let mut unmapped = Vec::new();
    let mut single = Vec::new();
    for mapping in mappings {
        let mirror = match mapping.only_mirror() {
            Ok(mirror) => mirror,
            Err(several) => {
                unmapped.push(several);
                continue;
            }
        };
        unmapped.extend(renamed_tags(mapping, mirror));
        if mirror.is_narrowed {
            let reason = "cannot leave out images by digest: the mirror has some platforms only, with digests of their own";
            unmapped.push(mapping.unmapped(mirror, reason));
        }
        if !mirror.keeps_nothing() {
            single.push((mapping, mirror));
        }
    }
    let chains = in_safe_order(single);
    for (mapping, mirror) in chains.circles {
        let reason = "applies entries one after the other, and these lead back to the source";
        unmapped.push(Unmapped {
            ..mapping.unmapped(mirror, reason)
        });
    }
    let mut text = options.comment("#");
    text.push_str("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:");
    if chains.ordered.is_empty() {
        text.push_str(" []");
    }
    text.push('\n');
    // A new name must not match a later entry: mirrors that are sources come first.
    for (mapping, mirror) in &chains.ordered {
        let new_name = quoted(&mirror.repository.full());
        for name in spellings(mapping) {
            // Writing to a string cannot fail.
            writeln!(text, "- name: {}\n  newName: {new_name}", quoted(&name)).ok();
        }
    }
    Rewritten {
        files: vec![RewrittenFile {
            path: "kustomization.yaml".to_owned(),
            text,
        }],
        unmapped,
    }
}

/// Returns the spellings of a repository: Docker Hub's host can be left out, and `library/` too.
fn spellings(mapping: &Mapping) -> Vec<String> {
    let source = &mapping.source;
    if !source.host().is_docker_hub() {
        return vec![source.full()];
    }
    let path = source.path().as_str();
    let short = path.strip_prefix("library/");
    let names = short.into_iter().chain([path]);
    let hosts = ["docker.io/", "index.docker.io/", ""];
    names
        .flat_map(|name| hosts.iter().map(move |host| format!("{host}{name}")))
        .collect()
}
