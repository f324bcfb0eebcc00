//! Paths to further images in documents, named by the user.

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use crate::yaml::{Node, Scalar};

/// A path to images, in the notation of JSONPath: `spec.engine.ref`, `spec.parts[*].ref`,
/// `spec['a.b'].ref`, `..ref`. A kind before a `:` limits it to objects of that kind:
/// `Engine:spec.ref`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePath {
    written: String,
    kind: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A key.
    Key(String),
    /// All items of a list, or all values of a mapping.
    All,
    /// One item of a list.
    Item(usize),
    /// Every node at any depth.
    Descendants,
}

/// The reason why a text is not an image path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image path: {reason}; write it as spec.parts[*].image")]
pub struct ImagePathError {
    text: String,
    reason: &'static str,
}

impl FromStr for ImagePath {
    type Err = ImagePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| ImagePathError {
            text: text.to_owned(),
            reason,
        };
        let is_kind =
            |kind: &str| !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
        let (kind, path) = match text.split_once(':') {
            Some((kind, path)) if is_kind(kind) => (Some(kind.to_owned()), path),
            _ => (None, text),
        };
        let path = path
            .strip_prefix('{')
            .map_or(path, |path| path.trim_end_matches('}'));
        let path = path.strip_prefix('$').unwrap_or(path);
        let steps = steps(path).map_err(error)?;
        if steps.is_empty() || steps.last() == Some(&Step::Descendants) {
            return Err(error("it names no key"));
        }
        // Several would visit a node once for each pair of its ancestors.
        if steps
            .iter()
            .filter(|step| **step == Step::Descendants)
            .count()
            > 1
        {
            return Err(error("`..` occurs more than once"));
        }
        Ok(Self {
            written: text.to_owned(),
            kind,
            steps,
        })
    }
}

fn steps(path: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Descendants);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (step, after) = subscript(after)?;
            steps.push(step);
            rest = after;
            continue;
        } else if !steps.is_empty() {
            return Err("a key follows `.` or `[`");
        }
        if rest.starts_with('[') {
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        match key {
            "" => return Err("a key is empty"),
            "*" => steps.push(Step::All),
            key => steps.push(Step::Key(key.to_owned())),
        }
        rest = after;
    }
    Ok(steps)
}

/// Parses a subscript after its `[`.
fn subscript(text: &str) -> Result<(Step, &str), &'static str> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (key, rest) = quoted.split_once(quote).ok_or("a quote is not closed")?;
            let rest = rest.strip_prefix(']').ok_or("a `[` is not closed")?;
            return Ok((Step::Key(key.to_owned()), rest));
        }
    }
    let (inner, rest) = text.split_once(']').ok_or("a `[` is not closed")?;
    match inner {
        "*" => Ok((Step::All, rest)),
        number => match number.parse() {
            Ok(number) => Ok((Step::Item(number), rest)),
            Err(_) => Err("a subscript is `*`, a number or a quoted key"),
        },
    }
}

impl ImagePath {
    /// Returns the scalars at the path in a document.
    pub(crate) fn select<'a>(&self, root: &'a Node) -> Vec<&'a Scalar> {
        let kind = match root {
            Node::Map(map) => map.text("kind"),
            _ => None,
        };
        if self.kind.is_some() && self.kind.as_deref() != kind {
            return Vec::new();
        }
        let mut nodes = vec![root];
        for step in &self.steps {
            let mut next = Vec::new();
            for node in nodes {
                step.apply(node, &mut next);
            }
            nodes = next;
        }
        let scalars = nodes.into_iter().flat_map(|node| match node {
            Node::Scalar(scalar) => vec![scalar],
            Node::List(items) => items.iter().filter_map(|item| scalar(item)).collect(),
            Node::Null | Node::Map(_) => Vec::new(),
        });
        scalars.collect()
    }
}

fn scalar(node: &Rc<Node>) -> Option<&Scalar> {
    match &**node {
        Node::Scalar(scalar) => Some(scalar),
        _ => None,
    }
}

impl Step {
    /// Adds the nodes of a step to `found`.
    fn apply<'a>(&self, node: &'a Node, found: &mut Vec<&'a Node>) {
        match (self, node) {
            (Self::Key(key), Node::Map(map)) => found.extend(map.get(key)),
            (Self::All, Node::Map(map)) => found.extend(map.0.iter().map(|(_, value)| &**value)),
            (Self::All, Node::List(items)) => found.extend(items.iter().map(|item| &**item)),
            (Self::Item(number), Node::List(items)) => {
                found.extend(items.get(*number).map(|item| &**item));
            }
            (Self::Descendants, node) => descendants(node, found),
            _ => {}
        }
    }
}

fn descendants<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    found.push(node);
    match node {
        Node::List(items) => items.iter().for_each(|item| descendants(item, found)),
        Node::Map(map) => map
            .0
            .iter()
            .for_each(|(_, value)| descendants(value, found)),
        Node::Null | Node::Scalar(_) => {}
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{AliasBudget, parse};

    const DOCUMENT: &str = "
kind: Engine
spec:
  ref: a:1
  parts: [{ref: b:1}, {ref: c:1}]
  a.b: {ref: d:1}
  list: [e:1, f:1]
";

    #[test]
    fn path_selects_scalars() {
        let roots = parse(DOCUMENT, &mut AliasBudget::default()).unwrap();
        for (path, expected) in [
            ("spec.ref", "a:1"),
            ("$.spec.ref", "a:1"),
            ("{.spec.ref}", "a:1"),
            ("Engine:spec.ref", "a:1"),
            ("Motor:spec.ref", ""),
            ("spec.parts[*].ref", "b:1 c:1"),
            ("spec.parts[1].ref", "c:1"),
            ("spec['a.b'].ref", "d:1"),
            ("spec.*.ref", "d:1"),
            ("..ref", "a:1 b:1 c:1 d:1"),
            ("spec.list", "e:1 f:1"),
            ("spec.list[0]", "e:1"),
            ("spec.none.ref", ""),
        ] {
            let path: ImagePath = path.parse().unwrap();
            let found: Vec<_> = path
                .select(&roots[0])
                .iter()
                .map(|found| &*found.text)
                .collect();
            assert_eq!(found.join(" "), expected, "{path}");
        }
    }

    #[test]
    fn invalid_path_is_an_error() {
        for path in [
            "", "$", "a.", "a..", "a[", "a[x]", "a['x]", "a]b[", "a[1]b", ".", "a.[b", "..a..b",
        ] {
            assert!(path.parse::<ImagePath>().is_err(), "{path}");
        }
    }
}
