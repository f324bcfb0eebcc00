//! The reader for the keys of one object.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use crate::json_values::{FromJson, Located, report_wrong_type};
use crate::problems::Problems;
use crate::suggestion::suggest;

/// A reader that takes the known keys of an object one by one.
pub struct ObjectReader<'value> {
    object: &'value Object<'value>,
    taken: Vec<&'static str>,
}

impl<'value> ObjectReader<'value> {
    /// Creates a reader for the value of `key`, or reports that it is not an object.
    pub fn new(
        value: &'value Value<'value>,
        key: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        match value {
            Value::Object(object) => Some(Self {
                object,
                taken: Vec::new(),
            }),
            other => report_wrong_type(other, key, "an object", problems),
        }
    }

    /// Takes the value of a known key, if the object has a valid one.
    pub fn take<T: FromJson>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Located<T>> {
        self.taken.push(key);
        let property = self.object.get(key)?;
        FromJson::from_json(&property.value, key, problems)
    }

    /// Takes the value of a required key. Reports a missing key.
    pub fn require<T: FromJson>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Located<T>> {
        if self.object.get(key).is_none() {
            problems.add(self.object.start(), format!("`{key}` is missing"));
        }
        self.take(key, problems)
    }

    /// Reports the unknown keys and returns the known ones. `home` returns the location where an unknown
    /// key belongs.
    pub fn finish(
        self,
        home: impl Fn(&str) -> Option<&'static str>,
        problems: &mut Problems<'_>,
    ) -> Vec<Located<&'static str>> {
        let mut present = Vec::new();
        for property in &self.object.properties {
            let (key, offset) = (property.name.as_str(), property.range.start);
            match self.taken.iter().find(|taken| **taken == key) {
                Some(value) => present.push(Located {
                    value: *value,
                    offset,
                }),
                None => problems.add(offset, unknown(key, home(key), &self.taken)),
            }
        }
        present
    }
}

fn unknown(key: &str, home: Option<&str>, known: &[&'static str]) -> String {
    if let Some(home) = home {
        return format!("`{key}` does not belong here: it belongs {home}");
    }
    match suggest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`; the nearest known key is `{near}`"),
        None => format!("unknown key `{key}`"),
    }
}
