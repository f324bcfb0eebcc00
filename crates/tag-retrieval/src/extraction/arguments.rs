//! Images in the arguments of a command.

use super::reference::Written;

/// The images in `--…image…=REF`, `--…image… REF` and in flags that are named like the image
/// itself, such as `--config-reloader=quay.io/org/config-reloader:v1`; each with the place of its
/// text among `texts`.
///
/// A text may be a whole command line or a script, as after `sh -c`.
pub(super) fn in_arguments<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<(usize, Written)> {
    let mut found = Vec::new();
    let mut awaits_image = false;
    for (at, word) in texts.enumerate().flat_map(|(at, text)| words(at, text)) {
        let Some((flag, value)) = flag(word) else {
            if awaits_image {
                found.extend(images(word).map(|image| (at, image)));
            }
            awaits_image = false;
            continue;
        };
        let names_image = flag.to_ascii_lowercase().contains("image");
        awaits_image = names_image && value.is_none();
        let images = images(value.unwrap_or_default());
        let meant = images.filter(|image| names_image || is_named_like(flag, image));
        found.extend(meant.map(|image| (at, image)));
    }
    found
}

/// The words of a text, comments of a script left out.
fn words(at: usize, text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(str::split_whitespace)
        .map(move |word| (at, word.trim_matches(['"', '\'', ';'])))
}

/// The name of a flag, and its value if it has one.
fn flag(word: &str) -> Option<(&str, Option<&str>)> {
    let flag = word.strip_prefix('-')?.trim_start_matches('-');
    match flag.split_once('=') {
        Some((flag, value)) => Some((flag, Some(value.trim_matches(['"', '\''])))),
        None => Some((flag, None)),
    }
}

fn images(value: &str) -> impl Iterator<Item = Written> {
    let parts = value.split(',');
    parts.filter_map(|part| {
        Written::parse(part)
            .ok()
            .filter(|image| image.is_telling(part))
    })
}

fn is_named_like(flag: &str, image: &Written) -> bool {
    image.image.rsplit('/').next() == Some(flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, and the images in them with the place of their text.
    type Row = (&'static [&'static str], &'static [(usize, &'static str)]);

    #[test]
    fn flags_that_name_an_image_are_followed() {
        let table: [Row; 10] = [
            (&["--engine-image=a/b:v1"], &[(0, "a/b")]),
            (
                &["run", "--engine-image", "a/b:v1", "a/c:v1"],
                &[(2, "a/b")],
            ),
            (
                &["--IMAGE='a/b:v1'", "-sidecarImage=a/c:v2"],
                &[(0, "a/b"), (1, "a/c")],
            ),
            (&["--images=a/b:v1,a/c:v1"], &[(0, "a/b"), (0, "a/c")]),
            (&["--image", "--other", "a/b:v1"], &[]),
            (&["--image=b:v1", "--image=a/b:stable", "--image=a/b"], &[]),
            (
                &["--config-reloader=q.io/a/config-reloader:v1"],
                &[(0, "q.io/a/config-reloader")],
            ),
            (&["--upstream=q.io/a/b:8080", "image=a/b:v1", "a/b:v1"], &[]),
            (
                &[
                    "-c",
                    "x --image=\"a/b:v1\"; y\n# y --image=a/c:v1\ny --image a/d:v1",
                ],
                &[(1, "a/b"), (1, "a/d")],
            ),
            (&["--image-url=https://a/b:80", "--image-size=a:1"], &[]),
        ];
        for (texts, expected) in table {
            let found = in_arguments(texts.iter().copied());
            let found: Vec<_> = found
                .iter()
                .map(|(at, image)| (*at, image.image.as_str()))
                .collect();
            assert_eq!(found, expected, "{texts:?}");
        }
    }
}
