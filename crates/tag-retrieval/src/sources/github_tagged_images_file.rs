//! `github-tagged-images-file`: a file of images, at the tag of every release.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use extraction::{ImagesFile, ProposalRules, propose};
use futures::future::try_join_all;

use super::github_releases::Announced;
use crate::candidate::{Candidate, Origin};
use crate::config::GithubTaggedImagesFile;
use crate::error::RetrievalError;
use crate::github::GithubError;
use crate::retrieved::{Dropped, Found, FoundImage, Retrieved};
use crate::source::{Upstreams, VersionSource};

impl VersionSource for GithubTaggedImagesFile {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let announced = Announced::by(&self.project, upstreams).await?;
        let selection = self.filters.select(announced.candidates, upstreams.now)?;
        let files = selection.kept.iter();
        let files = files.map(|release| self.file(release, upstreams));
        // The client has a limit for what is under way.
        let files = try_join_all(files).await?;
        let rules = ProposalRules {
            denylist: self.denylist.clone(),
            exclude: self.filters.exclude.clone(),
            own_org: upstreams.own_org.clone(),
        };
        let mut gathered = Gathered {
            dropped: announced.dropped,
            warnings: selection.warnings,
            ..Gathered::default()
        };
        gathered.dropped.extend(selection.dropped);
        for (release, file) in selection.kept.iter().zip(files) {
            match file {
                Some(text) => gathered.read(&text, release, &rules),
                None => gathered.warnings.push(format!(
                    "{} has no {} at {}",
                    self.project, self.path, release.name
                )),
            }
        }
        Ok(gathered.finish())
    }
}

impl GithubTaggedImagesFile {
    async fn file(
        &self,
        release: &Candidate,
        upstreams: &Upstreams,
    ) -> Result<Option<Arc<str>>, GithubError> {
        let github = &upstreams.github;
        github.file(&self.project, &release.name, &self.path).await
    }
}

/// How many lines of a file that are no images the log has each: a path may lead to a file of
/// something else.
const NAMED: usize = 3;

/// What all files have.
#[derive(Debug, Default)]
struct Gathered {
    /// By image and tag, with the first release that has it: GitHub names the newest first.
    images: BTreeMap<(String, String), Origin>,
    dropped: Vec<Dropped>,
    warnings: Vec<String>,
}

impl Gathered {
    fn read(&mut self, text: &str, release: &Candidate, rules: &ProposalRules) {
        let file = ImagesFile::parse(text);
        let of_release = |what: String| format!("{}: {what}", release.name);
        let more = file.problems.len().saturating_sub(NAMED);
        let named = file.problems.into_iter().take(NAMED);
        self.warnings.extend(named.map(of_release));
        if more > 0 {
            let more = format!("and {more} more invalid lines");
            self.warnings.push(of_release(more));
        }
        let proposal = propose(file.images, rules);
        for image in proposal.images {
            let found = self.images.entry((image.repository, image.tag));
            found.or_insert_with(|| release.origin.clone());
        }
        let dropped = proposal.dropped.into_iter();
        self.dropped.extend(dropped.map(Dropped::from));
        self.warnings
            .extend(proposal.warnings.into_iter().map(of_release));
    }

    fn finish(mut self) -> Retrieved {
        // Most files repeat the one before.
        let mut seen = HashSet::new();
        self.dropped.retain(|dropped| seen.insert(dropped.clone()));
        let images = self.images.into_iter();
        let images = images.map(|((image, tag), origin)| FoundImage { image, tag, origin });
        Retrieved {
            found: Found::Images(images.collect()),
            dropped: self.dropped,
            failures: Vec::new(),
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_something_else_does_not_fill_the_log() {
        let release = Candidate::new(
            "v1",
            None,
            Origin::Repository {
                repository: "x".to_owned(),
            },
        );
        let mut gathered = Gathered::default();
        let text = format!("{}\n{}", "x ".repeat(5_000), "no image\n".repeat(1_000));
        gathered.read(&text, &release, &ProposalRules::default());
        assert_eq!(gathered.warnings.len(), 4);
        assert!(gathered.warnings[0].len() < 200, "{}", gathered.warnings[0]);
        assert_eq!(gathered.warnings[3], "v1: and 998 more invalid lines");
    }
}
