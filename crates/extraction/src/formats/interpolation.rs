//! Variables in compose files and Dockerfiles.

use std::collections::BTreeMap;

/// Values of variables, by name.
pub type Variables = BTreeMap<String, String>;

/// Maximum nesting of a default in a default.
const MAX_DEPTH: u8 = 16;

/// The reason why a text cannot be interpolated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InterpolationError {
    /// A variable has neither a value nor a default.
    #[error("the variable {0} has no value and no default: set it with --variable {0}=VALUE")]
    Unset(String),
    /// The text is not in the form `${NAME}`.
    #[error("`{0}` is not a variable: write ${{NAME}} or ${{NAME:-DEFAULT}}")]
    Syntax(String),
}

/// Replaces the variables of a text, as compose and Docker do: `$NAME`, `${NAME}`, `${NAME:-DEFAULT}`,
/// `${NAME-DEFAULT}`, `${NAME:?MESSAGE}`, `${NAME:+VALUE}`. `$$` is a `$`. `lookup` returns the value of
/// a variable.
///
/// # Errors
///
/// [`InterpolationError`] for a variable without value and default, and for other uses of `$`.
pub(crate) fn interpolate(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, InterpolationError> {
    expand(text, lookup, 0)
}

fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: u8,
) -> Result<String, InterpolationError> {
    let syntax = |text: &str| InterpolationError::Syntax(text.chars().take(100).collect());
    if depth > MAX_DEPTH {
        return Err(syntax(text));
    }
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(braced) = after.strip_prefix('{') {
            let end = closing_brace(braced).ok_or_else(|| syntax(text))?;
            expanded.push_str(&braced_value(&braced[..end], lookup, depth)?);
            rest = &braced[end + 1..];
        } else {
            let end = name_length(after);
            if end == 0 {
                return Err(syntax(text));
            }
            let name = &after[..end];
            let value = lookup(name).ok_or_else(|| InterpolationError::Unset(name.to_owned()))?;
            expanded.push_str(&value);
            rest = &after[end..];
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Returns the value of the inside of `${…}`.
fn braced_value(
    inside: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: u8,
) -> Result<String, InterpolationError> {
    let end = name_length(inside);
    let (name, operator) = inside.split_at(end);
    if name.is_empty() {
        return Err(InterpolationError::Syntax(format!("${{{inside}}}")));
    }
    let unset = || InterpolationError::Unset(name.to_owned());
    let value = lookup(name);
    // With a colon, an empty value counts as unset.
    let (value, operator) = match operator.strip_prefix(':') {
        Some(operator) => (value.filter(|value| !value.is_empty()), operator),
        None => (value, operator),
    };
    match operator.chars().next() {
        None => value.ok_or_else(unset),
        Some('?') => value.ok_or_else(unset),
        Some('-') => match value {
            Some(value) => Ok(value),
            None => expand(&operator[1..], lookup, depth + 1),
        },
        Some('+') => match value {
            Some(_) => expand(&operator[1..], lookup, depth + 1),
            None => Ok(String::new()),
        },
        Some(_) => Err(InterpolationError::Syntax(format!("${{{inside}}}"))),
    }
}

/// Returns the position of the brace that closes one that was opened before the text.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c| !is_name(c)).unwrap_or(text.len())
}

/// Parses an `.env` file: `NAME=VALUE` lines, optionally quoted or with `export`. Other lines are
/// skipped.
#[must_use]
pub fn parse_variables(text: &str) -> Variables {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        let (name, value) = (name.trim(), value.trim());
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            let rest = value.strip_prefix(quote)?;
            rest.split_once(quote).map(|(value, _)| value)
        });
        let unquoted = value.split(" #").next().unwrap_or(value).trim_end();
        let is_name = !name.is_empty() && name_length(name) == name.len();
        is_name.then(|| (name.to_owned(), quoted.unwrap_or(unquoted).to_owned()))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_values_and_defaults() {
        let lookup = |name: &str| match name {
            "TAG" => Some("1.2".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("a:1", "a:1"),
            ("a:$TAG-x", "a:1.2-x"),
            ("a:${TAG}", "a:1.2"),
            ("a:${NONE:-3}", "a:3"),
            ("a:${NONE-3}", "a:3"),
            ("a:${EMPTY-3}", "a:"),
            ("a:${EMPTY:-3}", "a:3"),
            ("a:${NONE:-${OTHER:-4}}", "a:4"),
            ("a:${TAG:+x}${NONE:+y}", "a:x"),
            ("a:${TAG:?set it}", "a:1.2"),
            ("a:$$TAG", "a:$TAG"),
        ] {
            assert_eq!(
                interpolate(text, &lookup).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for (text, unset) in [
            ("a:$NONE", "NONE"),
            ("a:${EMPTY:?x}", "EMPTY"),
            ("${A}", "A"),
        ] {
            let error = InterpolationError::Unset(unset.to_owned());
            assert_eq!(interpolate(text, &lookup), Err(error), "{text}");
        }
        let nested = format!("{}x{}", "${A:-".repeat(40), "}".repeat(40));
        for text in ["a:$", "a:${", "a:${}", "a:${TAG/x/y}", "${1}", &nested] {
            let found = interpolate(text, &lookup);
            assert!(
                matches!(found, Err(InterpolationError::Syntax(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn variables_file_has_quotes_and_comments() {
        let found = parse_variables("# A=1\nB=2 # c\nexport C='3 # 4'\nD=\"5\"\n\nx\n1E=2\nF=\n");
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(found, ["B=2", "C=3 # 4", "D=5", "F="]);
    }
}
