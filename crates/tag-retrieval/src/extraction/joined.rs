//! Images whose parts stand in several keys of one mapping.

use super::tree::{Map, Node};

/// Keys beside which `repository` and `tag` are an image's even where no key above says so.
const COMPANIONS: [&str; 6] = [
    "pullpolicy",
    "imagepullpolicy",
    "registry",
    "digest",
    "sha",
    "sha256",
];

/// The image of a mapping with `repository`, `repo` or (below a key with `image` in it) `name`, and
/// `tag`, as one string.
pub(super) fn joined(map: &Map, below_image: bool) -> Option<String> {
    let tag = filled(map, "tag")?;
    if !below_image && !map.0.iter().any(|(key, _)| is_companion(key)) {
        return None;
    }
    let name = filled(map, "repository").or_else(|| filled(map, "repo"));
    let name = name.or_else(|| filled(map, "name").filter(|_| below_image))?;
    let name = match filled(map, "registry") {
        Some(registry) => {
            let registry = registry.trim_end_matches('/');
            format!("{registry}/{}", name.trim_start_matches('/'))
        }
        None => name.to_owned(),
    };
    // Some charts take a digest for the tag.
    let separator = if tag.starts_with("sha256:") { '@' } else { ':' };
    Some(format!("{name}{separator}{tag}"))
}

fn filled<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.text(key).filter(|text| !text.is_empty())
}

fn is_companion(key: &str) -> bool {
    let key = key.replace(['_', '-'], "").to_ascii_lowercase();
    COMPANIONS.contains(&key.as_str())
}

/// The image of an OCI image volume, `image: {reference: …}`.
pub(super) fn volume_reference(map: &Map) -> Option<&str> {
    match map.get("image")? {
        Node::Map(image) => image.text("reference"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Allowance, parse};
    use super::*;

    #[test]
    fn parts_are_joined_where_an_image_is_meant() {
        let below = [
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
        let below = below.iter().map(|row| (row, true));
        for ((text, expected), below_image) in below.chain(elsewhere.iter().map(|row| (row, false)))
        {
            let roots = parse(text, &mut Allowance::default()).unwrap();
            let Node::Map(map) = &*roots[0] else {
                panic!("{text}")
            };
            assert_eq!(joined(map, below_image).as_deref(), *expected, "{text}");
        }
    }
}
