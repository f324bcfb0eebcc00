//! Everything found in the files of one source.

use extraction::{ExtractedText, PlacedImage, Suspect};

use super::source_problem::SourceProblem;

/// Everything found in the files of one source.
#[derive(Debug, Clone, Default)]
pub struct CollectedImages {
    /// The images, in the order of the files, with repetitions.
    pub images: Vec<PlacedImage>,
    /// The strings that may be images, with their files.
    pub suspects: Vec<(String, Suspect)>,
    /// The parts that could not be read: the result is incomplete.
    pub problems: Vec<SourceProblem>,
    /// The parts that were left out on purpose.
    pub notes: Vec<String>,
}

impl CollectedImages {
    /// Adds the content of a file.
    pub(crate) fn add_text(&mut self, file: &str, text: ExtractedText) {
        let images = text.images.into_iter().map(|image| PlacedImage {
            file: file.to_owned(),
            has_lines: true,
            image,
        });
        self.images.extend(images);
        let suspects = text.suspects.into_iter();
        self.suspects
            .extend(suspects.map(|suspect| (file.to_owned(), suspect)));
        let problems = text.problems.iter();
        self.problems
            .extend(problems.map(|problem| in_file(file, problem).into()));
        self.notes
            .extend(text.notes.iter().map(|note| in_file(file, note)));
    }

    /// Adds the content of a document without lines that a user can look up.
    pub(crate) fn add_document(&mut self, document: &str, text: ExtractedText) {
        let first = self.images.len();
        self.add_text(document, text);
        for placed in &mut self.images[first..] {
            placed.has_lines = false;
        }
    }

    /// Adds a problem of a file.
    pub(crate) fn add_problem(&mut self, file: &str, problem: impl Into<SourceProblem>) {
        let problem = problem.into().map(|message| in_file(file, message));
        self.problems.push(problem);
    }

    /// Adds everything of another collection.
    pub(crate) fn extend(&mut self, other: Self) {
        self.images.extend(other.images);
        self.suspects.extend(other.suspects);
        self.problems.extend(other.problems);
        self.notes.extend(other.notes);
    }
}

/// Formats a message about a file: `line 3: text` becomes `FILE:3: text`.
fn in_file(file: &str, message: &str) -> String {
    let line = message
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "));
    match line {
        Some((line, message)) if line.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{file}:{line}: {message}")
        }
        _ => format!("{file}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_the_line_of_its_file() {
        assert_eq!(in_file("a.yaml", "line 3: x: y"), "a.yaml:3: x: y");
        assert_eq!(
            in_file("a.yaml", "line of text: y"),
            "a.yaml: line of text: y"
        );
        assert_eq!(in_file("a.yaml", "x"), "a.yaml: x");
    }
}
