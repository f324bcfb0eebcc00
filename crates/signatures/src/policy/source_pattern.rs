//! Patterns for the full names of sources, and how the patterns of two policies relate.

use globset::{GlobBuilder, GlobMatcher};
use image_name::{RepositoryName, Tag, is_host};

/// Maximum number of texts that the braces of one pattern stand for.
const MAX_ALTERNATIVES: usize = 64;

/// A pattern for the full name of a source, `HOST/PATH` or `HOST/PATH:TAG`. `*` matches any text, `/` and `:`
/// included, `?` one character, and `{a,b}` either part.
#[derive(Debug, Clone)]
pub struct SourcePattern {
    text: String,
    matcher: Matcher,
    /// The pattern without braces: it matches what one of them matches.
    alternatives: Vec<Vec<Token>>,
}

#[derive(Debug, Clone)]
enum Matcher {
    Glob(GlobMatcher),
    /// A scope of containers-policy.json(5): a host, a repository or a part of its path, or an image.
    Scope(String),
    /// The subdomains of a host, `.example.com`.
    Subdomains(String),
}

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    One,
    Many,
}

/// The reason why a text is not a pattern, or matches no full name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourcePatternError {
    /// The pattern is not a glob.
    #[error("`{pattern}` is not a pattern: {reason}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// The reason.
        reason: String,
    },
    /// The pattern has a character with another meaning in other patterns.
    #[error("`{found}` is not supported in a pattern: use `*`, `?` and `{{a,b}}`")]
    Unsupported {
        /// The character.
        found: char,
    },
    /// The braces stand for too many texts.
    #[error("the braces stand for more than {MAX_ALTERNATIVES} texts: write several entries")]
    TooManyAlternatives,
    /// The pattern begins with a name without a host.
    #[error("patterns match full names with their host, which `{pattern}` cannot: write `{full}`")]
    NoHost {
        /// The pattern.
        pattern: String,
        /// A pattern with a host.
        full: String,
    },
}

impl PartialEq for SourcePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SourcePattern {}

impl std::fmt::Display for SourcePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for SourcePattern {
    type Err = SourcePatternError;

    fn from_str(text: &str) -> Result<Self, SourcePatternError> {
        if let Some(found) = text.chars().find(|found| ['[', ']', '\\'].contains(found)) {
            return Err(SourcePatternError::Unsupported { found });
        }
        if let Some(full) = full_form(text) {
            let pattern = text.to_owned();
            return Err(SourcePatternError::NoHost { pattern, full });
        }
        let alternatives = expand(text).ok_or(SourcePatternError::TooManyAlternatives)?;
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        let glob = glob.map_err(|error| SourcePatternError::Glob {
            pattern: text.to_owned(),
            reason: error.kind().to_string(),
        })?;
        Ok(Self {
            text: text.to_owned(),
            matcher: Matcher::Glob(glob.compile_matcher()),
            alternatives: alternatives.iter().map(|text| tokens(text)).collect(),
        })
    }
}

impl SourcePattern {
    /// Returns the pattern for every source.
    pub(crate) fn any() -> Result<Self, SourcePatternError> {
        "*".parse()
    }

    /// Returns the pattern for a scope of containers-policy.json(5). The empty scope matches every image.
    pub(crate) fn for_scope(scope: &str) -> Self {
        let subdomains = scope.strip_prefix('*').filter(|rest| rest.starts_with('.'));
        let (matcher, alternatives) = match subdomains {
            Some(domain) => {
                let matcher = Matcher::Subdomains(domain.to_owned());
                (matcher, vec![tokens(&format!("{scope}/*"))])
            }
            None if scope.is_empty() => (Matcher::Scope(String::new()), vec![vec![Token::Many]]),
            None => {
                let below = ["", "/*", ":*"].map(|rest| tokens(&format!("{scope}{rest}")));
                (Matcher::Scope(scope.to_owned()), below.to_vec())
            }
        };
        Self {
            text: scope.to_owned(),
            matcher,
            alternatives,
        }
    }

    /// Returns true if the pattern matches the full name of an image, with or without its tag.
    #[must_use]
    pub fn matches(&self, repository: &RepositoryName, tag: Option<&Tag>) -> bool {
        let name = repository.full();
        let with_tag = tag.map(|tag| format!("{name}:{tag}"));
        match &self.matcher {
            Matcher::Glob(glob) => {
                glob.is_match(&name) || with_tag.is_some_and(|name| glob.is_match(name))
            }
            Matcher::Scope(scope) => {
                let rest = name.strip_prefix(scope.as_str());
                let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
                scope.is_empty() || rest.is_some_and(is_below) || with_tag.as_ref() == Some(scope)
            }
            Matcher::Subdomains(domain) => {
                let host = repository.host().as_str();
                host.len() > domain.len() && host.ends_with(domain.as_str())
            }
        }
    }

    /// Returns true if the pattern matches the name of a repository with some tag.
    pub(crate) fn matches_some_tag(&self, repository: &RepositoryName) -> bool {
        // It matches hosts, with any tag or none.
        if let Matcher::Subdomains(_) = self.matcher {
            return self.matches(repository, None);
        }
        let name: Vec<Token> = repository.full().chars().map(Token::Literal).collect();
        let tagged = with_any_tag(&name);
        self.alternatives.iter().any(|own| overlap(own, &tagged))
    }

    /// Returns true if an image may exist that both patterns match, one of them perhaps without its tag.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let mut pairs = self.alternatives.iter().flat_map(|one| {
            let others = other.alternatives.iter();
            others.map(move |other| (one, other))
        });
        pairs.any(|(one, other)| {
            overlap(one, other)
                || overlap(&with_any_tag(one), other)
                || overlap(one, &with_any_tag(other))
        })
    }

    /// Returns true if the pattern is known to match every text that the other one matches.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        // Its tokens match more than hosts.
        if let Matcher::Subdomains(_) = self.matcher {
            return self == other;
        }
        other.alternatives.iter().all(|other| {
            let mut own = self.alternatives.iter();
            own.any(|own| covers(own, other))
        })
    }
}

/// Returns the form of a pattern with a host, if its first component is a name without one.
fn full_form(text: &str) -> Option<String> {
    let first = text.split('/').next().unwrap_or_default();
    if first.contains(['*', '?', '{']) {
        return None;
    }
    match text.split_once('/') {
        None => Some(format!("docker.io/library/{text}")),
        Some((host, path)) if is_host(host) => {
            let canonical = host.parse::<image_name::Host>().ok()?;
            let path = match path.contains(['/', '*', '?', '{']) || !canonical.is_docker_hub() {
                true => path.to_owned(),
                false => format!("library/{path}"),
            };
            let full = format!("{canonical}/{path}");
            (full != text).then_some(full)
        }
        Some(_) => Some(format!("docker.io/{text}")),
    }
}

/// Returns the texts that the braces of a pattern stand for; `None` if there are too many. Unbalanced
/// braces are left for the parser of globs.
fn expand(text: &str) -> Option<Vec<String>> {
    let Some((before, choices, after)) = first_braces(text) else {
        return Some(vec![text.to_owned()]);
    };
    let mut expanded = Vec::new();
    for choice in choices {
        expanded.extend(expand(&format!("{before}{choice}{after}"))?);
        if expanded.len() > MAX_ALTERNATIVES {
            return None;
        }
    }
    Some(expanded)
}

/// Splits a text at its first braces: the text before, the choices, and the text after.
fn first_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let open = text.find('{')?;
    let (mut depth, mut start, mut choices) = (0_usize, open + 1, Vec::new());
    for (at, found) in text[open..].char_indices() {
        let at = open + at;
        match found {
            '{' => depth += 1,
            '}' if depth == 1 => {
                choices.push(&text[start..at]);
                return Some((&text[..open], choices, &text[at + 1..]));
            }
            '}' => depth -= 1,
            ',' if depth == 1 => {
                choices.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn tokens(text: &str) -> Vec<Token> {
    let token = |found| match found {
        '*' => Token::Many,
        '?' => Token::One,
        found => Token::Literal(found),
    };
    text.chars().map(token).collect()
}

/// Returns a pattern for what another one matches, with a tag after it.
fn with_any_tag(pattern: &[Token]) -> Vec<Token> {
    [pattern, &[Token::Literal(':'), Token::One, Token::Many]].concat()
}

/// Returns true if a text exists that both match: each state is a pair of positions.
fn overlap(one: &[Token], other: &[Token]) -> bool {
    let width = other.len() + 1;
    let mut reached = vec![false; (one.len() + 1) * width];
    let mut open = vec![(0, 0)];
    while let Some((at, other_at)) = open.pop() {
        if std::mem::replace(&mut reached[at * width + other_at], true) {
            continue;
        }
        match (one.get(at), other.get(other_at)) {
            (None, None) => return true,
            (Some(Token::Many), next) => {
                open.push((at + 1, other_at));
                open.extend(next.map(|_| (at, other_at + 1)));
            }
            (next, Some(Token::Many)) => {
                open.push((at, other_at + 1));
                open.extend(next.map(|_| (at + 1, other_at)));
            }
            (Some(Token::Literal(found)), Some(Token::Literal(wanted))) if found != wanted => {}
            (Some(_), Some(_)) => open.push((at + 1, other_at + 1)),
            (None, Some(_)) | (Some(_), None) => {}
        }
    }
    false
}

/// Returns true if `one` matches the other pattern as a text in which `?` and `*` are characters that only
/// `?`, and only `*`, can match. Then it matches all that the other pattern matches.
fn covers(one: &[Token], other: &[Token]) -> bool {
    let width = other.len() + 1;
    let mut reached = vec![false; (one.len() + 1) * width];
    let mut open = vec![(0, 0)];
    while let Some((at, other_at)) = open.pop() {
        if std::mem::replace(&mut reached[at * width + other_at], true) {
            continue;
        }
        match (one.get(at), other.get(other_at)) {
            (None, None) => return true,
            (Some(Token::Many), next) => {
                open.push((at + 1, other_at));
                open.extend(next.map(|_| (at, other_at + 1)));
            }
            (Some(Token::One), Some(Token::One | Token::Literal(_))) => {
                open.push((at + 1, other_at + 1));
            }
            (Some(found), Some(wanted)) if found == wanted => open.push((at + 1, other_at + 1)),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> SourcePattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_match_full_names_with_or_without_tag() {
        for (text, name, tag, matches) in [
            ("*", "busybox", None, true),
            ("docker.io/library/*", "busybox", None, true),
            ("docker.io/library/busybox", "busybox", Some("1"), true),
            ("docker.io/library/busybox:1", "busybox", Some("1"), true),
            ("docker.io/library/busybox:1", "busybox", Some("1.2"), false),
            ("docker.io/library/busybox:1", "busybox", None, false),
            ("*:latest", "quay.io/a/b", Some("latest"), true),
            ("quay.io/{a,c}/?", "quay.io/c/d", None, true),
            ("quay.io/a", "quay.io/a/b", None, false),
            ("quay.io/a/*", "evil.io/quay.io/a/b", None, false),
            ("quay.io/a*", "quay.io/abc", None, true),
        ] {
            let tag = tag.map(|tag| tag.parse().unwrap());
            let found = pattern(text).matches(&name.parse().unwrap(), tag.as_ref());
            assert_eq!(found, matches, "{text} {name} {tag:?}");
        }
    }

    #[test]
    fn patterns_match_names_with_some_tag() {
        for (text, matches) in [
            ("quay.io/a:*", true),
            ("quay.io/{a,b}:1", true),
            ("*:latest", true),
            ("quay.io/?:??", true),
            ("quay.io/b:1", false),
            ("quay.io/a/*", false),
            ("quay.io/a", false),
        ] {
            let found = pattern(text).matches_some_tag(&"quay.io/a".parse().unwrap());
            assert_eq!(found, matches, "{text}");
        }
        for (scope, matches) in [
            ("quay.io/a:1", true),
            ("quay.io/b:1", false),
            ("*.com", false),
        ] {
            let found = SourcePattern::for_scope(scope);
            let found = found.matches_some_tag(&"quay.io/a".parse().unwrap());
            assert_eq!(found, matches, "{scope}");
        }
    }

    #[test]
    fn scopes_match_whole_components() {
        for (scope, name, tag, matches) in [
            ("", "busybox", None, true),
            ("docker.io/library/busybox", "busybox", Some("1"), true),
            ("docker.io/library/busybox:1", "busybox", Some("1"), true),
            ("docker.io/library/busybox:1", "busybox", Some("2"), false),
            ("quay.io/org", "quay.io/org/a", None, true),
            ("quay.io/org", "quay.io/organization/a", None, false),
            ("quay.io", "quay.io/a", None, true),
            ("*.example.com", "a.b.example.com/x", None, true),
            ("*.example.com", "example.com/x", None, false),
            ("*.example.com", "evil.io/a.example.com/x", None, false),
        ] {
            let tag = tag.map(|tag| tag.parse().unwrap());
            let found =
                SourcePattern::for_scope(scope).matches(&name.parse().unwrap(), tag.as_ref());
            assert_eq!(found, matches, "{scope} {name} {tag:?}");
        }
    }

    #[test]
    fn patterns_that_match_no_full_name_are_refused() {
        for (text, want) in [
            ("busybox", "write `docker.io/library/busybox`"),
            ("library/*", "write `docker.io/library/*`"),
            ("docker.io/busybox", "write `docker.io/library/busybox`"),
            ("index.docker.io/org/*", "write `docker.io/org/*`"),
            ("quay.io/[ab]", "`[` is not supported"),
            ("quay.io/{a", "is not a pattern"),
            ("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 64 texts"),
        ] {
            let error = text.parse::<SourcePattern>().unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn overlaps_and_covers_compare_what_patterns_match() {
        // one, other, an image that both match exists, one matches all that other matches
        for (one, other, overlaps, covers) in [
            ("*", "quay.io/a", true, true),
            ("quay.io/*", "quay.io/a/*", true, true),
            ("quay.io/a/*", "quay.io/*", true, false),
            ("quay.io/*", "ghcr.io/*", false, false),
            ("*/evil", "quay.io/*", true, false),
            ("quay.io/{a,b}/*", "quay.io/b/*", true, true),
            ("quay.io/{a,b}/*", "quay.io/{b,c}/*", true, false),
            ("quay.io/?", "quay.io/a", true, true),
            ("quay.io/?", "quay.io/*", true, false),
            ("quay.io/?", "quay.io/ab", false, false),
            ("quay.io/a*c", "quay.io/ab*bc", true, true),
            ("quay.io/a", "quay.io/a", true, true),
            ("quay.io/*a", "quay.io/a*", true, false),
            ("quay.io/a", "quay.io/a:9", true, false),
            ("quay.io/{a,b}", "quay.io/b:9*", true, false),
            ("quay.io/a", "quay.io/ab:9", false, false),
            ("quay.io:80/a", "quay.io/a", false, false),
        ] {
            let (one, other) = (pattern(one), pattern(other));
            assert_eq!(one.overlaps(&other), overlaps, "{one} {other}");
            assert_eq!(other.overlaps(&one), overlaps, "{other} {one}");
            assert_eq!(one.covers(&other), covers, "{one} {other}");
        }
    }
}
