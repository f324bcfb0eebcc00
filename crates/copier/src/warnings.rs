//! The warnings of one row.

/// Maximum number of warnings that are kept. One list of a source can cause thousands.
const MAX_WARNINGS: usize = 50;

/// The warnings of one row, each once.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    texts: Vec<String>,
    left_out: usize,
}

impl Warnings {
    /// Adds a warning, unless the row has it already.
    pub(crate) fn add(&mut self, text: String) {
        if self.texts.contains(&text) {
            return;
        }
        match self.texts.len() {
            MAX_WARNINGS => self.left_out += 1,
            _ => self.texts.push(text),
        }
    }

    /// Returns the warnings, with a line that counts those left out.
    pub(crate) fn into_texts(mut self) -> Vec<String> {
        if self.left_out > 0 {
            let left_out = format!("{} more warnings are left out", self.left_out);
            self.texts.push(left_out);
        }
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_kept_once_and_counted_beyond_the_limit() {
        let mut warnings = Warnings::default();
        for number in 0..MAX_WARNINGS + 3 {
            warnings.add(format!("warning {number}"));
            warnings.add("warning 0".to_owned());
        }
        let texts = warnings.into_texts();
        assert_eq!(texts.len(), MAX_WARNINGS + 1);
        assert_eq!(texts[MAX_WARNINGS], "3 more warnings are left out");
    }
}
