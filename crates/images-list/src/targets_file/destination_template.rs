//! A template for the destinations of several new sources.

use std::fmt;
use std::str::FromStr;

use image_name::RepositoryName;

use super::source_template::{SourceTemplate, TemplateError};
use crate::destination::{Destination, DestinationError};

/// The sample sources with which a template is checked.
const SAMPLES: [&str; 2] = [
    "registry.example.com/organization/name",
    "registry.example.com/other/thing",
];

/// A template for the destinations of several sources, such as `registry.example.com/mirror/{org}-{name}`
/// or `@all/{name}`. The placeholders are those of a naming rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationTemplate {
    written: String,
    template: SourceTemplate,
}

/// The reason why a text is not a template for destinations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationTemplateError {
    /// The placeholders are invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The result for a source is not a destination.
    #[error("`{name}` is not a destination: {reason}")]
    Destination {
        /// The result.
        name: String,
        /// The reason.
        reason: DestinationError,
    },
}

impl DestinationTemplate {
    /// Returns the destination of a source. The `:` before the port of a source becomes `-`.
    ///
    /// # Errors
    ///
    /// [`DestinationTemplateError::Destination`] if the result is not a destination.
    pub fn destination(
        &self,
        source: &RepositoryName,
    ) -> Result<Destination, DestinationTemplateError> {
        let name = self.template.render_path(source);
        name.parse()
            .map_err(|reason| DestinationTemplateError::Destination { name, reason })
    }

    /// Returns true if sources with different names have different destinations.
    #[must_use]
    pub fn has_names(&self) -> bool {
        let destinations = SAMPLES.iter().filter_map(|sample| {
            let source = sample.parse().ok()?;
            self.destination(&source).ok()
        });
        let destinations: Vec<_> = destinations.collect();
        matches!(&destinations[..], [one, other] if one != other)
    }
}

impl FromStr for DestinationTemplate {
    type Err = DestinationTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = Self {
            written: text.to_owned(),
            template: text.parse()?,
        };
        for sample in SAMPLES {
            if let Ok(source) = sample.parse() {
                parsed.destination(&source)?;
            }
        }
        Ok(parsed)
    }
}

impl fmt::Display for DestinationTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_gives_each_source_its_destination() {
        for (template, source, expected) in [
            (
                "r.io:5000/m/{org}-{name}",
                "quay.io/coreos/etcd",
                "r.io:5000/m/coreos-etcd",
            ),
            ("r.io/m/{source}", "h:5000/a/b", "r.io/m/h-5000/a/b"),
            ("@all/{name}", "quay.io/a/b", "@all/b"),
            ("r.io/one", "quay.io/a/b", "r.io/one"),
        ] {
            let parsed: DestinationTemplate = template.parse().unwrap();
            let destination = parsed.destination(&source.parse().unwrap()).unwrap();
            assert_eq!(destination.as_written(), expected);
            assert_eq!(parsed.has_names(), template.contains('{'), "{template}");
        }
        for template in [
            "r.io/{nam}",
            "r.io/{name",
            "r.io/A-{name}",
            "r.io/{name}:1",
            "",
        ] {
            assert!(
                template.parse::<DestinationTemplate>().is_err(),
                "{template}"
            );
        }
    }
}
