//! The output of `images`.

use std::fmt;

use extraction::{Evidence, NeededImage, Place, Suspect, TagOrDigest};
use image_name::RepositoryName;
use serde::Serialize;
use tag_retrieval::image_sources::SourceProblem;

use super::reading::Sources;
use crate::cli::exit::Exit;
use crate::terminal::units::counted;

/// The images that the sources need.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ImagesReport {
    /// The images, sorted by name.
    pub(super) images: Vec<ImageItem>,
    /// The images that are left out, and why.
    left_out: Vec<LeftOutItem>,
    /// The strings that may be images; only with `--suspects`.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspects: Option<Vec<SuspectItem>>,
    /// The parts of sources that could not be read. The result is incomplete.
    problems: Vec<String>,
    /// The parts of sources that were left out on purpose.
    notes: Vec<String>,
    /// The number of images that the list lacks; only with `--check` or `--add`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<usize>,
    #[serde(skip)]
    layout: Layout,
    #[serde(skip)]
    exit: Exit,
}

/// The form of the text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout {
    /// Names alone.
    pub(super) names: bool,
    /// All places of each image.
    pub(super) all_places: bool,
}

/// An image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ImageItem {
    /// The image as written, without Docker Hub's host: `REPOSITORY:TAG`, `REPOSITORY@DIGEST` or
    /// `REPOSITORY:TAG@DIGEST`.
    pub(super) image: String,
    /// The repository with its host.
    source: String,
    /// The tag, if it has one.
    tag: Option<String>,
    /// The digest, if it has one.
    digest: Option<String>,
    /// The line of a list that covers it; `null` without `--check` or `--add`, and for a missing image.
    pub(super) listed: Option<String>,
    /// The places that name it.
    places: Vec<PlaceItem>,
}

/// A place that names an image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PlaceItem {
    /// The file, chart or image.
    file: String,
    /// The line in the file, if it has lines.
    line: Option<usize>,
    /// The location in the file.
    location: String,
    /// The evidence: `image`, `likely`, `announced` (a chart annotation) or `values`.
    evidence: &'static str,
}

/// An image that is left out.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LeftOutItem {
    /// The image.
    image: String,
    /// The reason.
    reason: String,
    /// The places that name it.
    places: Vec<PlaceItem>,
}

/// A string that may be an image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SuspectItem {
    /// The string.
    text: String,
    /// The file.
    file: String,
    /// The line in the file.
    line: usize,
    /// The location in the file.
    location: String,
    /// The reason why it is not certain.
    reason: &'static str,
}

impl ImagesReport {
    /// Creates the report of sources.
    pub(super) fn new(sources: &Sources, with_suspects: bool, layout: Layout) -> Self {
        let left_out = sources
            .images
            .left_out()
            .map(|(image, reason)| LeftOutItem {
                image: image.to_string(),
                reason: reason.to_string(),
                places: image.places.iter().map(PlaceItem::from).collect(),
            });
        let suspects = sources.suspects.iter().map(|(file, suspect)| {
            let Suspect {
                text,
                location,
                line,
                reason,
            } = suspect.clone();
            let file = file.clone();
            SuspectItem {
                text,
                file,
                line,
                location,
                reason,
            }
        });
        let messages = sources.problems.iter().map(ToString::to_string);
        Self {
            images: sources.images.needed().map(ImageItem::from).collect(),
            left_out: left_out.collect(),
            suspects: with_suspects.then(|| suspects.collect()),
            problems: messages.collect(),
            exit: exit(&sources.problems),
            notes: sources.notes.clone(),
            missing: None,
            layout,
        }
    }

    /// Returns the exit status for the parts of sources that could not be read.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the problems of the sources.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Returns the notes.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns one line for each reason to leave out images.
    fn left_out(&self) -> Vec<String> {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for item in &self.left_out {
            // The tags in a reason differ.
            let reason = item.reason.split(';').next().unwrap_or_default();
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        let reasons = reasons.into_iter();
        let reasons = reasons.map(|(reason, count)| format!("{count} left out: {reason}"));
        reasons.collect()
    }

    /// Returns one line about the result: an empty one has a reason.
    pub(super) fn totals(&self) -> String {
        let images = counted(self.images.len(), "image");
        let first = match self.missing {
            _ if self.images.is_empty() => "the sources name no image".to_owned(),
            Some(0) => format!("{images}; the list has all of them"),
            Some(missing) => format!("{images}; the list lacks {missing}"),
            None => images,
        };
        let mut totals = vec![first];
        totals.extend(self.left_out());
        if !self.problems.is_empty() {
            totals.push("the result is incomplete".to_owned());
        }
        totals.join("; ")
    }
}

fn exit(problems: &[SourceProblem]) -> Exit {
    match problems.iter().all(|problem| problem.is_refused) {
        _ if problems.is_empty() => Exit::Done,
        true => Exit::Refused,
        false => Exit::Failed,
    }
}

impl From<&NeededImage> for ImageItem {
    fn from(image: &NeededImage) -> Self {
        let repository = image.repository.parse::<RepositoryName>();
        let (tag, digest) = match &image.version {
            TagOrDigest::Tag(tag) => (Some(tag.clone()), image.pin.clone()),
            TagOrDigest::Digest(digest) => (None, Some(digest.clone())),
        };
        Self {
            image: image.to_string(),
            source: repository.map_or_else(|_| image.repository.clone(), |name| name.full()),
            tag,
            digest,
            listed: None,
            places: image.places.iter().map(PlaceItem::from).collect(),
        }
    }
}

impl From<&Place> for PlaceItem {
    fn from(place: &Place) -> Self {
        Self {
            file: place.file.clone(),
            line: place.line,
            location: place.location.clone(),
            evidence: match place.evidence {
                Evidence::Strong => "image",
                Evidence::Medium => "likely",
                Evidence::Announced => "announced",
                Evidence::Weak => "values",
            },
        }
    }
}

impl fmt::Display for PlaceItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.location)
    }
}

impl fmt::Display for ImagesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_check = self.missing.is_some();
        for item in &self.images {
            if has_check && !self.layout.names {
                match &item.listed {
                    Some(listed) => writeln!(f, "listed   {}  {listed}", item.image)?,
                    None => {
                        write!(f, "missing  {}", item.image)?;
                        item.write_places(f, self.layout)?;
                    }
                }
                continue;
            }
            // With --check, the names are those to add.
            if has_check && item.listed.is_some() {
                continue;
            }
            f.write_str(&item.image)?;
            match self.layout.names {
                true => writeln!(f)?,
                false => item.write_places(f, self.layout)?,
            }
        }
        for suspect in self.suspects.iter().flatten() {
            let SuspectItem {
                text,
                file,
                line,
                location,
                reason,
            } = suspect;
            writeln!(f, "suspect  {text}  {file}:{line}: {location} ({reason})")?;
        }
        Ok(())
    }
}

impl ImageItem {
    fn write_places(&self, f: &mut fmt::Formatter<'_>, layout: Layout) -> fmt::Result {
        let mut places = self.places.iter();
        if let Some(first) = places.next() {
            write!(f, "  {first}")?;
        }
        let rest = places.len();
        match layout.all_places {
            true => {
                writeln!(f)?;
                places.try_for_each(|place| writeln!(f, "    {place}"))
            }
            false if rest > 0 => writeln!(f, " (and {rest} more)"),
            false => writeln!(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<ImagesReport>("images");
    }
}
