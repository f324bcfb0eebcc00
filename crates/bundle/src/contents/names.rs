//! The JSON forms of names that have several spellings: always the full one.

use std::fmt::Display;
use std::str::FromStr;

use image_name::{ManifestReference, RepositoryName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name that is a JSON string of one form.
pub(super) trait TextForm: FromStr<Err: Display> {
    /// Returns the only accepted text.
    fn text(&self) -> String;
}

impl TextForm for RepositoryName {
    fn text(&self) -> String {
        self.full()
    }
}

impl TextForm for ManifestReference {
    fn text(&self) -> String {
        self.to_string()
    }
}

fn parse<T: TextForm, E: serde::de::Error>(text: &str) -> Result<T, E> {
    let name: T = text
        .parse()
        .map_err(|error| E::custom(format!("{text:?}: {error}")))?;
    let full = name.text();
    if full != text {
        return Err(E::custom(format!(
            "{text:?} is not in full: it is {full:?}"
        )));
    }
    Ok(name)
}

/// One name.
pub(super) mod one {
    use super::{Deserialize, Deserializer, Serializer, TextForm, parse};

    pub(in crate::contents) fn serialize<T: TextForm, S: Serializer>(
        name: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&name.text())
    }

    pub(in crate::contents) fn deserialize<'de, T: TextForm, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        parse(&String::deserialize(deserializer)?)
    }
}

/// A list of names.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Serialize, Serializer, TextForm, parse};

    pub(in crate::contents) fn serialize<T: TextForm, S: Serializer>(
        names: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = names.iter().map(TextForm::text).collect();
        texts.serialize(serializer)
    }

    pub(in crate::contents) fn deserialize<'de, T: TextForm, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| parse(text)).collect()
    }
}
