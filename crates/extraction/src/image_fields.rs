//! Images split over several keys of one mapping.

use crate::yaml::{Map, Node};

/// Keys that mark `repository` and `tag` as an image even if no key above contains `image`.
const IMAGE_FIELDS: [&str; 6] = [
    "pullpolicy",
    "imagepullpolicy",
    "registry",
    "digest",
    "sha",
    "sha256",
];

/// Joins the image of a mapping that has `tag` and one of `repository`, `repo` or, below a key that
/// contains `image`, `name`.
pub(crate) fn join_image_fields(map: &Map, below_image: bool) -> Option<String> {
    let tag = non_empty(map, "tag")?;
    if !below_image && !map.0.iter().any(|(key, _)| is_image_field(key)) {
        return None;
    }
    let name = non_empty(map, "repository").or_else(|| non_empty(map, "repo"));
    let name = name.or_else(|| non_empty(map, "name").filter(|_| below_image))?;
    let name = match non_empty(map, "registry") {
        Some(registry) => {
            let registry = registry.trim_end_matches('/');
            format!("{registry}/{}", name.trim_start_matches('/'))
        }
        None => name.to_owned(),
    };
    // Some charts put a digest into `tag`.
    let separator = if tag.starts_with("sha256:") { '@' } else { ':' };
    Some(format!("{name}{separator}{tag}"))
}

fn non_empty<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.text(key).filter(|text| !text.is_empty())
}

fn is_image_field(key: &str) -> bool {
    let key = key.replace(['_', '-'], "").to_ascii_lowercase();
    IMAGE_FIELDS.contains(&key.as_str())
}

/// Returns the image of an OCI image volume, `image: {reference: …}`.
pub(crate) fn volume_reference(map: &Map) -> Option<&str> {
    match map.get("image")? {
        Node::Map(image) => image.text("reference"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{AliasBudget, parse};

    #[test]
    fn fields_are_joined_when_the_mapping_describes_an_image() {
        let below_image_key = [
            ("{repository: a/b, tag: 1.10}", Some("a/b:1.10")),
            (
                "{registry: q.io, repository: a/b, tag: v1}",
                Some("q.io/a/b:v1"),
            ),
            (
                "{registry: q.io/, repository: /a/b, tag: v1}",
                Some("q.io/a/b:v1"),
            ),
            ("{registry: '', repository: a/b, tag: v1}", Some("a/b:v1")),
            ("{registry: ~, repo: a/b, tag: v1}", Some("a/b:v1")),
            ("{name: a/b, tag: v1}", Some("a/b:v1")),
            ("{repository: a/b, tag: 'sha256:0'}", Some("a/b@sha256:0")),
            ("{repository: a/b, tag: ''}", None),
            ("{repository: a/b, tag: ~}", None),
            ("{repository: a/b, tag: }", None),
            ("{repository: a/b, digest: 'sha256:0'}", None),
            ("{repository: '', tag: v1}", None),
            ("{repository: {a: b}, tag: v1}", None),
            ("{tag: v1}", None),
        ];
        let elsewhere = [
            ("{repository: a/b, tag: v1}", None),
            ("{name: a/b, tag: v1, registry: q.io}", None),
            (
                "{repository: a/b, tag: v1, pullPolicy: Always}",
                Some("a/b:v1"),
            ),
            (
                "{repository: a/b, tag: v1, pull_policy: Always}",
                Some("a/b:v1"),
            ),
            ("{repo: a/b, tag: v1, sha: ''}", Some("a/b:v1")),
            (
                "{repository: a/b, tag: v1, registry: q.io}",
                Some("q.io/a/b:v1"),
            ),
        ];
        let below_image_key = below_image_key.iter().map(|row| (row, true));
        let elsewhere = elsewhere.iter().map(|row| (row, false));
        for ((text, expected), below_image) in below_image_key.chain(elsewhere) {
            let roots = parse(text, &mut AliasBudget::default()).unwrap();
            let Node::Map(map) = &*roots[0] else {
                panic!("{text}")
            };
            assert_eq!(
                join_image_fields(map, below_image).as_deref(),
                *expected,
                "{text}"
            );
        }
    }
}
