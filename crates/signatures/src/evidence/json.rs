//! Foreign JSON that all programs read alike.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::attached::MAX_DOCUMENT;
use crate::refusal::Cause;

/// The maximum number of values in a document.
const MAX_VALUES: usize = 2_000_000;

/// The keys under which a document may hold anything. What is below them decides nothing, and maps there
/// may have keys such as `HTTP_PROXY` and `http_proxy`.
const FREE: [&str; 2] = ["predicate", "optional"];

/// Parses a document. What is below `predicate` and `optional` is checked for duplicate keys and left out.
///
/// Programs in Go take the last of all keys that are equal without regard to case; others take the key that
/// is equal exactly. A document in which they differ would be two statements under one signature.
pub(super) fn parse(document: &[u8]) -> Result<Value, Cause> {
    if document.len() > MAX_DOCUMENT {
        return Err(Cause::TooLarge {
            size: document.len(),
            limit: MAX_DOCUMENT,
        });
    }
    let state = State::default();
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let seed = Seed {
        state: &state,
        free: false,
    };
    let value = seed.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    match (value, state.duplicate.into_inner()) {
        (_, Some(key)) => Err(Cause::DuplicateKey(Cause::text(&key))),
        (Ok(value), None) => Ok(value),
        (Err(error), None) => Err(Cause::Json(Cause::text(&error.to_string()))),
    }
}

/// Returns the text of a field.
pub(super) fn text<'value>(value: &'value Value, pointer: &str) -> Result<&'value str, Cause> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.ok_or_else(|| {
        Cause::Malformed(format!("`{}` is no text", pointer.trim_start_matches('/')))
    })
}

#[derive(Default)]
struct State {
    values: RefCell<usize>,
    duplicate: RefCell<Option<String>>,
}

#[derive(Clone, Copy)]
struct Seed<'state> {
    state: &'state State,
    /// The value is below one of [`FREE`].
    free: bool,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let mut values = self.state.values.borrow_mut();
        *values += 1;
        if *values > MAX_VALUES {
            return Err(D::Error::custom(format!("more than {MAX_VALUES} values")));
        }
        drop(values);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        let kept = if self.free { "" } else { value };
        Ok(Value::String(kept.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            if !self.free {
                kept.push(item);
            }
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let compared = if self.free {
                key.clone()
            } else {
                key.to_lowercase()
            };
            if !keys.insert(compared) {
                *self.state.duplicate.borrow_mut() = Some(key);
                return Err(A::Error::custom("duplicate key"));
            }
            let free = self.free || FREE.contains(&key.as_str());
            let value = entries.next_value_seed(Seed { free, ..self })?;
            if !self.free {
                kept.insert(key, value);
            }
        }
        Ok(Value::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_programs_read_differently_are_refused() {
        for (document, key) in [
            (r#"{"a":1,"a":1}"#, "\"a\""),
            (r#"{"a":1,"A":1}"#, "\"A\""),
            (r#"{"x":[{"a":1,"\u0061":2}]}"#, "\"a\""),
            (r#"{"predicate":{"a":{"b":1,"b":2}}}"#, "\"b\""),
            (r#"{"\u212a":1,"k":2}"#, "\"k\""),
        ] {
            let expected = Err(Cause::DuplicateKey(key.to_owned()));
            assert_eq!(parse(document.as_bytes()), expected, "{document}");
        }
        let free = br#"{"predicate":{"HTTP_PROXY":"","http_proxy":""},"a":1}"#;
        assert_eq!(parse(free).unwrap()["a"], 1);
    }

    #[test]
    fn what_is_too_deep_or_too_large_is_refused() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(matches!(parse(deep.as_bytes()), Err(Cause::Json(_))));
        let wide = format!("[{}0]", "0,".repeat(MAX_VALUES));
        let Err(Cause::Json(message)) = parse(wide.as_bytes()) else {
            panic!("too many values");
        };
        assert!(message.contains("more than 2000000 values"), "{message}");
        let large = vec![b' '; MAX_DOCUMENT + 1];
        let cause = Cause::TooLarge {
            size: MAX_DOCUMENT + 1,
            limit: MAX_DOCUMENT,
        };
        assert_eq!(parse(&large), Err(cause));
        assert!(matches!(parse(b"{} {}"), Err(Cause::Json(_))));
    }
}
