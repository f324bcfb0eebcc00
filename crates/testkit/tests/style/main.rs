//! Rules of style that a compiler lint cannot hold: the length and names of files, and plain language.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

mod exceptions;
mod files;
mod help;
mod language;
mod sources;
