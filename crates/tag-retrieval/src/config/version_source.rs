//! The value of `versionSource`, and the keys that a source accepts.

use strict_json::{Flag, Located, Problems, suggest};

use crate::entry::{EntryFields, KeyUse, SourceKind};
use crate::sources::{RegisteredSource, Source};

/// Splits a `versionSource` into its kind and argument.
///
/// # Errors
///
/// The message, if the kind is unknown, or its argument is missing or not allowed.
pub(super) fn parse(text: &str) -> Result<(&'static RegisteredSource<Source>, &str), String> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (text, None),
    };
    let Some(registered) = Source::ALL.iter().find(|source| source.kind.name == name) else {
        let nearest = suggest(name, kinds().map(|kind| kind.name)).unwrap_or_default();
        let all = kinds().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "unknown version source `{name}`: did you mean `{nearest}`? (available: {all})"
        ));
    };
    match (registered.kind.argument, argument) {
        (Some(_), Some(argument)) if !argument.trim().is_empty() => {
            Ok((registered, argument.trim()))
        }
        (Some(_), _) => Err(format!(
            "`{name}` requires an argument: write `{}`",
            registered.kind.usage()
        )),
        (None, None) => Ok((registered, "")),
        (None, Some(_)) => Err(format!("`{name}` takes no argument: write `{name}`")),
    }
}

/// Reports the keys of an entry that the source does not accept, and the required ones it lacks.
pub(super) fn check_keys(
    kind: &SourceKind,
    source_offset: usize,
    fields: &EntryFields,
    problems: &mut Problems<'_>,
) {
    for Located { value: key, offset } in &fields.present {
        if kind.key_use(key) == KeyUse::Unused && !is_off(key, fields) {
            problems.add(*offset, unaccepted(kind, key));
        }
    }
    for key in kind.required {
        if !fields.present.iter().any(|present| present.value == *key) {
            let name = kind.name;
            let message = format!("`{key}` is missing: versionSource `{name}` requires it");
            problems.add(source_offset, message);
        }
    }
}

fn kinds() -> impl Iterator<Item = &'static SourceKind> {
    Source::ALL.iter().map(|source| &source.kind)
}

fn unaccepted(kind: &SourceKind, key: &str) -> String {
    if kind.has_chart_versions() && key == "versionFilter" {
        return "`versionFilter` is not a key of a Helm entry: set it on a chart in `helmCharts`, \
                as a range of chart versions such as `v1.4.*`"
            .to_owned();
    }
    let accepting = kinds().filter(|kind| kind.key_use(key) != KeyUse::Unused);
    let accepting: Vec<_> = accepting.map(|kind| kind.name).collect();
    format!(
        "versionSource `{}` does not accept `{key}`; accepted by: {}",
        kind.name,
        accepting.join(", ")
    )
}

/// Returns true if a key is a disabled filter, which every source accepts.
fn is_off(key: &str, fields: &EntryFields) -> bool {
    let flag = match key {
        "latest" => {
            let latest = fields.latest.as_ref();
            return latest.is_some_and(|latest| latest.value.0.is_none());
        }
        "follow" => &fields.follow,
        "latest_entry" => &fields.latest_entry,
        _ => return false,
    };
    flag.as_ref().is_some_and(|flag| flag.value == Flag::Off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_source_has_a_kind_and_an_argument() {
        for (text, kind, argument) in [
            (
                "github-releases:etcd-io/etcd",
                "github-releases",
                "etcd-io/etcd",
            ),
            (
                "helm-latest:https://helm.cilium.io",
                "helm-latest",
                "https://helm.cilium.io",
            ),
            ("helm-directory:/charts", "helm-directory", "/charts"),
            ("registry", "registry", ""),
            ("helm-oci", "helm-oci", ""),
        ] {
            let (registered, found) = parse(text).unwrap();
            assert_eq!((registered.kind.name, found), (kind, argument));
        }
        for (text, message) in [
            (
                "github-release:a/b",
                "unknown version source `github-release`: did you mean `github-releases`?",
            ),
            ("Registry", "did you mean `registry`?"),
            ("github-releases", "write `github-releases:OWNER/REPO`"),
            ("helm-latest:", "write `helm-latest:REPO_URL`"),
            ("registry:quay.io/a/b", "`registry` takes no argument"),
        ] {
            let error = parse(text).err().unwrap();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn source_accepts_its_own_keys_only() {
        let versions = "github-releases github-latest-release gitlab-releases git-tags registry";
        let not_helm = "github-releases github-latest-release github-tagged-images-file \
                        gitlab-releases git-tags registry";
        for (key, accepting) in [
            ("images", versions),
            ("imagesFilePath", "github-tagged-images-file"),
            ("versionFilter", not_helm),
            ("versionConstraint", not_helm),
            ("latest", not_helm),
            ("latestBy", "github-releases gitlab-releases registry"),
            ("follow", versions),
            ("maximum", versions),
            ("latest_entry", "registry"),
            ("versionExtract", not_helm),
            ("tagTemplate", versions),
            (
                "minimumAge",
                "github-releases github-latest-release github-tagged-images-file gitlab-releases registry",
            ),
            ("helmCharts", "helm-latest helm-oci helm-directory"),
            ("additionalVersionFilter", "helm-latest helm-oci"),
            (
                "imagePaths",
                "helm-latest helm-oci helm-directory manifests",
            ),
            ("packages", "olm-catalog"),
            (
                "imageDenylist",
                "github-tagged-images-file helm-latest helm-oci helm-directory manifests olm-catalog imgpkg",
            ),
        ] {
            let found = kinds().filter(|kind| kind.key_use(key) != KeyUse::Unused);
            let found: Vec<_> = found.map(|kind| kind.name).collect();
            assert_eq!(
                found,
                accepting.split_whitespace().collect::<Vec<_>>(),
                "{key}"
            );
        }
    }
}
