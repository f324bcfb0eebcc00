//! The `image:` lines of text that does not parse as YAML.

/// Returns the values of all lines that begin with an `image` key, with line numbers from 1.
///
/// A custom resource definition yields none: its images are examples.
pub(crate) fn image_lines(text: &str) -> Vec<(usize, &str)> {
    let is_definition = |line: &str| {
        let kind = line.strip_prefix("kind:").map(value);
        kind == Some("CustomResourceDefinition")
    };
    if text.lines().any(is_definition) {
        return Vec::new();
    }
    let lines = text.lines().zip(1..);
    lines
        .filter_map(|(line, number)| Some((number, image_value(line)?)))
        .collect()
}

fn image_value(line: &str) -> Option<&str> {
    let mut line = line.trim_start();
    while let Some(item) = line.strip_prefix("- ") {
        line = item.trim_start();
    }
    let (key, rest) = line.split_once(':')?;
    let key = key.trim().trim_matches(['"', '\'']);
    key.eq_ignore_ascii_case("image").then(|| value(rest))
}

/// Returns the value after a key, without quotes and comment.
fn value(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split(quote).next().unwrap_or(quoted);
        }
    }
    let text = text.split(" #").next().unwrap_or(text);
    text.trim_end().trim_end_matches(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_image_keys_are_returned() {
        let text = "spec:\n  - image: a/b:1 # c\n  - - Image : 'a/c:1'\n\t\"image\": \"a/d:1\",\n\
                    # image: a/e:1\n  imagePullPolicy: Always\n  image:\n  myimage: a/f:1\n image: {{ .x }}\r\n";
        let expected = [
            (2, "a/b:1"),
            (3, "a/c:1"),
            (4, "a/d:1"),
            (7, ""),
            (9, "{{ .x }}"),
        ];
        assert_eq!(image_lines(text), expected);
        let definition = format!("kind: CustomResourceDefinition # x\n{text}");
        assert_eq!(image_lines(&definition), []);
    }
}
