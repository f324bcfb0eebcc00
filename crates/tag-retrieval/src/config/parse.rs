//! A text, read as a configuration.

use super::checked;
use super::entry::{
    Chart, EntryImage, GitTags, GithubLatestRelease, GithubProject, GithubReleases,
    GithubTaggedImagesFile, GitlabReleases, HelmCharts, HelmDirectory, HelmLatest, HelmOci,
    RegistryTags,
};
use super::kind::Kind;
use super::model::{Config, Entry, Source};
use super::names::{self, NameError};
use super::problem::{ConfigProblem, Problems};
use super::syntax;
use super::values::{At, Read};
use super::written::EntryWritten;
use crate::filters::Filters;

/// Names the schema to editors; no entry.
const SCHEMA_KEY: &str = "$schema";

impl Config {
    /// Reads a configuration.
    ///
    /// ```
    /// use tag_retrieval::config::Config;
    ///
    /// let text = r#"{"etcd": {"versionSource": "registry", "images": ["quay.io/coreos/etcd"]}}"#;
    /// assert_eq!(Config::parse(text).unwrap().entries[0].name, "etcd");
    ///
    /// let problems = Config::parse(&text.replace("images", "image")).unwrap_err();
    /// assert_eq!(problems.len(), 2);
    /// assert_eq!(problems[1].to_string(), "entry `etcd`: unknown key `image`; the nearest known key is `images`");
    /// ```
    ///
    /// # Errors
    ///
    /// Every problem of the file, in its order; of a text that is no JSON the first only.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Problems::new(text);
        let root = syntax::root(text, &mut problems);
        let mut entries = Vec::new();
        for property in root.iter().flat_map(|root| &root.properties) {
            let name = property.name.as_str();
            let (line, _) = problems.place(property.range.start);
            if name == SCHEMA_KEY {
                String::read(&property.value, name, &mut problems);
                continue;
            }
            let source = problems.within(format!("entry `{name}`"), |problems| {
                let entry = EntryWritten::read(&property.value, name, problems)?;
                source(&entry, problems)
            });
            entries.extend(source.map(|source| Entry {
                name: name.to_owned(),
                line,
                source,
            }));
        }
        problems.finish().map(|()| Self { entries })
    }
}

/// The source of an entry. Where there is none, the reason is reported.
fn source(entry: &EntryWritten, problems: &mut Problems<'_>) -> Option<Source> {
    let written = entry.version_source.as_ref();
    let parse = |text: &str| Kind::parse(text).map(|(kind, rest)| (kind, rest.to_owned()));
    let kind = checked::parsed("versionSource", written, parse, problems);
    if let (Some((kind, _)), Some(At { at, .. })) = (&kind, written) {
        kind.check_keys(*at, entry, problems);
    }
    // All of it before the kind matters: a slip there hides no other.
    let parts = Parts {
        filters: checked::filters(entry, problems),
        images: checked::images(entry, problems),
        path: checked::path(entry, problems),
        denylist: checked::denylist(entry, problems),
        charts: checked::charts(kind.as_ref().map(|(kind, _)| *kind), entry, problems),
        additional_versions: checked::strings(entry.additional_version_filter.as_ref()),
    };
    let (kind, argument) = kind?;
    let built = |_: &str| parts.build(kind, &argument);
    checked::parsed("versionSource", written, built, problems)
}

/// What an entry has besides its `versionSource`; empty where it has none.
struct Parts {
    filters: Filters,
    images: Vec<EntryImage>,
    path: String,
    denylist: Vec<String>,
    charts: Vec<Chart>,
    additional_versions: Vec<String>,
}

impl Parts {
    fn build(self, kind: Kind, argument: &str) -> Result<Source, NameError> {
        match kind {
            Kind::GithubReleases | Kind::GithubLatestRelease | Kind::GithubTaggedImagesFile => {
                Ok(self.github(kind, names::github(argument)?))
            }
            Kind::GitlabReleases => {
                let (host, project) = names::gitlab(argument)?;
                Ok(Source::GitlabReleases(GitlabReleases {
                    host,
                    project,
                    images: self.images,
                    filters: self.filters,
                }))
            }
            Kind::GitTags => Ok(Source::GitTags(GitTags {
                url: names::url(argument, &["https", "http", "file"])?,
                images: self.images,
                filters: self.filters,
            })),
            Kind::Registry => Ok(Source::Registry(RegistryTags {
                images: self.images,
                filters: self.filters,
            })),
            Kind::HelmLatest => Ok(Source::HelmLatest(HelmLatest {
                repository: names::url(argument, &["https", "http"])?,
                charts: self.helm(),
            })),
            Kind::HelmOci => Ok(Source::HelmOci(HelmOci {
                charts: self.helm(),
            })),
            Kind::HelmDirectory => Ok(Source::HelmDirectory(HelmDirectory {
                directory: argument.into(),
                charts: self.helm(),
            })),
        }
    }

    fn github(self, kind: Kind, project: GithubProject) -> Source {
        let (images, filters) = (self.images, self.filters);
        match kind {
            Kind::GithubTaggedImagesFile => {
                Source::GithubTaggedImagesFile(GithubTaggedImagesFile {
                    project,
                    path: self.path,
                    filters,
                    denylist: self.denylist,
                })
            }
            Kind::GithubLatestRelease => Source::GithubLatestRelease(GithubLatestRelease {
                project,
                images,
                filters,
            }),
            _ => Source::GithubReleases(GithubReleases {
                project,
                images,
                filters,
            }),
        }
    }

    fn helm(self) -> HelmCharts {
        HelmCharts {
            charts: self.charts,
            additional_versions: self.additional_versions,
            denylist: self.denylist,
            exclude: self.filters.exclude,
        }
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
