//! The output of `diff`.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::contents::ImageContents;
use super::difference::{ChangedValue, LayerJson, PlatformDiff, changed};
use crate::registries::named_image::tag_separator;
use crate::terminal::units::{bytes, counted, short};

/// Maximum values of a list in the text. The JSON document has all.
const MAX_LINES: usize = 40;
/// Maximum length of a value in the text, in characters.
const MAX_VALUE: usize = 120;

/// The output of `diff`: text and JSON.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Diff {
    a: ImageJson,
    b: ImageJson,
    /// Both images have the same digest.
    same: bool,
    /// The annotations of the indexes, or of the images, that differ.
    annotations: Vec<ChangedValue>,
    /// The platforms of both images, those that are the same included.
    platforms: Vec<PlatformDiff>,
    /// The number of images in the indexes that were not compared.
    not_compared: usize,
}

/// One of the images.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ImageJson {
    /// The repository with its host.
    repository: String,
    /// The tag, or the digest of the argument.
    tag: String,
    digest: String,
    media_type: String,
}

impl Diff {
    /// Compares two images.
    pub(super) fn new(a: &ImageContents, b: &ImageContents) -> Self {
        let names: BTreeSet<&String> = a.platforms.keys().chain(b.platforms.keys()).collect();
        let platforms = names
            .into_iter()
            .map(|name| PlatformDiff::new(name, a.platforms.get(name), b.platforms.get(name)));
        Self {
            a: ImageJson::new(a),
            b: ImageJson::new(b),
            same: a.digest == b.digest,
            annotations: changed(&a.annotations, &b.annotations),
            platforms: platforms.collect(),
            not_compared: a.more + b.more,
        }
    }

    /// Reports whether both images have the same digest.
    pub(super) fn is_same(&self) -> bool {
        self.same
    }
}

impl ImageJson {
    fn new(image: &ImageContents) -> Self {
        Self {
            repository: image.repository.clone(),
            tag: image.tag.clone(),
            digest: image.digest.clone(),
            media_type: image.media_type.clone(),
        }
    }
}

impl Display for ImageJson {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let separator = tag_separator(&self.tag);
        let Self {
            repository,
            tag,
            digest,
            ..
        } = self;
        write!(f, "{repository}{separator}{tag}  {digest}")
    }
}

impl Display for Diff {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "A  {}", self.a)?;
        writeln!(f, "B  {}", self.b)?;
        if self.same {
            return writeln!(f, "the images are the same");
        }
        if self.a.media_type != self.b.media_type {
            writeln!(
                f,
                "media type  {} -> {}",
                self.a.media_type, self.b.media_type
            )?;
        }
        write_values(f, "annotation ", &self.annotations)?;
        let (same, different): (Vec<_>, Vec<_>) = self
            .platforms
            .iter()
            .partition(|platform| platform.is_same());
        for platform in different {
            write_platform(f, platform)?;
        }
        if !same.is_empty() {
            let names: Vec<_> = same.iter().map(|same| same.platform.as_str()).collect();
            writeln!(f, "\nsame: {}", names.join(", "))?;
        }
        match self.not_compared {
            0 => Ok(()),
            more => writeln!(f, "\n{} not compared", counted(more, "further image")),
        }
    }
}

fn write_platform(f: &mut Formatter<'_>, platform: &PlatformDiff) -> fmt::Result {
    let name = &platform.platform;
    match (&platform.a, &platform.b) {
        (Some(a), None) => return writeln!(f, "\n{name}  only in A, {}", short(a)),
        (None, Some(b)) => return writeln!(f, "\n{name}  only in B, {}", short(b)),
        (a, b) => {
            let digest = |digest: &Option<String>| digest.as_deref().map(short).unwrap_or_default();
            writeln!(f, "\n{name}  {} -> {}", digest(a), digest(b))?;
        }
    }
    if platform.missing {
        return writeln!(f, "  not compared: a registry does not have the image");
    }
    let (only_a, only_b) = (&platform.layers_a, &platform.layers_b);
    let total = |layers: &[LayerJson]| bytes(layers.iter().map(|layer| layer.size).sum());
    writeln!(
        f,
        "  layers: {} in both, {} only in A ({}), {} only in B ({})",
        platform.common_layers,
        only_a.len(),
        total(only_a),
        only_b.len(),
        total(only_b)
    )?;
    for (sign, layers) in [('-', only_a), ('+', only_b)] {
        for LayerJson { digest, size } in layers.iter().take(MAX_LINES) {
            writeln!(f, "  {sign} {:>11}  {digest}", bytes(*size))?;
        }
    }
    write_values(f, "  annotation ", &platform.annotations)?;
    write_values(f, "  ", &platform.config)
}

/// Writes values, each on a line that begins with a text.
fn write_values(f: &mut Formatter<'_>, start: &str, values: &[ChangedValue]) -> fmt::Result {
    for ChangedValue { key, a, b } in values.iter().take(MAX_LINES) {
        match (a, b) {
            (Some(a), Some(b)) => writeln!(f, "{start}{key}: {} -> {}", value(a), value(b))?,
            (Some(a), None) => writeln!(f, "{start}{key}: only in A: {}", value(a))?,
            (None, Some(b)) => writeln!(f, "{start}{key}: only in B: {}", value(b))?,
            (None, None) => {}
        }
    }
    match values.len().checked_sub(MAX_LINES) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(f, "{start}{more} more differences; --output json has all"),
    }
}

/// Returns a value as part of one line.
fn value(text: &str) -> String {
    let line = text.escape_debug().to_string();
    crate::terminal::markdown::truncate(&line, MAX_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<Diff>("diff");
    }
}
