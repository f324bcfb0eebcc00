//! One YAML document as a tree of raw scalars.
//!
//! Scalars stay as they are written: `1.10` is no number, `=` no operator. Of
//! equal keys the last counts, `<<` is merged, aliases are followed. What that
//! makes of a small text is bounded: aliased nodes are shared in memory, but
//! whoever walks the tree meets them again and again.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// How deep a tree may be, aliases included. Schemas in charts have some forty levels.
const MAX_DEPTH: usize = 128;

/// A node of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A scalar that is not null.
    Scalar(String),
    /// Nothing, `~` or `null`.
    Null,
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping.
    Map(Map),
}

/// A mapping, in the order of the text, each key once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Map(pub(super) Vec<(String, Rc<Node>)>);

impl Map {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let mut entries = self.0.iter();
        entries.find_map(|(name, value)| (name == key).then_some(&**value))
    }

    /// The value of a key if it is a scalar that is not null.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Node::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// How much aliases may still add to what is walked, in nodes and parts of long scalars.
#[derive(Debug)]
pub(super) struct Allowance(usize);

impl Default for Allowance {
    fn default() -> Self {
        Self(200_000)
    }
}

impl Allowance {
    fn spend(&mut self, weight: usize) -> Option<()> {
        self.0 = self.0.checked_sub(weight)?;
        Some(())
    }
}

/// Reads a text of one document. `None` where it does not parse, is too deep, or has aliases that
/// add more than is allowed.
pub(super) fn parse(document: &str, allowance: &mut Allowance) -> Option<Vec<Rc<Node>>> {
    let mut builder = Builder {
        allowance,
        anchors: HashMap::new(),
        open: vec![Open::new(Kind::Stream, 0)],
    };
    for event in Parser::new_from_str(document) {
        let (event, _) = event.ok()?;
        match event {
            Event::Alias(anchor) => builder.alias(anchor)?,
            Event::Scalar(text, style, anchor, _) => builder.scalar(&text, style, anchor)?,
            Event::SequenceStart(anchor, _) => builder.open(Kind::List, anchor)?,
            Event::MappingStart(anchor, _) => builder.open(Kind::Map, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }
    builder.open.pop().map(|stream| stream.children)
}

/// A node and what it costs to walk it.
#[derive(Debug, Clone)]
struct Built {
    node: Rc<Node>,
    /// The nodes in it, long scalars for several.
    weight: usize,
    /// The levels in it.
    height: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Stream,
    List,
    Map,
}

/// A node whose end is still to come.
#[derive(Debug)]
struct Open {
    kind: Kind,
    anchor: usize,
    /// For a mapping keys and values in turn.
    children: Vec<Rc<Node>>,
    weight: usize,
    height: usize,
}

impl Open {
    fn new(kind: Kind, anchor: usize) -> Self {
        Self {
            kind,
            anchor,
            children: Vec::new(),
            weight: 1,
            height: 1,
        }
    }
}

struct Builder<'a> {
    allowance: &'a mut Allowance,
    anchors: HashMap<usize, Built>,
    /// Never empty: the stream is closed by nobody.
    open: Vec<Open>,
}

impl Builder<'_> {
    fn alias(&mut self, anchor: usize) -> Option<()> {
        // A node that holds itself is not built yet.
        let built = self.anchors.get(&anchor)?.clone();
        self.allowance.spend(built.weight)?;
        self.add(built)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize) -> Option<()> {
        let plain = style == ScalarStyle::Plain;
        let node = if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            Node::Null
        } else {
            Node::Scalar(text.to_owned())
        };
        let built = Built {
            node: Rc::new(node),
            weight: 1 + text.len() / 16,
            height: 1,
        };
        self.name(anchor, &built);
        self.add(built)
    }

    fn open(&mut self, kind: Kind, anchor: usize) -> Option<()> {
        self.open.push(Open::new(kind, anchor));
        (self.open.len() <= MAX_DEPTH).then_some(())
    }

    fn close(&mut self) -> Option<()> {
        let open = self.open.pop()?;
        let node = match open.kind {
            Kind::Map => Node::Map(mapping(open.children)),
            Kind::List | Kind::Stream => Node::List(open.children),
        };
        let built = Built {
            node: Rc::new(node),
            weight: open.weight,
            height: open.height,
        };
        self.name(open.anchor, &built);
        self.add(built)
    }

    fn name(&mut self, anchor: usize, built: &Built) {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
    }

    fn add(&mut self, built: Built) -> Option<()> {
        let depth = self.open.len();
        let parent = self.open.last_mut()?;
        parent.children.push(built.node);
        parent.weight = parent.weight.saturating_add(built.weight);
        parent.height = parent.height.max(built.height + 1);
        (depth + built.height <= MAX_DEPTH).then_some(())
    }
}

/// Pairs keys and values. Keys that are no scalars have no name.
fn mapping(children: Vec<Rc<Node>>) -> Map {
    let mut entries = Entries::default();
    let mut merged = Vec::new();
    let mut children = children.into_iter();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        match &*key {
            Node::Scalar(name) if name == "<<" => merged.push(value),
            Node::Scalar(name) => entries.set(name, value),
            Node::Null | Node::List(_) | Node::Map(_) => entries.set("", value),
        }
    }
    for node in merged {
        match &*node {
            Node::List(maps) => maps.iter().for_each(|map| entries.set_defaults(map)),
            _ => entries.set_defaults(&node),
        }
    }
    Map(entries.entries)
}

#[derive(Default)]
struct Entries {
    entries: Vec<(String, Rc<Node>)>,
    places: HashMap<String, usize>,
}

impl Entries {
    fn set(&mut self, name: &str, value: Rc<Node>) {
        match self.places.get(name) {
            Some(&at) => self.entries[at].1 = value,
            None => {
                self.places.insert(name.to_owned(), self.entries.len());
                self.entries.push((name.to_owned(), value));
            }
        }
    }

    fn set_defaults(&mut self, node: &Node) {
        if let Node::Map(map) = node {
            for (name, value) in &map.0 {
                if !self.places.contains_key(name) {
                    self.set(name, Rc::clone(value));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a tree in one line, null as `~`.
    fn show(node: &Node) -> String {
        match node {
            Node::Null => "~".to_owned(),
            Node::Scalar(text) => text.clone(),
            Node::List(items) => {
                let items: Vec<_> = items.iter().map(|item| show(item)).collect();
                format!("[{}]", items.join(","))
            }
            Node::Map(map) => {
                let entries = map
                    .0
                    .iter()
                    .map(|(key, value)| format!("{key}:{}", show(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn parsed(text: &str) -> Option<String> {
        let roots = parse(text, &mut Allowance::default())?;
        Some(roots.iter().map(|root| show(root)).collect())
    }

    #[test]
    fn scalars_stay_raw_and_maps_are_resolved() {
        let table = [
            (
                "a: 1.10\nb: =\nc: ~\nd:\ne: 'null'\nf: 0x1F\ng: yes",
                "{a:1.10,b:=,c:~,d:~,e:null,f:0x1F,g:yes}",
            ),
            ("a: 1\nb: 2\na: 3", "{a:3,b:2}"),
            (
                "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\nc: *x",
                "{a:{k:1,l:2},b:{l:3,k:1},c:{k:1,l:2}}",
            ),
            (
                "a: &x {k: 1}\nb:\n  <<: [*x, {k: 2, m: 3}]",
                "{a:{k:1},b:{k:1,m:3}}",
            ),
            ("? [1, 2]\n: 3\n", "{:3}"),
            ("--- # nothing\n", "~"),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_walked_does_not_parse() {
        let chain = (1..MAX_DEPTH).map(|n| format!("k{n}: &a{n} [*a{}]\n", n - 1));
        let chain = format!("k0: &a0 [x]\n{}", chain.collect::<String>());
        let bomb = (1..9).map(|n| format!("k{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(9)));
        let bomb = format!("k0: &a0 [x]\n{}", bomb.collect::<String>());
        let long = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(100_000),
            "*a,".repeat(100)
        );
        let deep = format!("{}x{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        let broken = "a: [1\nb: 2".to_owned();
        let own = "a: &x [*x]".to_owned();
        for text in [chain, bomb, long, deep, broken, own] {
            let start = text.chars().take(60).collect::<String>();
            assert_eq!(parsed(&text), None, "{start}");
        }
    }
}
