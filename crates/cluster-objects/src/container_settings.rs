//! Images in the variables and arguments of containers, such as `RELATED_IMAGE_…` of an operator.

use std::collections::HashMap;
use std::rc::Rc;

use image_name::ImageName;
use serde_json::value::RawValue;

use crate::custom_object::extracted;
use crate::image_use::{FoundImages, ImageUse};
use crate::manifest::Container;

/// Maximum number of distinct settings in memory. A cluster has as many as workloads, not as pods.
const MAX_CACHED: usize = 4096;

/// The images of settings that were read before. The pods of a workload have the same ones.
#[derive(Debug, Default)]
pub(crate) struct SettingsCache {
    known: HashMap<String, Rc<[(ImageName, String)]>>,
}

impl SettingsCache {
    /// Adds the images of a container's settings.
    pub(crate) fn add_images(
        &mut self,
        found: &mut FoundImages,
        place: &str,
        container: &Container<'_>,
    ) {
        let Some(text) = settings_text(container) else {
            return;
        };
        let images = match self.known.get(&text) {
            Some(known) => Rc::clone(known),
            None => {
                let images: Rc<[_]> = extracted(&text).into();
                if self.known.len() >= MAX_CACHED {
                    self.known.clear();
                }
                self.known.insert(text, Rc::clone(&images));
                images
            }
        };
        for (image, path) in images.iter() {
            if !found.contains(image) {
                found.images.push(ImageUse {
                    image: image.clone(),
                    place: format!("{place}.{path}"),
                    running: None,
                });
            }
        }
    }
}

/// Returns the settings as one JSON object, or `None` if they have no image: each needs a path.
fn settings_text(container: &Container<'_>) -> Option<String> {
    let fields = [
        ("env", container.env),
        ("args", container.args),
        ("command", container.command),
    ];
    let fields = fields.iter().filter_map(|(name, value)| {
        let value = value.map(RawValue::get)?;
        value.contains('/').then(|| format!("{name:?}: {value}"))
    });
    let fields: Vec<_> = fields.collect();
    (!fields.is_empty()).then(|| format!("{{{}}}", fields.join(", ")))
}
