//! Images in the arguments of a command.

use crate::image_reference::ImageReference;

/// Extracts the images from command arguments: `--…image…=REF`, `--…image… REF`, `--conf a.b.image=REF`, and
/// flags with the name of the image, such as `--config-reloader=quay.io/org/config-reloader:v1`.
///
/// An argument may be a whole command line or a script, as after `sh -c`.
pub(crate) fn images_in_arguments<'a>(
    arguments: impl Iterator<Item = &'a str>,
) -> Vec<ImageReference> {
    let mut found = Vec::new();
    let (mut awaits_image, mut awaits_setting) = (false, false);
    for word in arguments.flat_map(words) {
        let Some((flag, value)) = flag(word) else {
            let setting = word.split_once('=').filter(|_| awaits_setting);
            let setting = setting.filter(|(key, _)| key.to_ascii_lowercase().ends_with("image"));
            if awaits_image {
                found.extend(images(word));
            } else if let Some((_, value)) = setting {
                found.extend(images(value));
            }
            (awaits_image, awaits_setting) = (false, false);
            continue;
        };
        awaits_setting = value.is_none();
        let takes_image = flag.to_ascii_lowercase().contains("image");
        awaits_image = takes_image && value.is_none();
        let images = images(value.unwrap_or_default());
        found.extend(images.filter(|image| takes_image || has_name_of(flag, image)));
    }
    found
}

/// Splits an argument into words, without the comments of a script.
fn words(argument: &str) -> impl Iterator<Item = &str> {
    let lines = argument
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_matches(['"', '\'', ';']))
}

/// Splits a flag into its name and value.
fn flag(word: &str) -> Option<(&str, Option<&str>)> {
    let flag = word.strip_prefix('-')?.trim_start_matches('-');
    match flag.split_once('=') {
        Some((flag, value)) => Some((flag, Some(value.trim_matches(['"', '\''])))),
        None => Some((flag, None)),
    }
}

fn images(value: &str) -> impl Iterator<Item = ImageReference> {
    let parts = value.split(',');
    parts.filter_map(|part| {
        ImageReference::parse(part)
            .ok()
            .filter(|image| image.is_distinctive(part))
    })
}

fn has_name_of(flag: &str, image: &ImageReference) -> bool {
    image.repository.rsplit('/').next() == Some(flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_extracted_from_image_flags_only() {
        let table: [(&[&str], &[&str]); 11] = [
            (
                &["--conf", "a.image=a/b:v1", "--conf", "a.host=a/c:1"],
                &["a/b"],
            ),
            (&["--engine-image=a/b:v1"], &["a/b"]),
            (&["run", "--engine-image", "a/b:v1", "a/c:v1"], &["a/b"]),
            (
                &["--IMAGE='a/b:v1'", "-sidecarImage=a/c:v2"],
                &["a/b", "a/c"],
            ),
            (&["--images=a/b:v1,a/c:v1"], &["a/b", "a/c"]),
            (&["--image", "--other", "a/b:v1"], &[]),
            (&["--image=b:v1", "--image=a/b:stable", "--image=a/b"], &[]),
            (
                &["--config-reloader=q.io/a/config-reloader:v1"],
                &["q.io/a/config-reloader"],
            ),
            (&["--upstream=q.io/a/b:8080", "image=a/b:v1", "a/b:v1"], &[]),
            (
                &[
                    "-c",
                    "x --image=\"a/b:v1\"; y\n# y --image=a/c:v1\ny --image a/d:v1",
                ],
                &["a/b", "a/d"],
            ),
            (&["--image-url=https://a/b:80", "--image-size=a:1"], &[]),
        ];
        for (arguments, expected) in table {
            let found = images_in_arguments(arguments.iter().copied());
            let found: Vec<_> = found.iter().map(|image| &*image.repository).collect();
            assert_eq!(found, expected, "{arguments:?}");
        }
    }
}
