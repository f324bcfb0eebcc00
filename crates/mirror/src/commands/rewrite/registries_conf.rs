//! containers-registries.conf(5) for podman, CRI-O, skopeo and buildah.

use std::fmt::Write;

use super::mapping::{Mapping, MirrorRepository};
use super::repository_checks::{nested_repositories, renamed_tags};
use super::rewritten::{RewriteOptions, Rewritten, RewrittenFile};

/// Writes a table for each repository. The longest prefix applies, so each rule is for one repository and
/// those below it.
pub(super) fn write(mappings: &[Mapping], options: &RewriteOptions) -> Rewritten {
    let mut text = options.comment("#");
    let mut unmapped = nested_repositories(mappings);
    for mapping in mappings {
        let mut mirrors = Vec::new();
        for mirror in &mapping.mirrors {
            unmapped.extend(renamed_tags(mapping, mirror));
            if options.no_fallback && mirror.is_narrowed {
                let reason = "cannot fetch by digest: the mirror has some platforms only, with digests of their own";
                unmapped.push(mapping.unmapped(mirror, reason));
            }
            if !mirror.keeps_nothing() {
                mirrors.push(mirror);
            }
        }
        if !mirrors.is_empty() {
            write_table(&mut text, mapping, &mirrors, options);
        }
    }
    Rewritten {
        files: vec![RewrittenFile {
            path: "registries.conf".to_owned(),
            text,
        }],
        unmapped,
    }
}

fn write_table(
    text: &mut String,
    mapping: &Mapping,
    mirrors: &[&MirrorRepository],
    options: &RewriteOptions,
) {
    let source = mapping.source.full();
    // Without a fallback, the last mirror stands in for the source.
    let (location, mirrors) = match mirrors {
        [others @ .., last] if options.no_fallback => (Some(*last), others),
        all => (None, all),
    };
    let name = location.map_or_else(|| source.clone(), |mirror| mirror.repository.full());
    // Writing to a string cannot fail.
    write!(
        text,
        "\n[[registry]]\nprefix = \"{source}\"\nlocation = \"{name}\"\n"
    )
    .ok();
    if location.is_some_and(|mirror| options.is_insecure(mirror.repository.host())) {
        text.push_str("insecure = true\n");
    }
    for mirror in mirrors {
        let name = mirror.repository.full();
        write!(text, "\n[[registry.mirror]]\nlocation = \"{name}\"\n").ok();
        if mirror.is_narrowed {
            // Its indexes have digests of their own.
            text.push_str("pull-from-mirror = \"tag-only\"\n");
        }
        if options.is_insecure(mirror.repository.host()) {
            text.push_str("insecure = true\n");
        }
    }
}
