//! A stream of JSON documents, cut into objects.
//!
//! The items of a list are cut out while they are read, and `{}` stands in for each of them in the rest of
//! the document. The rest is parsed at its end, so that the grammar of the whole document is checked although
//! only one item is in memory.

use std::io::{BufRead, ErrorKind};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::document_item::{Collected, DocumentItem, Sink};
use crate::read_error::ReadError;

/// The depth of the items of a list.
const ITEM_DEPTH: usize = 2;

/// The rest of a document whose items were cut out.
#[derive(Deserialize)]
struct Rest {
    items: Option<Vec<Empty>>,
}

/// The `{}` that stands in for an item.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// The state of the cut.
struct Cutter<'a, 's> {
    sink: &'a mut Sink<'s>,
    rest: Collected,
    item: Collected,
    /// The rest up to the items, closed.
    list: Option<Vec<u8>>,
    line: usize,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// The last string at depth 1 with its quotes, and `true` once a colon followed it.
    key: (Vec<u8>, bool),
    in_items: bool,
    in_item: bool,
}

/// Cuts a stream of documents into objects.
///
/// # Errors
///
/// [`ReadError`] for a failed read and for text that is not JSON.
pub(crate) fn cut(mut reader: impl BufRead, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let mut cutter = Cutter {
        sink,
        rest: Collected::default(),
        item: Collected::default(),
        list: None,
        line: 1,
        depth: 0,
        in_string: false,
        is_escaped: false,
        key: (Vec::new(), false),
        in_items: false,
        in_item: false,
    };
    loop {
        let length = match reader.fill_buf() {
            Ok([]) => return cutter.finish(),
            Ok(bytes) => {
                cutter.read(bytes)?;
                bytes.len()
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(error.into()),
        };
        reader.consume(length);
    }
}

impl Cutter<'_, '_> {
    /// Reads the next bytes of the stream.
    fn read(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        // The first byte that neither the item nor the rest has yet.
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                self.string_byte(byte);
                continue;
            }
            match byte {
                b'"' => self.begin_string(),
                b'\n' => self.line += 1,
                b'{' | b'[' => {
                    if self.depth == 0 {
                        start = at;
                        self.begin_document();
                    } else if byte == b'{' && self.in_items && self.depth == ITEM_DEPTH {
                        self.keep(&bytes[start..at])?;
                        start = at;
                        self.begin_item()?;
                    } else if byte == b'[' && self.depth == 1 && self.is_items_key() {
                        self.in_items = true;
                    }
                    self.depth += 1;
                    self.key.1 = false;
                }
                b'}' | b']' => {
                    if self.depth == 0 {
                        return Err(self.syntax(format!("unexpected `{}`", char::from(byte))));
                    }
                    self.depth -= 1;
                    if self.in_item && self.depth == ITEM_DEPTH {
                        self.end_item(&bytes[start..=at])?;
                        start = at + 1;
                    } else if self.in_items && self.depth < ITEM_DEPTH {
                        self.in_items = false;
                    }
                    if self.depth == 0 {
                        self.keep(&bytes[start..=at])?;
                        start = at + 1;
                        self.end_document()?;
                    }
                }
                b':' => self.key.1 = true,
                b',' if self.depth == 1 => self.key = (Vec::new(), false),
                _ if self.depth == 0 && !byte.is_ascii_whitespace() => {
                    return Err(self.syntax(format!(
                        "unexpected `{}`",
                        char::from(byte).escape_default()
                    )));
                }
                _ => {}
            }
        }
        if self.depth == 0 {
            return Ok(());
        }
        self.keep(&bytes[start..])
    }

    fn string_byte(&mut self, byte: u8) {
        if self.depth == 1 && !self.key.1 && self.key.0.len() < 32 {
            self.key.0.push(byte);
        }
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.in_string = false,
            b'\n' => self.line += 1,
            _ => {}
        }
    }

    fn begin_string(&mut self) {
        self.in_string = true;
        if self.depth == 1 && !self.key.1 {
            self.key.0.clear();
        }
    }

    fn is_items_key(&self) -> bool {
        self.key.1 && self.key.0 == b"items\""
    }

    fn begin_document(&mut self) {
        self.rest.begin(self.line);
        self.list = None;
        self.key = (Vec::new(), false);
    }

    fn begin_item(&mut self) -> Result<(), ReadError> {
        if self.list.is_none() {
            let mut list = self.rest.text.clone();
            list.extend_from_slice(b"]}");
            self.list = Some(list);
        }
        self.in_item = true;
        self.item.begin(self.line);
        self.rest.push(b"{}")
    }

    /// Adds bytes to the item, or to the rest.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        match self.in_item {
            true => self.item.push(bytes),
            false => self.rest.push(bytes),
        }
    }

    /// Passes an item on. `last` is its end, or all of it if no read has cut it.
    fn end_item(&mut self, last: &[u8]) -> Result<(), ReadError> {
        self.in_item = false;
        let text = match self.item.text.is_empty() {
            true => last,
            false => {
                self.item.push(last)?;
                &self.item.text
            }
        };
        (self.sink)(DocumentItem {
            text,
            line: self.item.line,
            list: self.list.as_deref(),
        })
    }

    fn end_document(&mut self) -> Result<(), ReadError> {
        let line = self.rest.line;
        let text = self.rest.text.as_slice();
        let syntax = |error: serde_json::Error| ReadError::Syntax {
            line: line + error.line().saturating_sub(1),
            format: "JSON",
            reason: without_position(&error),
        };
        if self.list.is_some() {
            let rest: Rest = serde_json::from_slice(text).map_err(syntax)?;
            return match rest.items {
                Some(_) => Ok(()),
                None => Err(ReadError::NotAnObject {
                    line,
                    reason: "`items` is not a list".to_owned(),
                }),
            };
        }
        if text.starts_with(b"[") {
            return Err(ReadError::NotAnObject {
                line,
                reason: "it is an array".to_owned(),
            });
        }
        serde_json::from_slice::<IgnoredAny>(text).map_err(syntax)?;
        (self.sink)(DocumentItem {
            text,
            line,
            list: None,
        })
    }

    fn finish(self) -> Result<(), ReadError> {
        match self.depth {
            0 => Ok(()),
            _ if self.in_item => Err(ReadError::CutOff {
                line: self.item.line,
            }),
            _ => Err(ReadError::CutOff {
                line: self.rest.line,
            }),
        }
    }

    fn syntax(&self, reason: String) -> ReadError {
        ReadError::Syntax {
            line: self.line,
            format: "JSON",
            reason,
        }
    }
}

/// Returns the message of an error without ` at line 1 column 2`, which counts within the item.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.find(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
