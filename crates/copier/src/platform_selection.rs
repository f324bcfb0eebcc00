//! The platforms of an index that are copied.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::platform::Platform;

/// The platforms of an index that are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSelection {
    /// The platforms. A row fails if its image has none of them.
    pub platforms: Vec<Platform>,
    /// The treatment of the index.
    pub index: NarrowedIndex,
}

/// The treatment of an index of which some platforms are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrowedIndex {
    /// A new index with the selected descriptors, and so with a new digest.
    Rebuilt,
    /// The same bytes and digest; the other children are missing.
    Sparse,
}

impl fmt::Display for PlatformSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, platform) in self.platforms.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{platform}")?;
        }
        Ok(())
    }
}

impl PlatformSelection {
    /// Checks the platform of an image that is not in an index. An artifact has none, and is copied
    /// whatever the selection.
    ///
    /// # Errors
    ///
    /// The platform of the image, as text.
    pub(crate) fn check_image(&self, platform: Option<&Platform>) -> Result<(), String> {
        let Some(platform) = platform else {
            return Ok(());
        };
        if self
            .platforms
            .iter()
            .any(|selected| selected.accepts(platform))
        {
            return Ok(());
        }
        // Some build tools leave operating system and architecture empty.
        Err(
            match (platform.os.as_str(), platform.architecture.as_str()) {
                ("", _) | (_, "") => "none, since its config names no platform".to_owned(),
                _ => platform.to_string(),
            },
        )
    }
}

/// The selected platforms that a run has found in its images. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct PlatformUses(Arc<Mutex<Uses>>);

#[derive(Debug, Default)]
struct Uses {
    has_images: bool,
    found: Vec<Platform>,
}

impl PlatformUses {
    /// Notes the platforms of an image that a selection applies to.
    pub(crate) fn record(&self, selection: &PlatformSelection, offered: &[Platform]) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.has_images = true;
        for selected in &selection.platforms {
            let is_new = !uses.found.contains(selected);
            if is_new && offered.iter().any(|offered| selected.accepts(offered)) {
                uses.found.push(selected.clone());
            }
        }
    }

    /// Returns those of the selected platforms that no image has, each once. None if no image was read.
    pub(crate) fn unused<'a>(
        &self,
        selected: impl IntoIterator<Item = &'a PlatformSelection>,
    ) -> Vec<Platform> {
        let uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unused: Vec<Platform> = Vec::new();
        if !uses.has_images {
            return unused;
        }
        for platform in selected
            .into_iter()
            .flat_map(|selection| &selection.platforms)
        {
            if !uses.found.contains(platform) && !unused.contains(platform) {
                unused.push(platform.clone());
            }
        }
        unused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(names: &[&str]) -> PlatformSelection {
        PlatformSelection {
            platforms: names.iter().map(|name| name.parse().unwrap()).collect(),
            index: NarrowedIndex::Rebuilt,
        }
    }

    #[test]
    fn unused_platforms_are_those_that_no_image_has() {
        let selected = selection(&["amd64", "arm99", "linux/arm/v7"]);
        let uses = PlatformUses::default();
        assert_eq!(uses.unused([&selected]), [], "no image was read");
        let clone = uses.clone();
        for offered in [["amd64", "s390x"], ["arm", "ppc64le"]] {
            let offered = offered.map(|name| name.parse().unwrap());
            clone.record(&selected, &offered);
        }
        let unused = uses.unused([&selected, &selected]);
        let unused: Vec<String> = unused.iter().map(Platform::to_string).collect();
        assert_eq!(unused, ["linux/arm99"]);
    }

    #[test]
    fn image_without_a_selected_platform_is_refused() {
        let selection = selection(&["amd64"]);
        let platform = |name: &str| name.parse::<Platform>().ok();
        for (image, want) in [
            (platform("linux/amd64"), Ok(())),
            (None, Ok(())),
            (platform("linux/arm64"), Err("linux/arm64".to_owned())),
        ] {
            assert_eq!(selection.check_image(image.as_ref()), want, "{image:?}");
        }
    }
}
