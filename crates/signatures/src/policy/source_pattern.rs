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
    /// The pattern begins with a name without a host, or with another form of the host.
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
                let scope = without_default_port(scope);
                let below = ["", "/*", ":*"].map(|rest| tokens(&format!("{scope}{rest}")));
                (Matcher::Scope(scope), below.to_vec())
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
        // Another port must not lead past a rule.
        let name = repository.without_default_port();
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
                let host = repository.host().without_default_port();
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
        let name = repository.without_default_port();
        let name: Vec<Token> = name.chars().map(Token::Literal).collect();
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

    /// Returns true if a repository may exist whose name both patterns match: without a tag, or, where that is
    /// given, with some tag, which may differ.
    pub(crate) fn overlaps_untagged(
        &self,
        with_tag: bool,
        other: &Self,
        other_with_tag: bool,
    ) -> bool {
        let mut pairs = self.alternatives.iter().flat_map(|one| {
            let others = other.alternatives.iter();
            others.map(move |other| (one, other))
        });
        let is_whole =
            |rest: &[Token], with_tag: bool| overlap(rest, &[]) || (with_tag && is_tag(rest));
        pairs.any(|(one, other)| {
            let rests = common_prefixes(one, other).into_iter();
            let mut rests = rests.map(|(at, other_at)| (&one[at..], &other[other_at..]));
            rests.any(|(one, other)| is_whole(one, with_tag) && is_whole(other, other_with_tag))
        })
    }

    /// Returns true if the pattern is known to match the name of every repository that the other one matches
    /// with a tag or without.
    pub(crate) fn covers_names(&self, other: &Self) -> bool {
        // Its tokens match more than hosts.
        if let Matcher::Subdomains(_) = self.matcher {
            return self == other;
        }
        other.alternatives.iter().all(|other| {
            let mut own = self.alternatives.iter();
            name_of(other).is_some_and(|name| own.any(|own| covers(own, name)))
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
            let canonical = canonical.without_default_port();
            let full = format!("{canonical}/{path}");
            (full != text).then_some(full)
        }
        Some(_) => Some(format!("docker.io/{text}")),
    }
}

/// Returns a scope without the default port of its host.
fn without_default_port(scope: &str) -> String {
    let (host, path) = match scope.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (scope, None),
    };
    let host = match host.parse::<image_name::Host>() {
        Ok(host) => host.without_default_port(),
        Err(_) => host.to_owned(),
    };
    path.map_or(host.clone(), |path| format!("{host}/{path}"))
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

/// Returns true if a pattern can match a tag with the colon before it. A port is followed by a path.
fn is_tag(pattern: &[Token]) -> bool {
    !pattern.contains(&Token::Literal('/')) && overlap(pattern, &with_any_tag(&[]))
}

/// Returns the part of a pattern that matches the names of repositories; `None` if it is not known.
fn name_of(pattern: &[Token]) -> Option<&[Token]> {
    let slash = pattern
        .iter()
        .rposition(|token| *token == Token::Literal('/'));
    let last = match (slash, pattern.first()) {
        (Some(slash), _) => slash,
        (None, Some(Token::Many)) => 0,
        (None, _) => return None,
    };
    let mut tail = pattern[last..].iter();
    if let Some(colon) = tail.position(|token| *token == Token::Literal(':')) {
        return Some(&pattern[..last + colon]);
    }
    // The last `*` matches the name without the tag, too.
    let mut tails = (last..pattern.len()).map(|at| &pattern[at..]);
    let has_tag = tails.any(|tail| tail != [Token::Many] && is_tag(tail));
    (!has_tag).then_some(pattern)
}

/// Returns true if a text exists that both match.
fn overlap(one: &[Token], other: &[Token]) -> bool {
    common_prefixes(one, other).contains(&(one.len(), other.len()))
}

/// Returns the pairs of positions that both reach with the same text.
fn common_prefixes(one: &[Token], other: &[Token]) -> Vec<(usize, usize)> {
    let width = other.len() + 1;
    let mut reached = vec![false; (one.len() + 1) * width];
    let mut open = vec![(0, 0)];
    let mut found = Vec::new();
    while let Some((at, other_at)) = open.pop() {
        if std::mem::replace(&mut reached[at * width + other_at], true) {
            continue;
        }
        found.push((at, other_at));
        match (one.get(at), other.get(other_at)) {
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
            (None, _) | (Some(_), None) => {}
        }
    }
    found
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
#[path = "source_pattern_tests.rs"]
mod tests;
