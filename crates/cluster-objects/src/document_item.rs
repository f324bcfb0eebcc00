//! One object of a stream.

use crate::read_error::{MAX_OBJECT_BYTES, ReadError};

/// The text of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentItem<'a> {
    /// The text in the format of the stream.
    pub(crate) text: &'a [u8],
    /// The first line, from 1.
    pub(crate) line: usize,
    /// The start of the list that has the item, closed again; it has the kind of a `PodList`.
    pub(crate) list: Option<&'a [u8]>,
}

/// The receiver of the objects of a stream.
pub(crate) type Sink<'a> = dyn FnMut(DocumentItem<'_>) -> Result<(), ReadError> + 'a;

/// Text that is collected over several reads, up to the limit of an object.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) text: Vec<u8>,
    /// The line that the text begins on, from 1.
    pub(crate) line: usize,
}

impl Collected {
    pub(crate) fn begin(&mut self, line: usize) {
        self.text.clear();
        self.line = line;
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLarge`] beyond the limit.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        if self.text.len() + bytes.len() > MAX_OBJECT_BYTES {
            return Err(ReadError::TooLarge { line: self.line });
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }
}
