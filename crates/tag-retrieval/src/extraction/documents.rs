//! Documents of a YAML stream, split before they are parsed.
//!
//! A parser stops at the first error, and what follows in the stream is lost.
//! No content can stand on a line that begins with `---` or `...`, not even in
//! a block or a quoted scalar, so splitting needs no parser.

/// A document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// Its text, with its `---`.
    pub(super) text: &'a str,
    /// The line of the stream on which it begins, counted from 1.
    pub(super) line: usize,
}

/// The documents of a stream, in their order; some may be empty.
pub(super) fn documents(stream: &str) -> Vec<Document<'_>> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let mut documents = Vec::new();
    let (mut start, mut line, mut at) = (0, 1, 0);
    for (text, number) in stream.split_inclusive('\n').zip(1..) {
        let end = at + text.len();
        let next = match marker(text) {
            Some(Marker::Start) => Some((at, number)),
            Some(Marker::End) => Some((end, number + 1)),
            None => None,
        };
        if let Some(next) = next {
            let text = &stream[start..at];
            documents.push(Document { text, line });
            (start, line) = next;
        }
        at = end;
    }
    let text = &stream[start..];
    documents.push(Document { text, line });
    documents
}

enum Marker {
    Start,
    End,
}

fn marker(line: &str) -> Option<Marker> {
    let (marker, rest) = match line.strip_prefix("---") {
        Some(rest) => (Marker::Start, rest),
        None => (Marker::End, line.strip_prefix("...")?),
    };
    (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then_some(marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end_at_markers_and_nowhere_else() {
        let table: [(&str, &[(&str, usize)]); 6] = [
            ("a: 1", &[("a: 1", 1)]),
            ("a: 1\n---\nb: 2\n", &[("a: 1\n", 1), ("---\nb: 2\n", 2)]),
            (
                "\u{feff}---\r\na\r\n--- {b: 2}",
                &[("", 1), ("---\r\na\r\n", 1), ("--- {b: 2}", 3)],
            ),
            (
                "a: |\n  x\n  ---\n----\n---x\n",
                &[("a: |\n  x\n  ---\n----\n---x\n", 1)],
            ),
            (
                "a: |\n  x\n---\n  y: 1",
                &[("a: |\n  x\n", 1), ("---\n  y: 1", 3)],
            ),
            ("a\n...\nb\n... # c\n", &[("a\n", 1), ("b\n", 3), ("", 5)]),
        ];
        for (stream, expected) in table {
            let found: Vec<_> = documents(stream)
                .iter()
                .map(|one| (one.text, one.line))
                .collect();
            assert_eq!(found, expected, "{stream:?}");
        }
    }
}
