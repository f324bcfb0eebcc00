//! The documents of a YAML stream.
//!
//! A parser stops at the first error and loses the rest of the stream, so the stream is split first.
//! A line that begins with `---` or `...` is never content, not even in a block or quoted scalar, so
//! splitting needs no parser. JSON objects that follow each other without a separator, as in file-based
//! catalogs and in the output of `jq`, are split too.

/// One document of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// The text, including its `---` line.
    pub(crate) text: &'a str,
    /// The first line within the stream, from 1.
    pub(crate) line: usize,
}

/// Splits a stream into its documents. Some may be empty.
pub(crate) fn split_documents(stream: &str) -> Vec<Document<'_>> {
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
            push_objects(&mut documents, Document { text, line });
            (start, line) = next;
        }
        at = end;
    }
    let text = &stream[start..];
    push_objects(&mut documents, Document { text, line });
    documents
}

/// Adds a document, or each of the JSON objects that it consists of.
fn push_objects<'a>(documents: &mut Vec<Document<'a>>, document: Document<'a>) {
    let mut rest = document;
    while let Some(end) = end_before_object(rest.text) {
        let (text, after) = rest.text.split_at(end);
        documents.push(Document {
            text,
            line: rest.line,
        });
        rest = Document {
            text: after,
            line: rest.line + text.matches('\n').count(),
        };
    }
    documents.push(rest);
}

/// Returns the end of the object at the beginning of a text, if another object follows it.
fn end_before_object(text: &str) -> Option<usize> {
    let begin = text.trim_start().strip_prefix("---").unwrap_or(text);
    if !begin.trim_start().starts_with('{') {
        return None;
    }
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(b'"'), b'\\') => escaped = true,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') => {
                depth = depth.saturating_sub(1);
                let end = at + 1;
                if depth == 0 {
                    return text[end..].trim_start().starts_with('{').then_some(end);
                }
            }
            _ => {}
        }
    }
    None
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
    fn stream_splits_at_markers_only() {
        let table: [(&str, &[(&str, usize)]); 9] = [
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
            (
                "{\"a\": \"} {\"}\n\n{\"b\": {}}{}\n",
                &[("{\"a\": \"} {\"}", 1), ("\n\n{\"b\": {}}", 1), ("{}\n", 3)],
            ),
            ("{a: '} {', b: it's}\n{}", &[("{a: '} {', b: it's}\n{}", 1)]),
            ("a: {}\n{b: 1}", &[("a: {}\n{b: 1}", 1)]),
            ("a\n...\nb\n... # c\n", &[("a\n", 1), ("b\n", 3), ("", 5)]),
        ];
        for (stream, expected) in table {
            let found: Vec<_> = split_documents(stream)
                .iter()
                .map(|one| (one.text, one.line))
                .collect();
            assert_eq!(found, expected, "{stream:?}");
        }
    }
}
