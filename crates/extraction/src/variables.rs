//! Images in environment variables.

use crate::image_reference::{ImageReference, ReferenceError};
use crate::yaml::Scalar;

/// Endings of variables with the repository of an image, longest first.
const REPOSITORY_ENDINGS: [&str; 4] = ["IMAGE_REPOSITORY", "IMAGE_REPO", "IMAGE_NAME", "IMAGE"];

/// Endings of the variables with its tag.
const TAG_ENDINGS: [&str; 4] = ["IMAGE_TAG", "IMAGE_VERSION", "VERSION", "TAG"];

/// Returns the images in the value of a variable that has IMAGE in its name: the value itself, or a list
/// of nothing but images, separated by commas, whitespace or lines, each optionally with a name before
/// it, as in `3.6.0=quay.io/strimzi/kafka:0.38.0-kafka-3.6.0`.
pub(crate) fn images_in_value(value: &str) -> Vec<ImageReference> {
    let distinctive = |text: &str| {
        let reference = ImageReference::parse(text).ok()?;
        reference.is_distinctive(text).then_some(reference)
    };
    if let Some(reference) = distinctive(value) {
        return vec![reference];
    }
    let words = value.split([',', ';', ' ', '\t', '\r', '\n']);
    let images = words.filter(|word| !word.is_empty()).map(|word| {
        let word = word.trim_matches(['"', '\'']);
        let image = word.split_once('=').map_or(word, |(_, image)| image);
        distinctive(image)
    });
    images.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Returns the images whose repository is in one variable and whose tag is in another one, such as
/// `AGENT_IMAGE` and `AGENT_VERSION`, with the variable of the repository.
pub(crate) fn split_images<'a>(
    variables: &[(&'a str, &'a Scalar)],
) -> Vec<(ImageReference, &'a str, &'a Scalar)> {
    let mut found = Vec::new();
    let names = variables
        .iter()
        .map(|(name, value)| (normalized(name), *value));
    let normalized: Vec<_> = names.collect();
    for ((name, repository), (key, _)) in variables.iter().zip(&normalized) {
        let is_untagged = ImageReference::parse(repository) == Err(ReferenceError::Untagged)
            && repository.contains('/');
        let Some(stem) = stem(key).filter(|_| is_untagged) else {
            continue;
        };
        let tag = TAG_ENDINGS
            .iter()
            .find_map(|ending| value_of(&normalized, stem, ending));
        let Some(tag) = tag else { continue };
        let separator = if tag.starts_with("sha256:") { '@' } else { ':' };
        let registry = value_of(&normalized, stem, "IMAGE_REGISTRY");
        let registry = registry.map(|registry| format!("{}/", registry.trim_end_matches('/')));
        let registry = registry.unwrap_or_default();
        let text = format!("{registry}{}{separator}{}", repository.text, tag.text);
        if let Ok(reference) = ImageReference::parse(&text)
            && reference.is_distinctive(&text)
        {
            found.push((reference, *name, *repository));
        }
    }
    found
}

/// Returns a name in the spelling of environment variables: `image.tag` is `IMAGE_TAG`.
fn normalized(name: &str) -> String {
    name.replace(['.', '-'], "_").to_ascii_uppercase()
}

fn value_of<'a>(
    variables: &[(String, &'a Scalar)],
    stem: &str,
    ending: &str,
) -> Option<&'a Scalar> {
    let mut variables = variables.iter();
    let (_, value) = variables.find(|(name, _)| name.strip_prefix(stem) == Some(ending))?;
    Some(value)
}

/// Returns the part of a variable's name before the ending of a repository: empty, or ending in `_`.
fn stem(name: &str) -> Option<&str> {
    let mut endings = REPOSITORY_ENDINGS.iter();
    let stem = endings.find_map(|ending| name.strip_suffix(ending))?;
    (stem.is_empty() || stem.ends_with('_')).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_may_be_a_list_with_names() {
        for (value, expected) in [
            ("q.io/a/b:v1", "q.io/a/b"),
            (
                "3.6.0=q.io/a/kafka:0.38-3.6\n3.5.1=q.io/a/kafka5:0.38-3.5\n",
                "q.io/a/kafka q.io/a/kafka5",
            ),
            ("a/b:1,c=d/e:2; 'f/g:3'", "a/b d/e f/g"),
            ("a/b, a/c:1", ""),
            ("use a/b:1 here", ""),
            ("", ""),
        ] {
            let found = images_in_value(value);
            let found: Vec<_> = found.iter().map(|image| &*image.repository).collect();
            assert_eq!(found.join(" "), expected, "{value}");
        }
    }

    #[test]
    fn repository_and_tag_may_be_two_variables() {
        for (variables, expected) in [
            ("AGENT_IMAGE=q.io/a/agent AGENT_VERSION=v1", "q.io/a/agent"),
            ("IMAGE=a/b IMAGE_TAG=1.2", "a/b"),
            ("image.repository=a/b image.tag=1.2", "a/b"),
            (
                "IMAGE_REGISTRY=q.io IMAGE_REPOSITORY=a/b IMAGE_TAG=1.2",
                "q.io/a/b",
            ),
            ("X_IMAGE_REPO=a/b X_TAG=1 Y_TAG=2", "a/b"),
            ("X_IMAGE=a/b:1 X_VERSION=2", ""),
            ("X_IMAGE=b X_VERSION=2", ""),
            ("X_IMAGE=a/b Y_VERSION=2", ""),
            ("X_IMAGE=a/b X_VERSION=main", ""),
            ("MYIMAGE=a/b MYVERSION=2", ""),
        ] {
            let scalars: Vec<_> = variables
                .split(' ')
                .map(|variable| {
                    let (name, value) = variable.split_once('=').unwrap();
                    let value = Scalar {
                        text: value.to_owned(),
                        line: 1,
                        is_literal: false,
                    };
                    (name, value)
                })
                .collect();
            let borrowed: Vec<_> = scalars.iter().map(|(name, value)| (*name, value)).collect();
            let found = split_images(&borrowed);
            let found: Vec<_> = found.iter().map(|(image, ..)| &*image.repository).collect();
            assert_eq!(found.join(" "), expected, "{variables}");
        }
    }
}
