//! Images split over several keys of one mapping.

use crate::context::Context;
use crate::image_reference::{ImageReference, ReferenceError};
use crate::key_kind::KeyKind;
use crate::yaml::{Map, Node, Scalar};

/// Keys that mark `repository` and `tag` as an image even if no key above contains `image`.
const IMAGE_FIELDS: [&str; 6] = [
    "pullpolicy",
    "imagepullpolicy",
    "registry",
    "digest",
    "sha",
    "sha256",
];

/// Endings of keys with the repository of an image, longest first.
const NAME_ENDINGS: [&str; 4] = ["imagerepository", "imagerepo", "imagename", "image"];

/// Joins the image of a mapping:
///
/// - `repository`, `repo` or, below a key that contains `image`, `name`; with `tag`,
/// - below a key `image`, also with `version`,
/// - `repository`, `image` and `version` or `tag`: `{repository: nvcr.io/nvidia, image: driver, version: 1.2}`,
/// - `image` without a tag, and `tag`, `imageTag`, `imageVersion` or `defaultImageVersion`,
/// - below a key that contains `image`: `repository` or `repo`, and `digest`.
pub(crate) fn join_image_fields(map: &Map, context: Context) -> Option<String> {
    three_fields(map)
        .or_else(|| repository_and_tag(map, context))
        .or_else(|| image_and_tag(map))
        .or_else(|| repository_and_digest(map, context))
}

fn repository_and_digest(map: &Map, context: Context) -> Option<String> {
    let digest = map.filled("digest").filter(|_| context.below_image)?;
    let name = map.filled("repository").or_else(|| map.filled("repo"))?;
    let joined = format!("{}@{digest}", with_registry(map, name));
    ImageReference::parse(&joined).is_ok().then_some(joined)
}

/// Returns the images whose repository and tag are two keys of a mapping with the same prefix, such as
/// `initImage` and `initImageTag` or `imageRepository` and `imageTag`, with the key of the repository.
pub(crate) fn prefixed_pairs(map: &Map) -> Vec<(&Scalar, String)> {
    let fields = map.0.iter().filter_map(|(key, value)| match &**value {
        Node::Scalar(value) if !value.is_empty() => Some((plain(key), key, value)),
        _ => None,
    });
    let fields: Vec<_> = fields.collect();
    let value_of = |key: &str| {
        let mut fields = fields.iter();
        fields.find_map(|(plain, _, value)| (plain == key).then_some(value.text.as_str()))
    };
    let pairs = fields.iter().filter_map(|(plain, key, repository)| {
        let stem = NAME_ENDINGS
            .iter()
            .find_map(|ending| plain.strip_suffix(ending))?;
        // `image` and `tag` are joined with further fields.
        if plain == "image" || ImageReference::parse(repository) != Err(ReferenceError::Untagged) {
            return None;
        }
        let mut tags = ["imagetag", "imageversion", "tag"].iter();
        let tag = tags.find_map(|ending| value_of(&format!("{stem}{ending}")))?;
        let registry = value_of(&format!("{stem}imageregistry"));
        let registry = registry.map(|registry| format!("{}/", registry.trim_end_matches('/')));
        let joined = with_tag(
            &format!("{}{}", registry.unwrap_or_default(), repository.text),
            tag,
        );
        Some((*key, joined))
    });
    pairs.collect()
}

/// Returns a key without separators, in lower case.
fn plain(key: &str) -> String {
    key.replace(['_', '-'], "").to_ascii_lowercase()
}

fn repository_and_tag(map: &Map, context: Context) -> Option<String> {
    let is_image = context.key == KeyKind::Image;
    let version = || map.filled("version").filter(|_| is_image);
    let tag = map.filled("tag").or_else(version)?;
    if !context.below_image && !map.0.iter().any(|(key, _)| is_image_field(key)) {
        return None;
    }
    let name = map.filled("repository").or_else(|| map.filled("repo"));
    let name = name.or_else(|| map.filled("name").filter(|_| context.below_image))?;
    Some(with_tag(&with_registry(map, name), tag))
}

fn three_fields(map: &Map) -> Option<String> {
    let (repository, image) = (map.filled("repository")?, map.filled("image")?);
    let tag = map.filled("version").or_else(|| map.filled("tag"))?;
    if image.contains(['/', ':', '@']) || !repository.contains(['/', '.']) {
        return None;
    }
    let name = format!("{}/{image}", repository.trim_end_matches('/'));
    Some(with_tag(&with_registry(map, &name), tag))
}

fn image_and_tag(map: &Map) -> Option<String> {
    let image = map.filled("image")?;
    let tag = ["tag", "imageTag", "imageVersion", "defaultImageVersion"];
    let tag = tag.into_iter().find_map(|key| map.filled(key))?;
    let is_untagged = ImageReference::parse(image) == Err(ReferenceError::Untagged);
    // With `hub`, the name is that of `hub`.
    if !is_untagged || map.filled("hub").is_some() {
        return None;
    }
    let joined = with_tag(&with_registry(map, image), tag);
    let reference = ImageReference::parse(&joined).ok()?;
    reference.is_distinctive(&joined).then_some(joined)
}

fn with_registry(map: &Map, name: &str) -> String {
    match map.filled("registry") {
        Some(registry) => {
            let registry = registry.trim_end_matches('/');
            format!("{registry}/{}", name.trim_start_matches('/'))
        }
        None => name.to_owned(),
    }
}

/// Some charts put a digest into `tag`.
fn with_tag(name: &str, tag: &str) -> String {
    let separator = if tag.starts_with("sha256:") { '@' } else { ':' };
    format!("{name}{separator}{tag}")
}

fn is_image_field(key: &str) -> bool {
    IMAGE_FIELDS.contains(&plain(key).as_str())
}

/// A registry path and a tag that images below it share: istio's `hub` and `tag`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hub {
    hub: String,
    tag: String,
    variant: String,
}

impl Hub {
    /// Returns the hub of a mapping below this one: its fields replace those that it has. `None` if the
    /// mapping has none of its own.
    pub(crate) fn below(&self, map: &Map) -> Option<Self> {
        map.get("hub")?;
        let field = |key, inherited: &str| map.filled(key).unwrap_or(inherited).to_owned();
        Some(Self {
            hub: field("hub", &self.hub),
            tag: field("tag", &self.tag),
            variant: field("variant", &self.variant),
        })
    }

    /// Returns the reference of an image with a name alone, such as `proxyv2`.
    pub(crate) fn reference(&self, map: &Map) -> Option<String> {
        let image = map.filled("image")?;
        if self.hub.is_empty() || self.tag.is_empty() || image.contains(['/', ':', '@']) {
            return None;
        }
        // `auto` is replaced when the pod is created.
        if image == "auto" {
            return None;
        }
        let variant = match &*self.variant {
            "" => String::new(),
            variant => format!("-{variant}"),
        };
        Some(format!("{}/{image}:{}{variant}", self.hub, self.tag))
    }
}

/// Returns the image of an OCI image volume, `image: {reference: …}`.
pub(crate) fn volume_reference(map: &Map) -> Option<&str> {
    map.map("image")?.text("reference")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{AliasBudget, Node, parse};

    /// Mappings below a key of images, and their images.
    const BELOW_IMAGE_KEY: &[(&str, Option<&str>)] = &[
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
        (
            "{registry: q.io, repo: a/b, digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}",
            Some(
                "q.io/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ),
        ),
        ("{repository: '', tag: v1}", None),
        ("{repository: {a: b}, tag: v1}", None),
        ("{tag: v1}", None),
    ];

    /// Mappings elsewhere, and their images.
    const ELSEWHERE: &[(&str, Option<&str>)] = &[
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
        (
            "{repository: nvcr.io/nvidia, image: driver, version: 550.54}",
            Some("nvcr.io/nvidia/driver:550.54"),
        ),
        (
            "{repository: q.io/a, image: b, tag: v1, imagePullPolicy: x}",
            Some("q.io/a/b:v1"),
        ),
        ("{repository: charts, image: driver, version: 1}", None),
        ("{image: q.io/a/b, tag: v1}", Some("q.io/a/b:v1")),
        ("{image: a/b, imageTag: 1.2}", Some("a/b:1.2")),
        ("{image: a/b, defaultImageVersion: 1.2}", Some("a/b:1.2")),
        ("{image: a/b, defaultImageVersion: latest}", None),
        ("{image: b, imageTag: 1.2}", None),
        ("{image: 'a/b:1', tag: 2}", None),
        ("{image: a/b, version: 2}", None),
        ("{name: a/b, version: 1}", None),
    ];

    #[test]
    fn fields_are_joined_when_the_mapping_describes_an_image() {
        let below_image_key = BELOW_IMAGE_KEY.iter().map(|row| (row, true));
        let elsewhere = ELSEWHERE.iter().map(|row| (row, false));
        for ((text, expected), below_image) in below_image_key.chain(elsewhere) {
            let roots = parse(text, &mut AliasBudget::default()).unwrap();
            let Node::Map(map) = &*roots[0] else {
                panic!("{text}")
            };
            let context = Context {
                below_image,
                ..Context::ROOT
            };
            assert_eq!(
                join_image_fields(map, context).as_deref(),
                *expected,
                "{text}"
            );
        }
    }

    #[test]
    fn keys_with_one_beginning_are_joined() {
        for (text, expected) in [
            ("{initImage: a/b, initImageTag: 1}", "initImage a/b:1"),
            (
                "{imageRepository: q.io/a/b, imageTag: v1}",
                "imageRepository q.io/a/b:v1",
            ),
            ("{agent_image: a/b, agent-tag: 1}", "agent_image a/b:1"),
            (
                "{imageRegistry: q.io, imageName: a, imageTag: 1}",
                "imageName q.io/a:1",
            ),
            ("{initImage: a/b, otherTag: 1}", ""),
            ("{initImage: 'a/b:1', initImageTag: 2}", ""),
            ("{image: a/b, tag: 1}", ""),
        ] {
            let roots = parse(text, &mut AliasBudget::default()).unwrap();
            let Node::Map(map) = &*roots[0] else {
                panic!("{text}")
            };
            let found = prefixed_pairs(map).into_iter();
            let found: Vec<_> = found
                .map(|(key, joined)| format!("{} {joined}", key.text))
                .collect();
            assert_eq!(found.join(", "), expected, "{text}");
        }
    }

    #[test]
    fn version_below_a_key_image_is_a_tag() {
        let map = |text: &str| {
            let roots = parse(text, &mut AliasBudget::default()).unwrap();
            let Node::Map(_) = &*roots[0] else {
                panic!("{text}")
            };
            std::rc::Rc::clone(&roots[0])
        };
        let joined = |text: &str, key| {
            let context = Context {
                key,
                below_image: true,
                ..Context::ROOT
            };
            match &*map(text) {
                Node::Map(map) => join_image_fields(map, context),
                _ => None,
            }
        };
        let text = "{name: q.io/a/b, version: 1.2}";
        let expected = Some("q.io/a/b:1.2".to_owned());
        assert_eq!(joined(text, KeyKind::Image), expected);
        assert_eq!(joined(text, KeyKind::Other), None);
    }

    #[test]
    fn hub_and_tag_are_inherited() {
        let inner = |text: &str, hub: &Hub| {
            let roots = parse(text, &mut AliasBudget::default()).unwrap();
            match &*roots[0] {
                Node::Map(map) => (hub.below(map), hub.reference(map)),
                _ => (None, None),
            }
        };
        let (hub, _) = inner("{hub: q.io/istio, tag: 1.2, variant: ''}", &Hub::default());
        let hub = hub.unwrap();
        let name = |text: &str| inner(text, &hub).1;
        assert_eq!(
            name("{image: proxyv2}").as_deref(),
            Some("q.io/istio/proxyv2:1.2")
        );
        assert_eq!(name("{image: auto}"), None);
        assert_eq!(name("{image: 'a/b:1'}"), None);
        let (variant, _) = inner("{hub: '', variant: debug}", &hub);
        let variant = variant.unwrap();
        let (_, found) = inner("{image: x}", &variant);
        assert_eq!(found.as_deref(), Some("q.io/istio/x:1.2-debug"));
    }
}
