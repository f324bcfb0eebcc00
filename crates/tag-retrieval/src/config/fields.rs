//! The keys of one object of the configuration.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::nearest::nearest;
use super::problem::Problems;
use super::values::{At, Read, wrong};
use super::written::Level;

/// An object whose known keys are taken one by one.
pub(super) struct Fields<'value> {
    object: &'value Object<'value>,
    taken: Vec<&'static str>,
}

impl<'value> Fields<'value> {
    /// Of the value of `key`, which has to be an object.
    pub fn of(
        value: &'value Value<'value>,
        key: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        match value {
            Value::Object(object) => Some(Self {
                object,
                taken: Vec::new(),
            }),
            other => wrong(other, key, "an object", problems),
        }
    }

    /// The value of a known key, where the object has it and it is right.
    pub fn take<T: Read>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<At<T>> {
        self.taken.push(key);
        let property = self.object.get(key)?;
        Read::read(&property.value, key, problems)
    }

    /// Like [`take`](Self::take), and reports that the object lacks it.
    pub fn require<T: Read>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<At<T>> {
        if self.object.get(key).is_none() {
            problems.add(self.object.start(), format!("`{key}` is missing"));
        }
        self.take(key, problems)
    }

    /// Reports the keys that nobody took. Gives the others, with where they stand.
    pub fn finish(self, level: Level, problems: &mut Problems<'_>) -> Vec<At<&'static str>> {
        let mut present = Vec::new();
        for property in &self.object.properties {
            let (key, at) = (property.name.as_str(), property.range.start);
            match self.taken.iter().find(|taken| **taken == key) {
                Some(value) => present.push(At { value: *value, at }),
                None => problems.add(at, unknown(key, level, &self.taken)),
            }
        }
        present
    }
}

fn unknown(key: &str, level: Level, known: &[&'static str]) -> String {
    if let Some(home) = level.home(key) {
        return format!("`{key}` does not belong here: it belongs {}", home.place());
    }
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`; the nearest known key is `{near}`"),
        None => format!("unknown key `{key}`"),
    }
}
