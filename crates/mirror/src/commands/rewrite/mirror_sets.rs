//! `ImageTagMirrorSet` and `ImageDigestMirrorSet` of OpenShift.

use std::fmt::Write;

use image_name::Host;

use super::mapping::{Mapping, MirrorRepository, Unmapped};
use super::repository_checks::{nested_repositories, renamed_tags};
use super::rewritten::{RewriteOptions, Rewritten, RewrittenFile};
use super::yaml_text::quoted;

/// The pulls that a mirror set applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PullKind {
    /// Pulls by tag.
    Tag,
    /// Pulls by digest.
    Digest,
}

impl PullKind {
    fn kind(self) -> &'static str {
        match self {
            Self::Tag => "ImageTagMirrorSet",
            Self::Digest => "ImageDigestMirrorSet",
        }
    }

    fn field(self) -> &'static str {
        match self {
            Self::Tag => "imageTagMirrors",
            Self::Digest => "imageDigestMirrors",
        }
    }

    /// Returns the images of a mirror that pulls of this kind cannot get, and whether they get any.
    fn unmapped(self, mapping: &Mapping, mirror: &MirrorRepository) -> (Vec<Unmapped>, bool) {
        match self {
            Self::Tag if mirror.tags.is_empty() => {
                let reason = "is for tags, and the rows name digests: write --format idms too";
                (vec![mapping.unmapped(mirror, reason)], false)
            }
            Self::Tag => {
                let is_kept = mirror.tags.keys().any(|tag| mirror.keeps(tag));
                let reason = "is for tags, and this row names a digest: write --format idms too";
                let by_digest = mirror.digest_rows.keys();
                let by_digest =
                    by_digest.map(|digest| mapping.unmapped_digest(mirror, digest, reason));
                let mut unmapped = renamed_tags(mapping, mirror);
                unmapped.extend(by_digest);
                (unmapped, is_kept)
            }
            Self::Digest if mirror.is_narrowed => {
                let reason = "is for digests, and the mirror has some platforms only, with digests of their own";
                (vec![mapping.unmapped(mirror, reason)], false)
            }
            Self::Digest => (Vec::new(), true),
        }
    }
}

/// Writes a mirror set with an entry for each repository.
pub(super) fn write(mappings: &[Mapping], options: &RewriteOptions, pulls: PullKind) -> Rewritten {
    let mut unmapped = nested_repositories(mappings);
    let mut entries = String::new();
    for mapping in mappings {
        let mut mirrors = Vec::new();
        for mirror in &mapping.mirrors {
            let (found, has_images) = pulls.unmapped(mapping, mirror);
            unmapped.extend(found);
            let hosts = [mapping.source.host(), mirror.repository.host()];
            match hosts.into_iter().find(|host| !is_valid(host)) {
                Some(host) => {
                    let reason = format!("takes no host such as {host}");
                    unmapped.push(mapping.unmapped(mirror, &reason));
                }
                None if has_images => mirrors.push(mirror.repository.full()),
                None => {}
            }
        }
        if !mirrors.is_empty() {
            write_entry(&mut entries, &mapping.source.full(), &mirrors, options);
        }
    }
    let (kind, field, name) = (pulls.kind(), pulls.field(), quoted(&options.name));
    let entries = match entries.is_empty() {
        true => " []\n".to_owned(),
        false => format!("\n{entries}"),
    };
    let text = format!(
        "{}apiVersion: config.openshift.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n  {field}:{entries}",
        options.comment("#")
    );
    Rewritten {
        files: vec![RewrittenFile {
            path: format!("{}.yaml", kind.to_lowercase()),
            text,
        }],
        unmapped,
    }
}

fn write_entry(entries: &mut String, source: &str, mirrors: &[String], options: &RewriteOptions) {
    // Writing to a string cannot fail.
    write!(entries, "  - source: {}\n    mirrors:\n", quoted(source)).ok();
    for mirror in mirrors {
        writeln!(entries, "    - {}", quoted(mirror)).ok();
    }
    if options.no_fallback {
        entries.push_str("    mirrorSourcePolicy: NeverContactSource\n");
    }
}

/// Reports whether a host matches the pattern of the resource: letters, digits, `.` and `-`, and a port.
///
/// Source: openshift/api, `config/v1`, `imagetagmirrorsets` and `imagedigestmirrorsets`.
fn is_valid(host: &Host) -> bool {
    let name = host.as_str();
    let name = match name.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    name.split('.').all(|label| {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty()
            && label.chars().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_the_pattern_are_valid() {
        let table = [
            ("quay.io", true),
            ("registry.example.com:5000", true),
            ("localhost:5000", true),
            ("[::1]:5000", false),
        ];
        for (host, expected) in table {
            assert_eq!(is_valid(&host.parse().unwrap()), expected, "{host}");
        }
    }
}
