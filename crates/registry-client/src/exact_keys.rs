//! JSON objects that every program reads alike.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::redact::printable;

/// The maximum number of keys in one object that its type does not have.
const MAX_UNKNOWN_KEYS: usize = 1_000;

/// The maximum length of a key in a message, in characters.
const MAX_KEY: usize = 40;

/// A struct whose JSON object has no duplicate key and no key that differs from a field only in case.
///
/// Programs in Go take the last of all keys that are equal without case; others take the key that is
/// equal exactly. An object with both `digest` and `Digest`, or with `Layers` alone, would be one image
/// to the registry and another one here.
pub(crate) struct ExactKeys<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ExactKeys<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(Object(map))
    }
}

/// An object whose keys are checked against the fields of a struct.
struct Object<A>(A);

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Object<A> {
    type Error = A::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(CheckedKeys {
            map: self.0,
            fields,
            unknown: HashSet::new(),
        })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        self.deserialize_struct("", &[], visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct CheckedKeys<A> {
    map: A,
    fields: &'static [&'static str],
    /// The other keys, without case.
    unknown: HashSet<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for CheckedKeys<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.map.next_key::<Cow<'de, str>>()? else {
            return Ok(None);
        };
        // A duplicate of a field is refused by the struct itself.
        if !self.fields.contains(&&*key) {
            self.check_unknown(&key).map_err(A::Error::custom)?;
        }
        let key: CowStrDeserializer<'de, A::Error> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

impl<A> CheckedKeys<A> {
    fn check_unknown(&mut self, key: &str) -> Result<(), String> {
        let without_case = without_case(key);
        let shown = printable(key, MAX_KEY);
        let mut fields = self.fields.iter();
        if let Some(field) = fields.find(|field| without_case == self::without_case(field)) {
            return Err(format!(
                "the key {shown:?} differs from {field:?} only in case, so programs read it differently"
            ));
        }
        if self.unknown.len() == MAX_UNKNOWN_KEYS {
            return Err(format!(
                "more than {MAX_UNKNOWN_KEYS} unknown keys in one object"
            ));
        }
        if self.unknown.insert(without_case) {
            return Ok(());
        }
        Err(format!(
            "the key {shown:?} is there twice, with or without regard to case"
        ))
    }
}

/// Returns a key as Go's `encoding/json` compares it: without case, and with the two letters outside
/// ASCII whose simple case folding is an ASCII letter.
fn without_case(key: &str) -> String {
    let folded = key.chars().map(|letter| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Sample {
        media_type: Option<String>,
        #[serde(rename = "os.version")]
        _os_version: Option<String>,
        risks: Option<u8>,
    }

    #[test]
    fn ambiguous_objects_are_refused() {
        let cases = [
            (r#"{"mediaType":"a","other":1,"more":2}"#, None),
            (r#"{"m\u0065diaType":"a"}"#, None),
            (
                r#"{"mediaType":"a","mediaType":"b"}"#,
                Some("duplicate field `mediaType`"),
            ),
            (
                r#"{"mediaType":"a","MediaType":"b"}"#,
                Some(r#""MediaType" differs from "mediaType""#),
            ),
            (r#"{"mediatype":"b"}"#, Some("only in case")),
            (r#"{"OS.Version":"b"}"#, Some("only in case")),
            (r#"{"riſ\u212as":1}"#, Some("only in case")),
            (r#"{"x":1,"x":2}"#, Some("twice")),
            (r#"{"x":1,"X":2}"#, Some("twice")),
            ("[]", Some("expected an object")),
        ];
        for (text, refusal) in cases {
            match (serde_json::from_str::<ExactKeys<Sample>>(text), refusal) {
                (Ok(_), None) => {}
                (Err(error), Some(refusal)) => {
                    assert!(error.to_string().contains(refusal), "{text}: {error}");
                }
                (read, refusal) => {
                    let read = read.map(|object| (object.0.media_type, object.0.risks));
                    unreachable!("{text}: {read:?}, not {refusal:?}")
                }
            }
        }
        let many: String = (0..=MAX_UNKNOWN_KEYS)
            .map(|key| format!("\"{key}\":1,"))
            .collect();
        let many = format!("{{{}}}", many.trim_end_matches(','));
        let refused = serde_json::from_str::<ExactKeys<Sample>>(&many).map(drop);
        assert!(refused.unwrap_err().to_string().contains("unknown keys"));
    }
}
