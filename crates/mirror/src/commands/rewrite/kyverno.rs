//! Policies of Kyverno that replace images in pods.
//!
//! Source: the `ClusterPolicy` of `kyverno.io/v1`, and the functions `regex_match` and `regex_replace_all` of
//! <https://kyverno.io/docs/policy-types/cluster-policy/jmespath/>.

use std::fmt::Write;

use super::image_patterns::{kept_images, literal, spellings};
use super::mapping::{Mapping, MirrorRepository, Unmapped};
use super::repository_checks::in_safe_order;
use super::rewritten::{RewriteOptions, Rewritten, RewrittenFile};
use super::yaml_text::quoted;

/// Maximum length of the rules of a policy for one field of pods, in bytes. `kubectl apply` keeps a whole
/// policy, with three fields, in an annotation of at most 256 KiB.
const MAX_RULE: usize = 60 * 1024;

/// The fields of a pod with containers, and the kind that Kyverno gets for a change of the field.
const FIELDS: [(&str, &str, &str); 3] = [
    ("containers", "containers", "Pod"),
    ("init-containers", "initContainers", "Pod"),
    (
        "ephemeral-containers",
        "ephemeralContainers",
        "Pod/ephemeralcontainers",
    ),
];

/// A pattern of image names and its replacement.
struct Replacement {
    /// A pattern for every image of the repository.
    repository: String,
    /// A pattern for the images that are replaced.
    images: String,
    /// The name at the mirror, with groups of the pattern.
    with: String,
}

/// Writes policies with a replacement for each repository, and for each renamed tag.
pub(super) fn write(mappings: &[Mapping], options: &RewriteOptions) -> Rewritten {
    let mut unmapped = Vec::new();
    let mut single = Vec::new();
    for mapping in mappings {
        match mapping.only_mirror() {
            Ok(mirror) => single.push((mapping, mirror)),
            Err(several) => unmapped.push(several),
        }
    }
    let chains = in_safe_order(single);
    for (mapping, mirror) in chains.circles {
        unmapped.push(circle(mapping, mirror));
    }
    // A replaced name must not match a later replacement: mirrors that are sources come first.
    let replacements: Vec<Replacement> = chains
        .ordered
        .iter()
        .flat_map(|(mapping, mirror)| replacements(mapping, mirror))
        .collect();
    let mut text = options.comment("#");
    for (at, part) in parts(&replacements).into_iter().enumerate() {
        let name = match at {
            0 => options.name.clone(),
            at => format!("{}-{}", options.name, at + 1),
        };
        text.push_str(&policy(&name, part));
    }
    Rewritten {
        files: vec![RewrittenFile {
            path: "kyverno.yaml".to_owned(),
            text,
        }],
        unmapped,
    }
}

fn circle(mapping: &Mapping, mirror: &MirrorRepository) -> Unmapped {
    let reason = "applies rules one after the other, and these lead back to the source";
    mapping.unmapped(mirror, reason)
}

fn replacements(mapping: &Mapping, mirror: &MirrorRepository) -> Vec<Replacement> {
    let name = spellings(&mapping.source);
    let repository = format!("^{name}(?:[:@]|$)");
    let destination = mirror.repository.full();
    let mut replacements = Vec::new();
    if let Some(images) = kept_images(&mapping.source, mirror) {
        replacements.push(Replacement {
            repository: repository.clone(),
            images,
            with: format!("{destination}$1$2"),
        });
    }
    for (tag, written) in &mirror.tags {
        let Some(first) = written.first().filter(|_| !written.contains(tag)) else {
            continue;
        };
        let tag = match tag.as_str() {
            "latest" => "(?::latest)?".to_owned(),
            tag => format!(":{}", literal(tag)),
        };
        replacements.push(Replacement {
            repository: repository.clone(),
            images: format!("^{name}{tag}$"),
            with: format!("{destination}:{first}"),
        });
    }
    replacements
}

/// Splits replacements into those of one policy each.
fn parts(replacements: &[Replacement]) -> Vec<&[Replacement]> {
    let mut parts = Vec::new();
    let (mut start, mut length) = (0, 0);
    for (at, one) in replacements.iter().enumerate() {
        let own = 400 + one.repository.len() + one.images.len() + one.with.len();
        if at > start && length + own > MAX_RULE {
            parts.push(&replacements[start..at]);
            (start, length) = (at, 0);
        }
        length += own;
    }
    if start < replacements.len() {
        parts.push(&replacements[start..]);
    }
    parts
}

fn policy(name: &str, replacements: &[Replacement]) -> String {
    let mut text = format!(
        "---\n\
         apiVersion: kyverno.io/v1\n\
         kind: ClusterPolicy\n\
         metadata:\n\
         \x20 name: {}\n\
         \x20 annotations:\n\
         \x20   # Controllers keep the images of their sources; their pods are changed.\n\
         \x20   pod-policies.kyverno.io/autogen-controllers: none\n\
         spec:\n\
         \x20 background: false\n\
         \x20 rules:\n",
        quoted(name)
    );
    for (rule, field, kind) in FIELDS {
        // Writing to a string cannot fail.
        write!(
            text,
            "  - name: {rule}\n\
             \x20   match:\n\
             \x20     any:\n\
             \x20     - resources:\n\
             \x20         kinds: [{kind}]\n\
             \x20         operations: [CREATE, UPDATE]\n\
             \x20   mutate:\n\
             \x20     foreach:\n"
        )
        .ok();
        for replacement in replacements {
            text.push_str(&foreach(field, replacement));
        }
    }
    text
}

fn foreach(field: &str, replacement: &Replacement) -> String {
    let Replacement {
        repository,
        images,
        with,
    } = replacement;
    let is_match = format!("{{{{ regex_match('{repository}', '{{{{element.image}}}}') }}}}");
    let replaced =
        format!("{{{{ regex_replace_all('{images}', '{{{{element.image}}}}', '{with}') }}}}");
    let list = format!("request.object.spec.{field} || `[]`");
    format!(
        "      - list: {}\n\
         \x20       preconditions:\n\
         \x20         all:\n\
         \x20         - key: {}\n\
         \x20           operator: Equals\n\
         \x20           value: true\n\
         \x20       patchStrategicMerge:\n\
         \x20         spec:\n\
         \x20           {field}:\n\
         \x20           - name: {}\n\
         \x20             image: {}\n",
        quoted(&list),
        quoted(&is_match),
        quoted("{{ element.name }}"),
        quoted(&replaced),
    )
}
