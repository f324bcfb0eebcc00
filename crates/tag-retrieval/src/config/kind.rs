//! The kinds of version sources, and which keys of an entry each can use.

use super::nearest::nearest;
use super::problem::Problems;
use super::values::{At, Flag};
use super::written::EntryWritten;

/// What stands before the `:` of a `versionSource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    GithubReleases,
    GithubLatestRelease,
    GithubTaggedImagesFile,
    GitlabReleases,
    GitTags,
    Registry,
    HelmLatest,
    HelmOci,
    HelmDirectory,
}

/// What a kind makes of a key that it was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Required,
    Optional,
    None,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::GithubReleases,
        Self::GithubLatestRelease,
        Self::GithubTaggedImagesFile,
        Self::GitlabReleases,
        Self::GitTags,
        Self::Registry,
        Self::HelmLatest,
        Self::HelmOci,
        Self::HelmDirectory,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::GithubReleases => "github-releases",
            Self::GithubLatestRelease => "github-latest-release",
            Self::GithubTaggedImagesFile => "github-tagged-images-file",
            Self::GitlabReleases => "gitlab-releases",
            Self::GitTags => "git-tags",
            Self::Registry => "registry",
            Self::HelmLatest => "helm-latest",
            Self::HelmOci => "helm-oci",
            Self::HelmDirectory => "helm-directory",
        }
    }

    /// What has to stand after the `:`, if anything.
    pub fn argument(self) -> Option<&'static str> {
        match self {
            Self::GithubReleases | Self::GithubLatestRelease | Self::GithubTaggedImagesFile => {
                Some("OWNER/REPO")
            }
            Self::GitlabReleases => Some("HOST/GROUP/PROJECT"),
            Self::GitTags => Some("URL"),
            Self::HelmLatest => Some("REPO_URL"),
            Self::HelmDirectory => Some("DIR"),
            Self::Registry | Self::HelmOci => None,
        }
    }

    /// Takes a `versionSource` apart.
    ///
    /// # Errors
    ///
    /// The message.
    pub fn parse(text: &str) -> Result<(Self, &str), String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let Some(kind) = Self::ALL.into_iter().find(|kind| kind.name() == name) else {
            let near = nearest(name, Self::ALL.map(Self::name)).unwrap_or_default();
            let all = Self::ALL.map(Self::name).join(", ");
            return Err(format!(
                "`{name}` is no version source; the nearest is `{near}` (all: {all})"
            ));
        };
        match (kind.argument(), argument) {
            (Some(_), Some(argument)) if !argument.trim().is_empty() => Ok((kind, argument.trim())),
            (Some(wanted), _) => Err(format!("`{name}` is not complete: write `{name}:{wanted}`")),
            (None, None) => Ok((kind, "")),
            (None, Some(_)) => Err(format!("nothing may follow `{name}`: write `{name}` alone")),
        }
    }

    /// Whether the versions are tags for the images that the entry names.
    fn gives_versions(self) -> bool {
        !self.is_helm() && self != Self::GithubTaggedImagesFile
    }

    pub fn is_helm(self) -> bool {
        matches!(self, Self::HelmLatest | Self::HelmOci | Self::HelmDirectory)
    }

    /// Whether there is more than one version of a chart: helm ignores `--version` for a folder.
    pub fn has_chart_versions(self) -> bool {
        matches!(self, Self::HelmLatest | Self::HelmOci)
    }

    /// What it makes of a key of the entry.
    fn makes(self, key: &str) -> Use {
        let optional_if = |can: bool| if can { Use::Optional } else { Use::None };
        let required_if = |must: bool| if must { Use::Required } else { Use::None };
        match key {
            "versionSource" => Use::Required,
            "exclude" => Use::Optional,
            "images" => required_if(self.gives_versions()),
            "imagesFilePath" => required_if(self == Self::GithubTaggedImagesFile),
            "helmCharts" => required_if(self.is_helm()),
            "versionFilter" | "versionConstraint" | "latest" => optional_if(!self.is_helm()),
            "latest_entry" => optional_if(self == Self::Registry),
            // A registry's tags are tags already.
            "versionExtract" => optional_if(self.gives_versions() && self != Self::Registry),
            // Git's lightweight tags have no time of their own.
            "minimumAge" => optional_if(!self.is_helm() && self != Self::GitTags),
            "additionalVersionFilter" => optional_if(self.has_chart_versions()),
            "imageDenylist" => optional_if(!self.gives_versions()),
            _ => Use::None,
        }
    }

    /// Reports the keys of an entry that it cannot use, and those that it lacks.
    pub fn check_keys(self, source_at: usize, entry: &EntryWritten, problems: &mut Problems<'_>) {
        for At { value: key, at } in &entry.present {
            if self.makes(key) == Use::None && !is_off(key, entry) {
                problems.add(*at, self.refusal(key));
            }
        }
        for key in ["images", "imagesFilePath", "helmCharts"] {
            let there = entry.present.iter().any(|present| present.value == key);
            if self.makes(key) == Use::Required && !there {
                let name = self.name();
                let message = format!("`{key}` is missing: versionSource `{name}` needs it");
                problems.add(source_at, message);
            }
        }
    }

    fn refusal(self, key: &str) -> String {
        if self.has_chart_versions() && key == "versionFilter" {
            return "`versionFilter` does not belong here: with Helm it belongs at a chart in `helmCharts`, \
                    and is a range of chart versions such as `v1.4.*`"
                .to_owned();
        }
        let can = Self::ALL
            .into_iter()
            .filter(|kind| kind.makes(key) != Use::None);
        let can = can.map(Self::name).collect::<Vec<_>>().join(", ");
        format!(
            "versionSource `{}` cannot use `{key}`; these can: {can}",
            self.name()
        )
    }
}

/// A filter that is switched off is not there.
fn is_off(key: &str, entry: &EntryWritten) -> bool {
    let flag = match key {
        "latest" => &entry.latest,
        "latest_entry" => &entry.latest_entry,
        _ => return false,
    };
    flag.as_ref().is_some_and(|flag| flag.value == Flag::Off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_argument() {
        for (text, kind, argument) in [
            (
                "github-releases:etcd-io/etcd",
                Kind::GithubReleases,
                "etcd-io/etcd",
            ),
            (
                "helm-latest:https://helm.cilium.io",
                Kind::HelmLatest,
                "https://helm.cilium.io",
            ),
            ("helm-directory:/charts", Kind::HelmDirectory, "/charts"),
            ("registry", Kind::Registry, ""),
            ("helm-oci", Kind::HelmOci, ""),
        ] {
            assert_eq!(Kind::parse(text), Ok((kind, argument)));
        }
        for (text, message) in [
            (
                "github-release:a/b",
                "`github-release` is no version source; the nearest is `github-releases`",
            ),
            ("Registry", "the nearest is `registry`"),
            ("github-releases", "write `github-releases:OWNER/REPO`"),
            ("helm-latest:", "write `helm-latest:REPO_URL`"),
            ("registry:quay.io/a/b", "nothing may follow `registry`"),
        ] {
            let error = Kind::parse(text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn which_source_takes_what() {
        let versions = "github-releases github-latest-release gitlab-releases git-tags registry";
        let not_helm = "github-releases github-latest-release github-tagged-images-file \
                        gitlab-releases git-tags registry";
        for (key, takers) in [
            ("images", versions),
            ("imagesFilePath", "github-tagged-images-file"),
            ("versionFilter", not_helm),
            ("versionConstraint", not_helm),
            ("latest", not_helm),
            ("latest_entry", "registry"),
            (
                "versionExtract",
                "github-releases github-latest-release gitlab-releases git-tags",
            ),
            (
                "minimumAge",
                "github-releases github-latest-release github-tagged-images-file gitlab-releases registry",
            ),
            ("helmCharts", "helm-latest helm-oci helm-directory"),
            ("additionalVersionFilter", "helm-latest helm-oci"),
            (
                "imageDenylist",
                "github-tagged-images-file helm-latest helm-oci helm-directory",
            ),
        ] {
            let found = Kind::ALL
                .into_iter()
                .filter(|kind| kind.makes(key) != Use::None);
            let found: Vec<_> = found.map(Kind::name).collect();
            assert_eq!(
                found,
                takers.split_whitespace().collect::<Vec<_>>(),
                "{key}"
            );
        }
    }
}
