//! The description of one kind of version source.

use super::names::NameError;

/// One kind of version source: its name in `versionSource` and the keys of an entry it uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceKind {
    /// The name before the `:`, such as `github-releases`.
    pub(crate) name: &'static str,
    /// The placeholder of the argument after the `:`, such as `OWNER/REPO`.
    pub(crate) argument: Option<&'static str>,
    /// The keys that an entry must have, besides `versionSource`.
    pub(crate) required: &'static [&'static str],
    /// The keys that an entry may have, besides those of every entry.
    pub(crate) optional: &'static [&'static str],
    /// The rules for `helmCharts`, for a source of charts.
    pub(crate) charts: Option<ChartRules>,
}

/// The rules for the charts of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChartRules {
    /// Checks the name of a chart.
    pub(crate) check_name: fn(&str) -> Result<(), NameError>,
    /// True if a chart has several versions. Helm ignores `--version` for a directory.
    pub(crate) has_versions: bool,
}

/// The use of a key by a version source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyUse {
    Required,
    Optional,
    Unused,
}

impl SourceKind {
    /// Returns the use of a key.
    pub(crate) fn key_use(&self, key: &str) -> KeyUse {
        match key {
            "versionSource" => KeyUse::Required,
            "exclude" | "reviewers" | "labels" => KeyUse::Optional,
            _ if self.required.contains(&key) => KeyUse::Required,
            _ if self.optional.contains(&key) => KeyUse::Optional,
            _ => KeyUse::Unused,
        }
    }

    /// Returns true if a chart of this source has several versions.
    pub(crate) fn has_chart_versions(&self) -> bool {
        self.charts.is_some_and(|charts| charts.has_versions)
    }

    /// Returns the form of `versionSource`, such as `github-releases:OWNER/REPO`.
    pub(crate) fn usage(&self) -> String {
        match self.argument {
            Some(argument) => format!("{}:{argument}", self.name),
            None => self.name.to_owned(),
        }
    }
}
