//! A reader for hand-written files of strict JSON. It reports all problems at once, each with its position
//! and, for a misspelled key, the nearest known key.
//!
//! # The problem
//!
//! A configuration is reviewed in pull requests and edited by hand. Reporting only the first error is
//! not enough, and ignoring an unknown key is worse. `serde` stops at the first error and does not
//! know the position of a value. This crate reads a syntax tree with positions instead.
//!
//! # Example
//!
//! ```
//! use strict_json::{Document, FromJson, Located, ObjectReader, Problems, Value, parse_root};
//!
//! struct Server {
//!     port: Option<Located<u16>>,
//! }
//!
//! impl FromJson for Server {
//!     fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
//!         let mut fields = ObjectReader::new(value, key, problems)?;
//!         let server = Self { port: fields.require("port", problems) };
//!         fields.finish(|_| None, problems);
//!         Some(server)
//!     }
//! }
//!
//! let document = Document { form: "{\"NAME\": {…}}", item: "server" };
//! let text = "{\"web\": {\n  \"prot\": 80\n}}";
//! let mut problems = Problems::new(text, str::to_owned);
//! for property in parse_root(text, document, &mut problems).iter().flat_map(|root| &root.properties) {
//!     Server::from_json(&property.value, property.name.as_str(), &mut problems);
//! }
//! let found = problems.finish().unwrap_err();
//! let lines = found.iter().map(|found| format!("{}:{}: {found}", found.line, found.column));
//! assert_eq!(lines.collect::<Vec<_>>(), [
//!     "1:9: `port` is missing",
//!     "2:3: unknown key `prot`; the nearest known key is `port`",
//! ]);
//! ```
//!
//! # Invariants
//!
//! - Pure: text in, values or problems out.
//! - The text is JSON for every other reader too: no comments, no trailing commas, no duplicate keys.
//! - A value that has a problem is never returned as if it were absent: its problem is recorded.

mod json_values;
mod object_reader;
mod problems;
mod schema;
mod suggestion;
mod syntax;

pub use jsonc_parser::ast::{Object, Value};
pub use jsonc_parser::common::Ranged;

pub use json_values::{
    Flag, FromJson, Located, NamedMap, NonEmpty, VersionString, report_wrong_type,
};
pub use object_reader::ObjectReader;
pub use problems::{JsonProblem, Problems};
pub use schema::schema_of;
pub use suggestion::suggest;
pub use syntax::{Document, parse_root};
