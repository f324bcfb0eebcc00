//! Images in settings of other formats than YAML: TOML, properties, shell assignments.

use crate::image_reference::ImageReference;

/// Returns the images of the lines `KEY = VALUE` with a key that ends in `image`, such as
/// `helper_image = "a/b:1"` or `a.b.image=a/b:1`, with line numbers from 1. Comments are skipped.
pub(crate) fn images_in_settings(text: &str) -> Vec<(usize, ImageReference)> {
    let lines = text.lines().zip(1usize..);
    lines
        .filter_map(|(line, number)| Some((number, image_in_line(line)?)))
        .collect()
}

fn image_in_line(line: &str) -> Option<ImageReference> {
    let line = line.trim();
    if line.starts_with(['#', ';', '!']) || line.starts_with("//") {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    let key = key.trim().trim_start_matches("export ").trim();
    let key = key.trim_matches(['"', '\'']).to_ascii_lowercase();
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !key.ends_with("image") || !key.chars().all(is_key) {
        return None;
    }
    let value = value.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let rest = value.strip_prefix(quote)?;
        rest.split(quote).next()
    });
    let unquoted = value.split([' ', '\t', ';', ',']).next().unwrap_or(value);
    let text = quoted.unwrap_or(unquoted);
    let reference = ImageReference::parse(text).ok()?;
    // A quoted value of `image` needs no path: `image = "alpine:3.20"`.
    let is_short = key == "image" && quoted.is_some() && has_digit(text);
    (reference.is_distinctive(text) || is_short).then_some(reference)
}

fn has_digit(text: &str) -> bool {
    let tag = text.rsplit(':').next().unwrap_or_default();
    tag.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_end_in_image_name_images() {
        for (line, expected) in [
            ("image = \"alpine:3.20\"", "alpine"),
            (
                "  helper_image = \"gitlab/helper:x86_64-v16\" # c",
                "gitlab/helper",
            ),
            (
                "spark.kubernetes.container.image=apache/spark:3.5.0",
                "apache/spark",
            ),
            ("export MY_IMAGE='q.io/a/b:v1'", "q.io/a/b"),
            ("# image = \"a/b:1\"", ""),
            ("image = alpine:3.20", ""),
            ("image = \"alpine:stable\"", ""),
            ("image_dir = \"a/b:1\"", ""),
            ("if [ \"$image\" = \"a/b:1\" ]; then", ""),
            ("image = \"a/b\"", ""),
            ("url=http://a/image=a/b:1", ""),
        ] {
            let found = images_in_settings(line);
            let found: Vec<_> = found.iter().map(|(_, image)| &*image.repository).collect();
            assert_eq!(found.join(" "), expected, "{line}");
        }
        let second = images_in_settings("[runners]\nimage = \"a/b:1\"\n");
        assert_eq!(second[0].0, 2);
    }
}
