//! The base images of Dockerfiles.

use std::collections::HashSet;

use super::interpolation::{Variables, interpolate};
use crate::extracted_image::{Evidence, ExtractedImage};
use crate::extracted_text::ExtractedText;
use crate::image_reference::ImageReference;

/// The base of an image without a base.
const SCRATCH: &str = "scratch";

/// Extracts the images that the build of a Dockerfile pulls: those of `FROM`, `COPY --from` and
/// `RUN --mount=from=`, and the frontend of `# syntax=`. Stages are no images. `variables` are build
/// arguments, which replace the defaults of `ARG`. An image without a tag is `latest`.
#[must_use]
pub fn dockerfile(text: &str, variables: &Variables) -> ExtractedText {
    let mut reader = Reader {
        arguments: variables.clone(),
        given: variables,
        stages: HashSet::new(),
        stage_count: 0,
        found: ExtractedText::default(),
    };
    reader.directives(text);
    for instruction in instructions(text) {
        reader.instruction(&instruction);
    }
    reader.found
}

/// An instruction with its line.
#[derive(Debug)]
struct Instruction {
    line: usize,
    text: String,
}

/// Splits a Dockerfile into instructions: continued lines are joined, comments and here-documents are
/// left out.
fn instructions(text: &str) -> Vec<Instruction> {
    let escape = escape(text);
    let mut found = Vec::new();
    let mut open: Option<Instruction> = None;
    let mut heredocs: Vec<(String, bool)> = Vec::new();
    for (line, number) in text.lines().zip(1usize..) {
        if let Some((end, strips_tabs)) = heredocs.first() {
            let line = if *strips_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if line == end {
                heredocs.remove(0);
            }
            continue;
        }
        let trimmed = line.trim();
        // Comments and blank lines within an instruction do not end it.
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (part, continues) = match trimmed.strip_suffix(escape) {
            Some(part) => (part, true),
            None => (trimmed, false),
        };
        let mut instruction = open.take().unwrap_or(Instruction {
            line: number,
            text: String::new(),
        });
        instruction.text.push_str(part);
        instruction.text.push(' ');
        if continues {
            open = Some(instruction);
            continue;
        }
        heredocs = here_documents(&instruction.text);
        found.push(instruction);
    }
    found.extend(open);
    found
}

/// Returns the character that continues a line: `\`, or that of the directive `# escape=`.
fn escape(text: &str) -> char {
    let directives = directives(text);
    let mut escapes = directives.filter(|(_, name, _)| name == "escape");
    match escapes.next() {
        Some((_, _, "`")) => '`',
        _ => '\\',
    }
}

/// Returns the directives at the beginning: `# NAME=VALUE` lines, with their lines.
fn directives(text: &str) -> impl Iterator<Item = (usize, String, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().zip(1usize..).map_while(|(line, number)| {
        let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric());
        is_name.then(|| (number, name, value.trim()))
    })
}

/// Returns the ends of the here-documents that an instruction begins, and whether tabs before them count.
fn here_documents(instruction: &str) -> Vec<(String, bool)> {
    let keyword = instruction.split_whitespace().next().unwrap_or_default();
    let keyword = keyword.to_ascii_uppercase();
    if !matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    let words = instruction.split_whitespace().filter_map(|word| {
        let (_, end) = word.split_once("<<")?;
        let strips_tabs = end.starts_with('-');
        let end = end.trim_start_matches('-').trim_matches(['"', '\'']);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_word = !end.is_empty() && end.chars().all(is_name);
        is_word.then(|| (end.to_owned(), strips_tabs))
    });
    words.collect()
}

struct Reader<'a> {
    /// The arguments before the first stage.
    arguments: Variables,
    /// The arguments that the user gives, which replace defaults.
    given: &'a Variables,
    /// The names of stages, in lower case.
    stages: HashSet<String>,
    stage_count: usize,
    found: ExtractedText,
}

impl Reader<'_> {
    fn directives(&mut self, text: &str) {
        for (line, name, value) in directives(text) {
            if name == "syntax" {
                self.image(value, line, "syntax");
            }
        }
    }

    fn instruction(&mut self, instruction: &Instruction) {
        let mut words = instruction.text.split_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        let words: Vec<_> = words.collect();
        match keyword.as_str() {
            "ARG" if self.stage_count == 0 => {
                words.iter().for_each(|word| self.argument(word));
            }
            "FROM" => self.from(&words, instruction.line),
            "COPY" => {
                let from = words.iter().find_map(|word| word.strip_prefix("--from="));
                self.copy(from, instruction.line, "COPY --from");
            }
            "RUN" => {
                for word in words.iter().take_while(|word| word.starts_with("--")) {
                    let mount = word.strip_prefix("--mount=").unwrap_or_default();
                    let from = mount
                        .split(',')
                        .find_map(|option| option.strip_prefix("from="));
                    self.copy(from, instruction.line, "RUN --mount");
                }
            }
            _ => {}
        }
    }

    /// Reads an argument before the first stage. Only these can be used in `FROM`.
    fn argument(&mut self, word: &str) {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name, default.trim_matches(['"', '\''])),
            None => return,
        };
        if self.given.contains_key(name) {
            return;
        }
        if let Ok(value) = interpolate(default, &|name| self.arguments.get(name).cloned()) {
            self.arguments.insert(name.to_owned(), value);
        }
    }

    fn from(&mut self, words: &[&str], line: usize) {
        let mut words = words.iter().filter(|word| !word.starts_with("--"));
        let base = words.next().copied().unwrap_or_default();
        let base = interpolate(base, &|name| self.arguments.get(name).cloned());
        self.stage_count += 1;
        match base {
            Ok(base) if base == SCRATCH || self.stages.contains(&base.to_ascii_lowercase()) => {}
            Ok(base) => self.image(&base, line, "FROM"),
            Err(error) => self
                .found
                .problems
                .push(format!("line {line}: FROM: {error}")),
        }
        let mut rest = words.skip_while(|word| !word.eq_ignore_ascii_case("as"));
        if let (Some(_), Some(name)) = (rest.next(), rest.next()) {
            self.stages.insert(name.to_ascii_lowercase());
        }
    }

    /// Adds the image that files are copied from, unless it is a stage.
    fn copy(&mut self, from: Option<&str>, line: usize, place: &str) {
        let Some(from) = from else { return };
        let is_number = from.bytes().all(|byte| byte.is_ascii_digit());
        if is_number || from == SCRATCH || self.stages.contains(&from.to_ascii_lowercase()) {
            return;
        }
        match interpolate(from, &|name| self.arguments.get(name).cloned()) {
            Ok(from) => self.image(&from, line, place),
            Err(error) => self
                .found
                .problems
                .push(format!("line {line}: {place}: {error}")),
        }
    }

    fn image(&mut self, text: &str, line: usize, place: &str) {
        match ImageReference::parse_certain(text) {
            Ok(reference) => {
                let image = ExtractedImage::new(reference, Evidence::Strong, place.to_owned());
                self.found.images.push(image.at_line(line));
            }
            Err(error) => {
                let text: String = text.chars().take(100).collect();
                let problem = format!("line {line}: {place}: `{text}` {error}");
                self.found.problems.push(problem);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(text: &str, variables: &Variables) -> (String, Vec<String>) {
        let found = dockerfile(text, variables);
        let images = found.images.iter().map(|image| {
            let (line, version) = (image.line, &image.version);
            let crate::TagOrDigest::Tag(tag) = version else {
                return format!("{line} {}", image.repository);
            };
            format!("{line} {}:{tag}", image.repository)
        });
        (images.collect::<Vec<_>>().join(", "), found.problems)
    }

    #[test]
    fn stages_scratch_and_here_documents_are_no_images() {
        let text = "\
# syntax=docker/dockerfile:1.7
# check=skip=all
ARG GO=1.23 ALPINE=\"3.20\"
ARG BASE=golang:${GO}-alpine${ALPINE}
FROM --platform=$BUILDPLATFORM ${BASE} AS Build
# comment
RUN --mount=type=bind,from=busybox:1.36,target=/x \\
    # inner comment
    --mount=type=cache,target=/y echo FROM x:1
RUN <<EOT
FROM not/an-image:1
EOT
COPY <<-'END' /file
\tFROM not/an-image:2
\tEND
from build
COPY --from=build /a /a
COPY --chown=1 --from=quay.io/a/b:v1 /a /a
COPY --from=0 /a /a
FROM scratch
FROM alpine
";
        let (found, problems) = images(text, &Variables::new());
        assert_eq!(
            found,
            "1 docker/dockerfile:1.7, 5 golang:1.23-alpine3.20, 7 busybox:1.36, 18 quay.io/a/b:v1, \
             21 alpine:latest"
        );
        assert_eq!(problems, [""; 0]);
        let given = Variables::from([("GO".to_owned(), "1.24".to_owned())]);
        let (found, _) = images(text, &given);
        assert!(found.contains("golang:1.24-alpine3.20"), "{found}");
    }

    #[test]
    fn unset_argument_is_a_problem() {
        let (found, problems) = images("ARG TAG\nFROM a/b:$TAG\nFROM A/b:1\n", &Variables::new());
        assert_eq!(found, "");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].starts_with("line 2: FROM: the variable TAG"),
            "{problems:?}"
        );
        let escaped = "# escape=`\nFROM `\n  a/b:1\nRUN x \\\nFROM a/c:1\n";
        assert_eq!(images(escaped, &Variables::new()).0, "2 a/b:1, 5 a/c:1");
    }
}
