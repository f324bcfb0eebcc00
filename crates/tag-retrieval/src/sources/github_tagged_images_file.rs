//! `github-tagged-images-file`: the image file of a project at the tag of every release.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use extraction::{ImagesFile, ProposalRules, UntaggedImage, propose};
use futures::future::try_join_all;

use super::chart_images::no_image_warning;
use super::github_releases::PublishedReleases;
use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryParts, SourceKind};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::github::{GithubError, GithubProject};
use crate::retrieved::{Dropped, Found, FoundImage, Retrieved};
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// Maximum number of invalid lines of a file in the log. A path may lead to an unrelated file.
const MAX_LOGGED_LINES: usize = 3;

/// The image file of a GitHub project, at the tag of every release.
#[derive(Debug, Clone)]
pub struct GithubTaggedImagesFile {
    /// The project.
    pub project: GithubProject,
    /// `imagesFilePath`, relative to the root of the repository.
    pub path: String,
    /// The filters for the releases.
    pub filters: FilterSet,
    /// `imageDenylist`: repositories that are never proposed.
    pub denylist: Vec<String>,
}

impl ConfiguredSource for GithubTaggedImagesFile {
    const KIND: SourceKind = SourceKind {
        name: "github-tagged-images-file",
        argument: Some("OWNER/REPO"),
        required: &["imagesFilePath"],
        // No `tagTemplate`: the files have the tags.
        optional: &[
            "versionExtract",
            "versionFilter",
            "versionConstraint",
            "minimumAge",
            "latest",
            "imageDenylist",
        ],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            project: argument.parse()?,
            path: parts.images_file_path,
            filters: parts.filters,
            denylist: parts.denylist,
        })
    }
}

impl VersionSource for GithubTaggedImagesFile {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let published = PublishedReleases::fetch(&self.project, upstreams).await?;
        let selection = self.filters.select(published.candidates, upstreams.now)?;
        let files = selection.kept.iter();
        let files = files.map(|release| self.fetch_file(release, upstreams));
        // The client limits concurrent requests.
        let files = try_join_all(files).await?;
        let rules = ProposalRules {
            denylist: self.denylist.clone(),
            exclude: self.filters.exclude.clone(),
            own_org: upstreams.own_org.clone(),
            ..ProposalRules::default()
        };
        let mut collected = CollectedImages {
            dropped: published.dropped,
            warnings: selection.warnings,
            ..CollectedImages::default()
        };
        collected.dropped.extend(selection.dropped);
        let mut missing = Vec::new();
        for (release, file) in selection.kept.iter().zip(files) {
            match file {
                Some(text) => collected.add_file(&text, release, &rules),
                None => missing.push(release),
            }
        }
        let missing = self.missing_file_warnings(&missing, selection.kept.len());
        collected.warnings.splice(0..0, missing);
        Ok(collected.into_retrieved())
    }
}

impl GithubTaggedImagesFile {
    async fn fetch_file(
        &self,
        release: &Candidate,
        upstreams: &Upstreams,
    ) -> Result<Option<Arc<str>>, GithubError> {
        let github = &upstreams.github;
        github.file(&self.project, &release.name, &self.path).await
    }

    /// Formats one warning for each release without the file, or one for all if no release has it.
    fn missing_file_warnings(&self, missing: &[&Candidate], releases: usize) -> Vec<String> {
        let Self { project, path, .. } = self;
        let names = missing.iter().map(|release| release.name.as_str());
        match (missing, releases) {
            ([newest, others @ ..], releases)
                if !others.is_empty() && missing.len() == releases =>
            {
                vec![format!(
                    "{project} has no {path} at {}, nor at {} more releases that pass the filters: \
                     check `imagesFilePath`",
                    newest.name,
                    others.len()
                )]
            }
            _ => names
                .map(|name| format!("{project} has no {path} at {name}"))
                .collect(),
        }
    }
}

/// The images of all files.
#[derive(Debug, Default)]
struct CollectedImages {
    /// By image and tag, with the first release that has it. GitHub lists the newest release first.
    images: BTreeMap<(String, String), Origin>,
    /// A file was read.
    has_files: bool,
    dropped: Vec<Dropped>,
    untagged: BTreeSet<UntaggedImage>,
    warnings: Vec<String>,
}

impl CollectedImages {
    fn add_file(&mut self, text: &str, release: &Candidate, rules: &ProposalRules) {
        self.has_files = true;
        let file = ImagesFile::parse(text);
        let with_release = |message: String| format!("{}: {message}", release.name);
        let more = file.problems.len().saturating_sub(MAX_LOGGED_LINES);
        let logged = file.problems.into_iter().take(MAX_LOGGED_LINES);
        self.warnings.extend(logged.map(with_release));
        if more > 0 {
            let more = format!("and {more} more invalid lines");
            self.warnings.push(with_release(more));
        }
        let proposal = propose(file.images, rules);
        for image in proposal.images {
            let origin = self.images.entry((image.repository, image.tag));
            origin.or_insert_with(|| release.origin.clone());
        }
        let dropped = proposal.dropped.into_iter();
        self.dropped.extend(dropped.map(Dropped::from));
        let untagged = proposal.untagged.into_iter();
        self.untagged.extend(untagged.map(|image| UntaggedImage {
            location: with_release(image.location),
            ..image
        }));
    }

    fn into_retrieved(mut self) -> Retrieved {
        // Most files repeat the previous one.
        let mut seen = HashSet::new();
        self.dropped.retain(|dropped| seen.insert(dropped.clone()));
        if self.images.is_empty() && self.untagged.is_empty() && self.has_files {
            let warning = no_image_warning("files", &self.dropped);
            self.warnings.push(warning);
        }
        let images = self.images.into_iter();
        let images = images.map(|((image, tag), origin)| FoundImage { image, tag, origin });
        Retrieved {
            found: Found::Images(images.collect()),
            dropped: self.dropped,
            untagged: self.untagged.into_iter().collect(),
            failures: Vec::new(),
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unrelated_file_causes_few_warnings() {
        let release = Candidate::new(
            "v1",
            None,
            Origin::Repository {
                repository: "x".to_owned(),
            },
        );
        let mut collected = CollectedImages::default();
        let text = format!("{}\n{}", "x ".repeat(5_000), "no image\n".repeat(1_000));
        collected.add_file(&text, &release, &ProposalRules::default());
        assert_eq!(collected.warnings.len(), 4);
        let first = &collected.warnings[0];
        assert!(first.len() < 200, "{first}");
        assert_eq!(collected.warnings[3], "v1: and 998 more invalid lines");
    }
}
