//! An image that a text names.

use super::reference::Written;

/// An image that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The repository as it is written, `docker.io/` and `index.docker.io/` stripped.
    pub image: String,
    /// Which of its images.
    pub pin: Pin,
    /// How much speaks for it.
    pub evidence: Evidence,
    /// Where it stands, such as `Deployment/web: spec.template.spec.containers[0].image`,
    /// `values: controller.image` or `line 3`.
    pub place: String,
}

impl Mention {
    pub(super) fn new(written: Written, evidence: Evidence, place: String) -> Self {
        Self {
            image: written.image,
            pin: written.pin,
            evidence,
            place,
        }
    }
}

/// Which image of a repository is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// By a tag; a digest beside it is cut.
    Tag(String),
    /// By a digest alone, such as `sha256:…`.
    Digest(String),
}

/// How much speaks for a [`Mention`], the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// A key `image` of what is rendered, or a line of a file of images.
    Strong,
    /// Another place of what is rendered: keys that end in `image`, variables, arguments, YAML in
    /// strings.
    Medium,
    /// An annotation of the chart.
    Announced,
    /// The values of the chart.
    Weak,
}

impl Evidence {
    /// Whether it is what the chart runs, not only what it says of itself.
    pub(super) fn is_rendered(self) -> bool {
        matches!(self, Self::Strong | Self::Medium)
    }
}

/// The longest name in a place, in characters: of the names above it each mention has a copy.
const LONGEST_NAME: usize = 100;

/// A name of the text's in a place: in quotes, and cut, where it is no plain one. `plain` are the
/// characters that are, besides letters, digits, `_` and `-`.
pub(super) fn shown(name: &str, plain: &[char]) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || plain.contains(&c);
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None if name.chars().all(is_plain) => name.to_owned(),
        None => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_quoted() {
        let long = "é".repeat(LONGEST_NAME + 1);
        let cut = format!("\"{}\"…", "é".repeat(LONGEST_NAME));
        let table = [
            ("web-1_A", "web-1_A"),
            ("system:a", "system:a"),
            ("a.b", "\"a.b\""),
            ("x\n::error::y\u{1b}", "\"x\\n::error::y\\u{1b}\""),
            (&long, &cut),
        ];
        for (name, want) in table {
            assert_eq!(shown(name, &[':']), want);
        }
    }
}
