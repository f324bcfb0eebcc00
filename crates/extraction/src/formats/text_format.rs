//! The detection of a text's format.

use std::fmt;
use std::str::FromStr;

use crate::yaml::{AliasBudget, Map, Node, parse, split_documents};

/// The format of a text that names images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextFormat {
    /// Kubernetes manifests.
    Manifests,
    /// A kustomization.yaml.
    Kustomization,
    /// A compose file.
    Compose,
    /// A Dockerfile.
    Dockerfile,
    /// One image a line.
    List,
    /// Manifests of hauler.
    Hauler,
    /// A zarf.yaml.
    Zarf,
    /// A lock file of helm-dt or imgpkg.
    ImagesLock,
    /// A file of a file-based catalog.
    Catalog,
    /// Values of a chart.
    Values,
}

/// Every format and its name.
const NAMES: [(TextFormat, &str); 10] = [
    (TextFormat::Manifests, "manifests"),
    (TextFormat::Kustomization, "kustomization"),
    (TextFormat::Compose, "compose"),
    (TextFormat::Dockerfile, "dockerfile"),
    (TextFormat::List, "list"),
    (TextFormat::Hauler, "hauler"),
    (TextFormat::Zarf, "zarf"),
    (TextFormat::ImagesLock, "images-lock"),
    (TextFormat::Catalog, "catalog"),
    (TextFormat::Values, "values"),
];

/// The reason why a text is not the name of a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a format: choose one of {}", TextFormat::names().join(", "))]
pub struct TextFormatError {
    text: String,
}

impl TextFormat {
    /// Returns the names of all formats.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(_, name)| *name).collect()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(format, _)| *format == self);
        found.map_or("", |(_, name)| name)
    }

    /// Detects the format of a text from the name of its file, if it has one, and the text. `None` if the
    /// text has none of the formats.
    #[must_use]
    pub fn detect(file_name: &str, text: &str) -> Option<Self> {
        Self::from_file_name(file_name).or_else(|| Self::from_text(text))
    }

    /// Returns the format of a file that other programs know by its name.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let is_yaml = lower.ends_with(".yaml") || lower.ends_with(".yml");
        let stem = lower.trim_end_matches(".yaml").trim_end_matches(".yml");
        let is_build = |name: &str| matches!(name, "dockerfile" | "containerfile");
        let (first, last) = (lower.split('.').next(), lower.rsplit('.').next());
        if [first, last].into_iter().flatten().any(is_build) && !is_yaml {
            return Some(Self::Dockerfile);
        }
        match stem {
            "kustomization" => Some(Self::Kustomization),
            "compose" | "docker-compose" | "podman-compose" if is_yaml => Some(Self::Compose),
            "zarf" if is_yaml => Some(Self::Zarf),
            "images.lock" => Some(Self::ImagesLock),
            _ if lower.ends_with(".txt") => Some(Self::List),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let documents = split_documents(text);
        let mut budget = AliasBudget::default();
        // Documents that do not parse do not decide.
        let mut maps = false;
        for document in &documents {
            let roots = parse(document.text, &mut budget).unwrap_or_default();
            for root in &roots {
                if let Node::Map(map) = &**root {
                    maps = true;
                    if let Some(format) = Self::from_map(map) {
                        return Some(format);
                    }
                }
            }
        }
        if let Some(format) = from_lines(text) {
            return Some(format);
        }
        let names_images = || text.to_ascii_lowercase().contains("image");
        match maps {
            true => Some(Self::Values),
            // A broken document still has its `image:` lines.
            false => (text.contains(':') && names_images()).then_some(Self::Manifests),
        }
    }

    fn from_map(map: &Map) -> Option<Self> {
        let (kind, version) = (map.text("kind"), map.text("apiVersion").unwrap_or_default());
        match kind {
            Some("Kustomization" | "Component") if is_kustomize(version) => {
                Some(Self::Kustomization)
            }
            Some("ZarfPackageConfig") => Some(Self::Zarf),
            Some("ImagesLock" | "BundleLock") => Some(Self::ImagesLock),
            Some(_) if version.starts_with("content.hauler.cattle.io/") => Some(Self::Hauler),
            Some(_) => Some(Self::Manifests),
            None if map
                .text("schema")
                .is_some_and(|schema| schema.starts_with("olm.")) =>
            {
                Some(Self::Catalog)
            }
            None if map.map("services").is_some() => Some(Self::Compose),
            None => None,
        }
    }
}

fn is_kustomize(version: &str) -> bool {
    version.is_empty() || version.starts_with("kustomize.config.k8s.io/")
}

/// Returns the format of a text of lines: a Dockerfile, or one image a line.
fn from_lines(text: &str) -> Option<TextFormat> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<_> = lines.collect();
    let first = lines.first()?;
    let keyword = first.split_whitespace().next().unwrap_or_default();
    let has_base = |line: &&str| line.to_ascii_uppercase().starts_with("FROM ");
    if matches!(keyword.to_ascii_uppercase().as_str(), "FROM" | "ARG") && lines.iter().any(has_base)
    {
        return Some(TextFormat::Dockerfile);
    }
    let is_name = |line: &&str| {
        let word = line.split(" #").next().unwrap_or(line).trim_end();
        !word.contains(char::is_whitespace) && !word.ends_with(':') && !word.contains(['{', '='])
    };
    lines.iter().all(is_name).then_some(TextFormat::List)
}

impl FromStr for TextFormat {
    type Err = TextFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found
            .map(|(format, _)| *format)
            .ok_or_else(|| TextFormatError {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for TextFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_from_the_name_or_the_text() {
        let cases = [
            ("Dockerfile", "", Some(TextFormat::Dockerfile)),
            ("web.Dockerfile", "", Some(TextFormat::Dockerfile)),
            ("Containerfile.dev", "", Some(TextFormat::Dockerfile)),
            ("kustomization.yml", "", Some(TextFormat::Kustomization)),
            ("docker-compose.yml", "", Some(TextFormat::Compose)),
            ("Images.lock", "", Some(TextFormat::ImagesLock)),
            ("rke2-images.txt", "no image\n", Some(TextFormat::List)),
            ("x", "kind: Pod\n", Some(TextFormat::Manifests)),
            (
                "x",
                "# c\n---\n---\nkind: Pod\n",
                Some(TextFormat::Manifests),
            ),
            ("x", "{\"kind\": \"List\"}", Some(TextFormat::Manifests)),
            (
                "x",
                "services: {a: {image: b}}\n",
                Some(TextFormat::Compose),
            ),
            ("x", "kind: ZarfPackageConfig\n", Some(TextFormat::Zarf)),
            (
                "x",
                "apiVersion: content.hauler.cattle.io/v1\nkind: Images\n",
                Some(TextFormat::Hauler),
            ),
            ("x", "kind: ImagesLock\n", Some(TextFormat::ImagesLock)),
            (
                "x",
                "{\"schema\": \"olm.package\"}\n{}",
                Some(TextFormat::Catalog),
            ),
            ("x", "image: {repository: a}\n", Some(TextFormat::Values)),
            (
                "x",
                "# c\nARG A=1\nFROM a:$A\n",
                Some(TextFormat::Dockerfile),
            ),
            ("x", "# c\na/b:1\nbusybox:1\n", Some(TextFormat::List)),
            ("x", "busybox\n", Some(TextFormat::List)),
            ("x", "a: [\nimage: a/b:1\n", Some(TextFormat::Manifests)),
            ("x", "Some prose that is long.\n", None),
            ("x", "", None),
        ];
        for (name, text, expected) in cases {
            assert_eq!(TextFormat::detect(name, text), expected, "{name} {text:?}");
        }
    }

    #[test]
    fn names_parse() {
        for name in TextFormat::names() {
            assert_eq!(name.parse::<TextFormat>().map(TextFormat::name), Ok(name));
        }
        let error = "docker".parse::<TextFormat>().unwrap_err().to_string();
        assert!(error.contains("choose one of manifests, "), "{error}");
    }
}
