//! A stream of YAML documents, cut into objects.
//!
//! `kubectl get -o yaml` prints the items of a list in block style, each at the same column. A line of that
//! column that begins with `-` is never within an item: the lines of its scalars are indented more. So items
//! are cut out by lines, and each is parsed alone. The rest of the document is parsed at its end.

use std::io::{BufRead, Read};

use crate::document_item::{Collected, DocumentItem, Sink};
use crate::read_error::{MAX_OBJECT_BYTES, ReadError};

/// The place of a line in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside the items.
    Rest,
    /// After `items:`.
    Items,
    /// In an item, which begins at a column.
    Item(usize),
}

struct Cutter<'a, 's> {
    sink: &'a mut Sink<'s>,
    rest: Collected,
    item: Collected,
    line: usize,
    place: Place,
    is_list: bool,
}

/// Cuts a stream of documents into objects.
///
/// # Errors
///
/// [`ReadError`] for a failed read, and for objects that are too large.
pub(crate) fn cut(mut reader: impl BufRead, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let mut cutter = Cutter {
        sink,
        rest: Collected::default(),
        item: Collected::default(),
        line: 0,
        place: Place::Rest,
        is_list: false,
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = MAX_OBJECT_BYTES as u64 + 1;
        let length = (&mut reader).take(limit).read_until(b'\n', &mut line)?;
        cutter.line += 1;
        if length == 0 {
            return cutter.end_document();
        }
        if length > MAX_OBJECT_BYTES {
            return Err(ReadError::TooLarge { line: cutter.line });
        }
        cutter.read_line(&line)?;
    }
}

impl Cutter<'_, '_> {
    fn read_line(&mut self, line: &[u8]) -> Result<(), ReadError> {
        let is_marker = |marker: &[u8]| {
            let rest = line.strip_prefix(marker);
            rest.is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
        };
        if is_marker(b"---") || is_marker(b"...") {
            self.end_document()?;
            // `--- {kind: Pod}` has content after the marker.
            self.begin_rest();
            return self.rest.push(&line[3..]);
        }
        let column = line.iter().take_while(|byte| **byte == b' ').count();
        let content = line[column..].trim_ascii();
        if content.is_empty() || content.starts_with(b"#") {
            return self.keep(line);
        }
        let is_dash = content == b"-" || content.starts_with(b"- ");
        match self.place {
            Place::Items | Place::Item(_) if is_dash && self.begins_item(column) => {
                self.end_item()?;
                self.place = Place::Item(column);
                self.item.begin(self.line);
                self.item.push(&line[..column])?;
                self.item.push(b" ")?;
                self.item.push(&line[column + 1..])
            }
            Place::Item(item) if column > item => self.item.push(line),
            Place::Items | Place::Item(_) => {
                self.end_item()?;
                self.place = Place::Rest;
                self.rest_line(line)
            }
            Place::Rest => self.rest_line(line),
        }
    }

    /// Reports whether a dash at a column begins an item of the list.
    fn begins_item(&self, column: usize) -> bool {
        match self.place {
            Place::Item(item) => column == item,
            _ => true,
        }
    }

    fn rest_line(&mut self, line: &[u8]) -> Result<(), ReadError> {
        if line.trim_ascii_end() == b"items:" && !self.is_list {
            self.place = Place::Items;
            self.is_list = true;
            return self.rest.push(b"items: []\n");
        }
        self.rest_push(line)
    }

    fn rest_push(&mut self, line: &[u8]) -> Result<(), ReadError> {
        if self.rest.text.is_empty() {
            self.begin_rest();
        }
        self.rest.push(line)
    }

    fn begin_rest(&mut self) {
        self.rest.begin(self.line);
    }

    fn keep(&mut self, line: &[u8]) -> Result<(), ReadError> {
        match self.place {
            Place::Item(_) => self.item.push(line),
            _ => self.rest_push(line),
        }
    }

    fn end_item(&mut self) -> Result<(), ReadError> {
        if let Place::Item(_) = self.place {
            (self.sink)(DocumentItem {
                text: &self.item.text,
                line: self.item.line,
                list: None,
            })?;
        }
        Ok(())
    }

    /// Passes on the last item, or the document if it is no list.
    fn end_document(&mut self) -> Result<(), ReadError> {
        self.end_item()?;
        let is_list = std::mem::take(&mut self.is_list);
        self.place = Place::Rest;
        let text = std::mem::take(&mut self.rest.text);
        let has_content = text.split(|byte| *byte == b'\n').any(|line| {
            let line = line.trim_ascii();
            !line.is_empty() && !line.starts_with(b"#")
        });
        let mut lines = text.split(|byte| *byte == b'\n');
        if is_list && !lines.any(|line| line.starts_with(b"kind:")) {
            // kubectl prints the kind of a list after the items.
            let line = self.rest.line;
            return Err(ReadError::CutOff { line });
        }
        match has_content && !is_list {
            true => (self.sink)(DocumentItem {
                text: &text,
                line: self.rest.line,
                list: None,
            }),
            false => Ok(()),
        }
    }
}
