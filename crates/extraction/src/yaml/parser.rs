//! The parser for one YAML document.
//!
//! Scalars stay raw, the last of equal keys wins, `<<` is merged and aliases are resolved. Aliased
//! nodes are shared in memory, but a walk visits them once for each alias. [`AliasBudget`] bounds that
//! work, and [`MAX_DEPTH`] bounds the depth.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::node::{Map, Node, Scalar};

/// Maximum depth of a tree, aliases included. Schemas in charts reach about forty levels.
const MAX_DEPTH: usize = 128;

/// Remaining weight that aliases may add to a walk. A node weighs 1, plus 1 for every 16 bytes of a
/// scalar.
#[derive(Debug)]
pub(crate) struct AliasBudget(usize);

impl Default for AliasBudget {
    fn default() -> Self {
        Self(200_000)
    }
}

impl AliasBudget {
    fn spend(&mut self, weight: usize) -> Option<()> {
        self.0 = self.0.checked_sub(weight)?;
        Some(())
    }
}

/// Parses the text of one document. Returns `None` if the text is not YAML, exceeds [`MAX_DEPTH`] or
/// exhausts the alias budget.
pub(crate) fn parse(document: &str, budget: &mut AliasBudget) -> Option<Vec<Rc<Node>>> {
    let mut builder = Builder {
        budget,
        anchors: HashMap::new(),
        open: vec![OpenNode::new(Kind::Stream, 0)],
    };
    for event in Parser::new_from_str(document) {
        let (event, span) = event.ok()?;
        let line = span.start.line();
        match event {
            Event::Alias(anchor) => builder.alias(anchor)?,
            Event::Scalar(text, style, anchor, _) => {
                builder.scalar(&text, (style, line), anchor)?;
            }
            Event::SequenceStart(anchor, _) => builder.open(Kind::List, anchor)?,
            Event::MappingStart(anchor, _) => builder.open(Kind::Map, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }
    builder.open.pop().map(|stream| stream.children)
}

/// A complete node and the cost of walking it.
#[derive(Debug, Clone)]
struct Built {
    node: Rc<Node>,
    /// The nodes in it; a long scalar counts for several.
    weight: usize,
    /// The levels below and including it.
    height: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Stream,
    List,
    Map,
}

/// A collection that the parser has not reached the end of.
#[derive(Debug)]
struct OpenNode {
    kind: Kind,
    anchor: usize,
    /// The children; for a mapping, keys and values alternate.
    children: Vec<Rc<Node>>,
    weight: usize,
    height: usize,
}

impl OpenNode {
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
    budget: &'a mut AliasBudget,
    anchors: HashMap<usize, Built>,
    /// The open collections, innermost last. The stream itself never closes, so it is never empty.
    open: Vec<OpenNode>,
}

impl Builder<'_> {
    fn alias(&mut self, anchor: usize) -> Option<()> {
        // A node that contains itself is not built yet.
        let built = self.anchors.get(&anchor)?.clone();
        self.budget.spend(built.weight)?;
        self.add(built)
    }

    fn scalar(
        &mut self,
        text: &str,
        (style, line): (ScalarStyle, usize),
        anchor: usize,
    ) -> Option<()> {
        let plain = style == ScalarStyle::Plain;
        let node = if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            Node::Null
        } else {
            Node::Scalar(Scalar {
                text: text.to_owned(),
                line,
                is_literal: style == ScalarStyle::Literal,
            })
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
        self.open.push(OpenNode::new(kind, anchor));
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

/// The name of a key that is not a scalar.
const UNNAMED: Scalar = Scalar {
    text: String::new(),
    line: 1,
    is_literal: false,
};

/// Pairs keys and values. A key that is not a scalar gets an empty name.
fn mapping(children: Vec<Rc<Node>>) -> Map {
    let mut entries = Entries::default();
    let mut merged = Vec::new();
    let mut children = children.into_iter();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        // Only a key with an anchor is shared.
        match Rc::try_unwrap(key).unwrap_or_else(|key| Node::Scalar(name_of(&key))) {
            Node::Scalar(name) if name.text == "<<" => merged.push(value),
            Node::Scalar(name) => entries.set(name, value),
            Node::Null | Node::List(_) | Node::Map(_) => entries.set(UNNAMED, value),
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

fn name_of(key: &Node) -> Scalar {
    match key {
        Node::Scalar(name) => name.clone(),
        _ => UNNAMED,
    }
}

/// The number of entries up to which a search is faster than an index.
const SEARCHED: usize = 16;

#[derive(Default)]
struct Entries {
    entries: Vec<(Scalar, Rc<Node>)>,
    /// The positions by name, once there are more than [`SEARCHED`].
    index: HashMap<String, usize>,
}

impl Entries {
    fn position(&self, name: &str) -> Option<usize> {
        match self.entries.len() > SEARCHED {
            true => self.index.get(name).copied(),
            false => self.entries.iter().position(|(key, _)| key.text == name),
        }
    }

    fn set(&mut self, name: Scalar, value: Rc<Node>) {
        if let Some(at) = self.position(&name.text) {
            self.entries[at] = (name, value);
            return;
        }
        self.entries.push((name, value));
        let indexed = match self.entries.len() {
            length if length > SEARCHED + 1 => length - 1,
            length if length == SEARCHED + 1 => 0,
            _ => return,
        };
        let new = self.entries.iter().enumerate().skip(indexed);
        self.index
            .extend(new.map(|(at, (name, _))| (name.text.clone(), at)));
    }

    fn set_defaults(&mut self, node: &Node) {
        if let Node::Map(map) = node {
            for (name, value) in &map.0 {
                if self.position(&name.text).is_none() {
                    self.set(name.clone(), Rc::clone(value));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats a tree on one line, null as `~`.
    fn show(node: &Node) -> String {
        match node {
            Node::Null => "~".to_owned(),
            Node::Scalar(scalar) => scalar.text.clone(),
            Node::List(items) => {
                let items: Vec<_> = items.iter().map(|item| show(item)).collect();
                format!("[{}]", items.join(","))
            }
            Node::Map(map) => {
                let entries = map
                    .0
                    .iter()
                    .map(|(key, value)| format!("{}:{}", key.text, show(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn parsed(text: &str) -> Option<String> {
        let roots = parse(text, &mut AliasBudget::default())?;
        Some(roots.iter().map(|root| show(root)).collect())
    }

    #[test]
    fn parser_keeps_scalars_raw_and_resolves_aliases_and_merges() {
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
            (
                "{a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0, j: 0, k: 0, l: 0, m: 0, n: 0, o: 0, p: 0, q: 0, r: 0, a: 1, q: 2, r: 3}",
                "{a:1,b:0,c:0,d:0,e:0,f:0,g:0,h:0,i:0,j:0,k:0,l:0,m:0,n:0,o:0,p:0,q:2,r:3}",
            ),
            ("&k a: 1\n*k : 2\n", "{a:2}"),
            ("? [1, 2]\n: 3\n", "{:3}"),
            ("--- # empty\n", "~"),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn scalars_have_their_lines() {
        let text = "a: 1\nb:\n  - 'x'\n  - |\n    y: 2\n\nc: >\n  z\n? k\n: v\n";
        let roots = parse(text, &mut AliasBudget::default()).unwrap();
        let Node::Map(map) = &*roots[0] else {
            panic!("{text}")
        };
        let line = |key: &str| map.scalar(key).map(|scalar| scalar.line);
        assert_eq!(
            (line("a"), line("c"), line("k")),
            (Some(1), Some(8), Some(10))
        );
        let items: Vec<_> = map.scalars("b").collect();
        let items: Vec<_> = items
            .iter()
            .map(|item| (item.line, item.is_literal))
            .collect();
        assert_eq!(items, [(3, false), (5, true)]);
        let keys: Vec<_> = map.0.iter().map(|(key, _)| key.line).collect();
        assert_eq!(keys, [1, 2, 7, 9]);
    }

    #[test]
    fn parser_rejects_deep_recursive_and_expanding_documents() {
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
