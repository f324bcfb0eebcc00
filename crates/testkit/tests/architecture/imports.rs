//! A reader of `use` declarations and paths in the source of one module.

/// The imports of one module. Tests in the module are left out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Imports {
    /// Every path of a `use` declaration with the name it brings into scope.
    pub(crate) used: Vec<Import>,
    /// Paths in the code that begin with `crate` or `super`.
    pub(crate) inline: Vec<Vec<String>>,
    /// The names of child modules that are compiled for tests only.
    pub(crate) test_modules: Vec<String>,
}

/// One path of a `use` declaration.
#[derive(Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
}

impl Imports {
    pub(crate) fn parse(text: &str) -> Self {
        let (tokens, test_modules) = without_tests(tokens(text));
        let mut imports = Self {
            test_modules,
            ..Self::default()
        };
        let mut rest = tokens.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = match first.as_str() {
                "use" => imports.declaration(after, &[]),
                "crate" | "super" if after.first().is_some_and(|next| next == "::") => {
                    let (path, after) = path(rest);
                    imports.inline.push(path);
                    after
                }
                _ => after,
            };
        }
        imports
    }

    /// Reads one tree of a `use` declaration; returns the tokens after it.
    fn declaration<'a>(&mut self, tokens: &'a [String], prefix: &[String]) -> &'a [String] {
        let (tail, mut rest) = path(tokens);
        let path = [prefix, &tail].concat();
        let next = rest.first().map_or("", String::as_str);
        if next != "{" {
            let mut name = path.last().cloned().unwrap_or_default();
            if next == "as" {
                name = rest.get(1).cloned().unwrap_or_default();
                rest = rest.get(2..).unwrap_or_default();
            }
            self.used.push(Import { path, name });
            return rest;
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|next| next != "}") {
            let length = rest.len();
            rest = self.declaration(rest, &path);
            if rest.first().is_some_and(|next| next == ",") {
                rest = &rest[1..];
            }
            // Such as the marks of a merge conflict.
            assert!(rest.len() < length, "not a path in `use`: {:?}", rest[0]);
        }
        rest.get(1..).unwrap_or_default()
    }
}

/// Returns the path at the beginning of `tokens`, such as `crate :: a :: B`, and the tokens after it. In
/// `a::{…}` the path is `a`, and the tokens begin with the brace.
fn path(tokens: &[String]) -> (Vec<String>, &[String]) {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let Some((segment, after)) = rest.split_first() {
        if !is_name(segment) && segment != "*" {
            break;
        }
        // `use a::{self}` names `a`.
        if segment != "self" {
            path.push(segment.clone());
        }
        rest = after;
        match rest.split_first() {
            Some((colons, after)) if colons == "::" => rest = after,
            _ => break,
        }
    }
    (path, rest)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Removes the items with an attribute `#[cfg(test)]`; returns the names of the modules among them.
fn without_tests(tokens: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let attribute = attribute(rest);
        let for_tests = attribute.first().is_some_and(|name| name == "cfg")
            && attribute.iter().any(|token| token == "test")
            && attribute.iter().all(|token| token != "not");
        if !for_tests {
            kept.push(first.clone());
            rest = after;
            continue;
        }
        rest = &rest[attribute.len() + 3..];
        let item = &rest[..item_length(rest)];
        let mut words = item.iter().skip_while(|word| *word != "mod");
        modules.extend(words.nth(1).cloned());
        rest = &rest[item.len()..];
    }
    (kept, modules)
}

/// Returns the tokens between the brackets of an attribute at the beginning of `tokens`.
fn attribute(tokens: &[String]) -> &[String] {
    match tokens {
        [hash, open, rest @ ..] if hash == "#" && open == "[" => {
            let end = rest.iter().position(|token| token == "]");
            &rest[..end.unwrap_or_default()]
        }
        _ => &[],
    }
}

/// Returns the number of tokens of the item, field or statement at the beginning of `tokens`.
fn item_length(tokens: &[String]) -> usize {
    let mut head = tokens.iter().take_while(|token| *token != "{");
    let declares_use = head.any(|token| token == "use");
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                let Some(left) = depth.checked_sub(1) else {
                    return index;
                };
                depth = left;
                if token == "}" && depth == 0 && !declares_use {
                    return index + 1;
                }
            }
            ";" | "," if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Splits text into names, `::` and single characters, without comments, literals and whitespace.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let is_end = |c: char| !c.is_alphanumeric() && c != '_';
            let length = rest.find(is_end).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// Returns the length of the string or character literal at the beginning of `text`.
fn literal(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - body.len();
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = content.find(&end)? + end.len();
        return Some(prefix + 1 + hashes + 1 + length);
    }
    let quote = body.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut characters = body.char_indices().skip(1);
    while let Some((index, c)) = characters.next() {
        // A lifetime has no quote after its first character.
        let is_first = index == 1 || body[1..].starts_with('\\');
        if quote == '\'' && c != '\'' && !is_first {
            return None;
        }
        if c == '\\' {
            characters.next();
        } else if c == quote {
            return Some(prefix + index + c.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read_without_tests_comments_and_literals() {
        let imports = Imports::parse(
            r##"
            //! use crate::comment;
            use std::{fs, io as input};
            pub use crate::a::{self, b::{C, D as E}, f::*};
            const TEXT: &str = "use crate::text;";
            const RAW: &[u8] = br#"" use crate::raw; "#;
            fn quote<'a>(x: &'a str) -> char { let _ = b'{'; '"' }
            fn call() { super::g::call(&crate::H); }
            #[cfg(test)]
            use crate::for_tests::{Sample};
            struct S { #[cfg(test)] field: crate::Field, other: u8 }
            #[cfg(test)]
            #[path = "x.rs"]
            mod x_tests;
            #[cfg(not(test))]
            use crate::kept;
            #[cfg(test)]
            mod tests { use super::*; fn f() { if true { crate::hidden::call(); } } }
            use crate::last;
            "##,
        );
        let used: Vec<_> = imports
            .used
            .iter()
            .map(|import| format!("{} = {}", import.name, import.path.join("::")))
            .collect();
        assert_eq!(
            used,
            [
                "fs = std::fs",
                "input = std::io",
                "a = crate::a",
                "C = crate::a::b::C",
                "E = crate::a::b::D",
                "* = crate::a::f::*",
                "kept = crate::kept",
                "last = crate::last",
            ]
        );
        let inline: Vec<_> = imports.inline.iter().map(|path| path.join("::")).collect();
        assert_eq!(inline, ["super::g::call", "crate::H"]);
        assert_eq!(imports.test_modules, ["x_tests", "tests"]);
    }
}
