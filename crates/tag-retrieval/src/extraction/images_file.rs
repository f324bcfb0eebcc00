//! Images in a file of them, one a line.

use super::mention::{Evidence, Mention};
use super::reference::Written;

/// How much of a line is repeated that is no image, in characters.
const LONGEST_LINE: usize = 100;

/// What a file of images has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImagesFile {
    /// In the order of the lines.
    pub mentions: Vec<Mention>,
    /// One sentence for each line that is no image, such as ``line 3: `a/b` has no tag: …``.
    pub problems: Vec<String>,
}

/// Reads a file with one image a line. Blank lines are skipped, and comments: what follows a `#` at
/// the beginning of a line or after a blank.
#[must_use]
pub fn in_images_file(text: &str) -> ImagesFile {
    let mut file = ImagesFile::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, number) in text.lines().zip(1..) {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        match Written::parse(line) {
            Ok(written) => {
                let place = format!("line {number}");
                let mention = Mention::new(written, Evidence::Strong, place);
                file.mentions.push(mention);
            }
            Err(why) => {
                let line: String = line.chars().take(LONGEST_LINE).collect();
                file.problems.push(format!("line {number}: `{line}` {why}"));
            }
        }
    }
    file
}

fn without_comment(line: &str) -> &str {
    let begins_comment = |&(at, _): &(usize, &str)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    };
    match line.match_indices('#').find(begins_comment) {
        Some((at, _)) => &line[..at],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::mention::Pin;
    use super::*;

    #[test]
    fn images_are_found_and_what_is_none_is_reported() {
        let file = in_images_file(
            "\u{feff}# the images\r\nlonghornio/longhorn-engine:v1.6.0\r\n\r\n  docker.io/a/b:1.10 # of b\n\
             a/b\nhttp://a/b:1\n#a/c:1\nhost:5000/x:1#2\nhost:5000/x:1",
        );
        let found: Vec<_> = file
            .mentions
            .iter()
            .map(|found| {
                (
                    found.image.as_str(),
                    found.pin.clone(),
                    found.place.as_str(),
                )
            })
            .collect();
        let tag = |tag: &str| Pin::Tag(tag.to_owned());
        let expected = [
            ("longhornio/longhorn-engine", tag("v1.6.0"), "line 2"),
            ("a/b", tag("1.10"), "line 4"),
            ("host:5000/x", tag("1"), "line 9"),
        ];
        assert_eq!(found, expected);
        let problems = [
            "line 5: `a/b` has no tag: add one, as in `REPOSITORY:TAG`",
            "line 6: `http://a/b:1` is no image: write it as `HOST/REPOSITORY:TAG`",
            "line 8: `host:5000/x:1#2` is no image: write it as `HOST/REPOSITORY:TAG`",
        ];
        assert_eq!(file.problems, problems);
    }
}
