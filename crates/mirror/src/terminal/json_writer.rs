//! A writer that sanitizes JSON documents while they are written: a report can be larger than the memory of
//! its run.

use std::io::{self, ErrorKind, Write};

use super::sanitize;

/// Minimum number of bytes that are sanitized together.
const CHUNK: usize = 64 * 1024;

/// A writer that passes on whole lines, sanitized. [`Write::flush`] passes on the rest.
pub(super) struct JsonWriter<W> {
    inner: W,
    pending: Vec<u8>,
}

impl<W: Write> JsonWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        let pending = Vec::new();
        Self { inner, pending }
    }

    /// Passes on the first bytes. They end with a line, in which no command of a runner continues.
    fn pass_on(&mut self, end: usize) -> io::Result<()> {
        let rest = self.pending.split_off(end);
        let lines = String::from_utf8(std::mem::replace(&mut self.pending, rest));
        let lines = lines.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        self.inner.write_all(sanitize::json(lines).as_bytes())
    }
}

impl<W: Write> Write for JsonWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK
            && let Some(newline) = self.pending.iter().rposition(|byte| *byte == b'\n')
        {
            self.pass_on(newline + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(self.pending.len())?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_is_sanitized_as_if_it_were_whole() {
        let values: Vec<String> = (0..20_000)
            .map(|number| format!("##[error]\u{1b}\u{e9} {number}"))
            .collect();
        let mut written = Vec::new();
        let mut writer = JsonWriter::new(&mut written);
        serde_json::to_writer_pretty(&mut writer, &values).unwrap();
        assert!(writer.pending.len() < 2 * CHUNK, "lines are passed on");
        writer.flush().unwrap();
        let text = serde_json::to_string_pretty(&values).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(!written.contains("##["));
        assert_eq!(written, sanitize::json(text));
        assert_eq!(
            serde_json::from_str::<Vec<String>>(&written).unwrap(),
            values
        );
    }
}
