//! Walking a tree for images.

use std::rc::Rc;

use super::arguments::in_arguments;
use super::documents::documents;
use super::joined::{joined, volume_reference};
use super::keys::{Key, names_image};
use super::lines::image_lines;
use super::mention::{Evidence, Mention, shown};
use super::reference::Written;
use super::templates::without_actions;
use super::tree::{Allowance, Map, Node, parse};

/// How many strings with YAML may stand in each other.
const MAX_EMBEDDED: u8 = 3;

/// What a text is to its chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// What `helm template` gives.
    Rendered,
    /// An annotation of the chart.
    Annotation,
    /// The chart's values.
    Values,
}

/// What is known above a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Above {
    /// What the nearest key says.
    pub(super) key: Key,
    /// Whether some key has `image` in it.
    pub(super) below_image: bool,
    /// Whether some key ends in `images`.
    pub(super) below_images: bool,
    /// In how many strings the node is.
    pub(super) embedded: u8,
}

impl Above {
    /// Nothing is known.
    pub(super) const ROOT: Self = Self {
        key: Key::Other,
        below_image: false,
        below_images: false,
        embedded: 0,
    };

    fn below(self, name: &str) -> Self {
        let key = Key::of(name);
        Self {
            key,
            below_image: self.below_image || names_image(name),
            below_images: self.below_images || key == Key::Images,
            embedded: self.embedded,
        }
    }
}

/// Collects the images of trees.
#[derive(Debug)]
pub(super) struct Walk {
    text: Text,
    /// Where the walk is: the root's name and the path in it. Paths begin after a blank.
    place: String,
    allowance: Allowance,
    mentions: Vec<Mention>,
}

impl Walk {
    pub(super) fn new(text: Text) -> Self {
        Self {
            text,
            place: String::new(),
            allowance: Allowance::default(),
            mentions: Vec::new(),
        }
    }

    pub(super) fn mentions(self) -> Vec<Mention> {
        self.mentions
    }

    /// Reads a document.
    pub(super) fn parse(&mut self, document: &str) -> Option<Vec<Rc<Node>>> {
        parse(document, &mut self.allowance)
    }

    /// Walks a tree under a name of its own.
    pub(super) fn root(&mut self, name: &str, node: &Node, above: Above) {
        name.clone_into(&mut self.place);
        self.node(node, above);
    }

    /// Falls back to the `image:` lines of a document that does not parse.
    pub(super) fn lines(&mut self, name: &str, text: &str, before: usize) {
        name.clone_into(&mut self.place);
        for (line, value) in image_lines(text) {
            let segment = format!(" line {}", before + line);
            self.within(&segment, |walk| walk.direct(value, Above::ROOT));
        }
    }

    fn node(&mut self, node: &Node, above: Above) {
        match node {
            Node::Null => {}
            Node::Scalar(text) => self.scalar(text, above),
            Node::List(items) => self.list(items, above),
            Node::Map(map) => self.map(map, above),
        }
    }

    fn scalar(&mut self, text: &str, above: Above) {
        match above.key {
            Key::Image => self.direct(text, above),
            Key::OneImage | Key::Images => self.likely(text),
            Key::Arguments => self.arguments([text].into_iter()),
            Key::Other if above.below_images => self.likely(text),
            Key::Other => {}
        }
        if above.embedded < MAX_EMBEDDED && may_be_yaml(text) {
            self.embedded(text, above);
        }
    }

    fn list(&mut self, items: &[Rc<Node>], above: Above) {
        let texts = items.iter().filter_map(|item| match &**item {
            Node::Scalar(text) => Some(text.as_str()),
            _ => None,
        });
        self.arguments(texts);
        // What a key says of a list is less clear than what it says of a string.
        let key = match above.key {
            Key::Image => Key::OneImage,
            Key::Arguments => Key::Other,
            key => key,
        };
        for (item, at) in items.iter().zip(0usize..) {
            let segment = format!("[{at}]");
            self.within(&segment, |walk| walk.node(item, Above { key, ..above }));
        }
    }

    fn map(&mut self, map: &Map, above: Above) {
        // The images of a definition are examples and defaults.
        if map.text("kind") == Some("CustomResourceDefinition") {
            return;
        }
        if let Some(text) = joined(map, above.below_image) {
            self.direct(&text, above);
        }
        if let Some(text) = volume_reference(map) {
            let segment = format!("{}.reference", self.segment("image"));
            self.within(&segment, |walk| walk.direct(text, above));
        }
        if let (Some(name), Some(value)) = (map.text("name"), map.text("value"))
            && names_image(name)
        {
            let segment = format!("{} of {}", self.segment("value"), shown(name, &[]));
            self.within(&segment, |walk| walk.likely(value));
        }
        for (key, value) in &map.0 {
            let segment = self.segment(key);
            self.within(&segment, |walk| walk.node(value, above.below(key)));
        }
    }

    /// A string that is said to be an image.
    fn direct(&mut self, text: &str, above: Above) {
        if above.embedded > 0 {
            return self.likely(text);
        }
        if let Ok(written) = Written::parse(text) {
            self.mention(written, Evidence::Strong);
        }
    }

    /// A string that is an image if it looks like one.
    fn likely(&mut self, text: &str) {
        if let Ok(written) = Written::parse(text)
            && written.is_telling(text)
        {
            self.mention(written, Evidence::Medium);
        }
    }

    fn arguments<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        for (_, written) in in_arguments(texts) {
            self.mention(written, Evidence::Medium);
        }
    }

    /// YAML in a string.
    fn embedded(&mut self, text: &str, above: Above) {
        let above = Above {
            key: Key::Other,
            embedded: above.embedded + 1,
            ..above
        };
        for document in documents(text) {
            let roots = self.parse(document.text).or_else(|| {
                let text = without_actions(document.text)?;
                self.parse(&text)
            });
            self.within(" > ", |walk| {
                let roots = roots.unwrap_or_default();
                roots.iter().for_each(|root| walk.node(root, above));
            });
        }
    }

    fn within(&mut self, segment: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.place.len();
        self.place.push_str(segment);
        walk(self);
        self.place.truncate(length);
    }

    /// A key as the next part of the path. It never ends in a blank.
    fn segment(&self, key: &str) -> String {
        let dot = if self.place.ends_with(' ') { "" } else { "." };
        format!("{dot}{}", shown(key, &[]))
    }

    fn mention(&mut self, written: Written, evidence: Evidence) {
        let evidence = match self.text {
            Text::Rendered => evidence,
            Text::Annotation => Evidence::Announced,
            Text::Values => Evidence::Weak,
        };
        let mention = Mention::new(written, evidence, self.place.clone());
        self.mentions.push(mention);
    }
}

/// Whether it is worth the time to parse a string.
fn may_be_yaml(text: &str) -> bool {
    if !text.contains('\n') && !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    lower.contains("image") || lower.contains("repository")
}
