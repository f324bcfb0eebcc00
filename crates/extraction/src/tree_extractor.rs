//! The search for images in YAML trees.

use std::rc::Rc;

use crate::command_arguments::images_in_arguments;
use crate::extracted_image::{Evidence, ExtractedImage, path_segment};
use crate::image_fields::{join_image_fields, volume_reference};
use crate::image_lines::image_lines;
use crate::image_reference::ImageReference;
use crate::key_kind::{KeyKind, contains_image};
use crate::yaml::{AliasBudget, Map, Node, parse, split_documents, without_template_actions};

/// Maximum nesting of YAML in strings.
const MAX_EMBEDDED: u8 = 3;

/// The kind of text that an extractor reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// A rendered manifest.
    Manifest,
    /// A chart annotation.
    Annotation,
    /// The chart values.
    Values,
}

/// The keys above a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    /// The nearest key.
    pub(crate) key: KeyKind,
    /// True if a key contains `image`.
    pub(crate) below_image: bool,
    /// True if a key ends in `images`.
    pub(crate) below_images: bool,
    /// The number of strings that enclose the node.
    pub(crate) embedded: u8,
}

impl Context {
    /// The context of a root: no keys.
    pub(crate) const ROOT: Self = Self {
        key: KeyKind::Other,
        below_image: false,
        below_images: false,
        embedded: 0,
    };

    fn below(self, name: &str) -> Self {
        let key = KeyKind::from_key(name);
        Self {
            key,
            below_image: self.below_image || contains_image(name),
            below_images: self.below_images || key == KeyKind::Images,
            embedded: self.embedded,
        }
    }
}

/// A collector of images from YAML trees.
#[derive(Debug)]
pub(crate) struct TreeExtractor {
    kind: TextKind,
    /// The current location: the name of the root, which ends in a space, and the path below it.
    location: String,
    budget: AliasBudget,
    images: Vec<ExtractedImage>,
}

impl TreeExtractor {
    pub(crate) fn new(kind: TextKind) -> Self {
        Self {
            kind,
            location: String::new(),
            budget: AliasBudget::default(),
            images: Vec::new(),
        }
    }

    pub(crate) fn into_images(self) -> Vec<ExtractedImage> {
        self.images
    }

    /// Parses a document. Returns `None` if it is not YAML or exceeds the bounds.
    pub(crate) fn parse(&mut self, document: &str) -> Option<Vec<Rc<Node>>> {
        parse(document, &mut self.budget)
    }

    /// Extracts the images of a tree. Locations begin with `name`.
    pub(crate) fn extract(&mut self, name: &str, node: &Node, context: Context) {
        name.clone_into(&mut self.location);
        self.node(node, context);
    }

    /// Extracts the images of the `image:` lines of a document that does not parse.
    pub(crate) fn extract_lines(&mut self, name: &str, text: &str, lines_before: usize) {
        name.clone_into(&mut self.location);
        for (line, value) in image_lines(text) {
            let segment = format!(" line {}", lines_before + line);
            self.within(&segment, |this| this.add_if_image(value, Context::ROOT));
        }
    }

    fn node(&mut self, node: &Node, context: Context) {
        match node {
            Node::Null => {}
            Node::Scalar(text) => self.scalar(text, context),
            Node::List(items) => self.list(items, context),
            Node::Map(map) => self.map(map, context),
        }
    }

    fn scalar(&mut self, text: &str, context: Context) {
        match context.key {
            KeyKind::Image => self.add_if_image(text, context),
            KeyKind::LikelyImage | KeyKind::Images => self.add_if_distinctive(text),
            KeyKind::Arguments => self.arguments([text].into_iter()),
            KeyKind::Other if context.below_images => self.add_if_distinctive(text),
            KeyKind::Other => {}
        }
        if context.embedded < MAX_EMBEDDED && may_be_yaml(text) {
            self.embedded(text, context);
        }
    }

    fn list(&mut self, items: &[Rc<Node>], context: Context) {
        let texts = items.iter().filter_map(|item| match &**item {
            Node::Scalar(text) => Some(text.as_str()),
            _ => None,
        });
        self.arguments(texts);
        // A key is weaker evidence for the items of a list than for a string.
        let key = match context.key {
            KeyKind::Image => KeyKind::LikelyImage,
            KeyKind::Arguments => KeyKind::Other,
            key => key,
        };
        for (item, at) in items.iter().zip(0usize..) {
            let segment = format!("[{at}]");
            self.within(&segment, |this| this.node(item, Context { key, ..context }));
        }
    }

    fn map(&mut self, map: &Map, context: Context) {
        // The images in a definition are examples and defaults.
        if map.text("kind") == Some("CustomResourceDefinition") {
            return;
        }
        if let Some(text) = join_image_fields(map, context.below_image) {
            self.add_if_image(&text, context);
        }
        if let Some(text) = volume_reference(map) {
            let segment = format!("{}.reference", self.segment("image"));
            self.within(&segment, |this| this.add_if_image(text, context));
        }
        if let (Some(name), Some(value)) = (map.text("name"), map.text("value"))
            && contains_image(name)
        {
            let segment = format!("{} of {}", self.segment("value"), path_segment(name, &[]));
            self.within(&segment, |this| this.add_if_distinctive(value));
        }
        for (key, value) in &map.0 {
            let segment = self.segment(key);
            self.within(&segment, |this| this.node(value, context.below(key)));
        }
    }

    /// Adds a string from an `image` key.
    fn add_if_image(&mut self, text: &str, context: Context) {
        if context.embedded > 0 {
            return self.add_if_distinctive(text);
        }
        if let Ok(reference) = ImageReference::parse(text) {
            self.add(reference, Evidence::Strong);
        }
    }

    /// Adds a string if it is a distinctive image reference.
    fn add_if_distinctive(&mut self, text: &str) {
        if let Ok(reference) = ImageReference::parse(text)
            && reference.is_distinctive(text)
        {
            self.add(reference, Evidence::Medium);
        }
    }

    fn arguments<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        for reference in images_in_arguments(texts) {
            self.add(reference, Evidence::Medium);
        }
    }

    /// Extracts the images of YAML in a string.
    fn embedded(&mut self, text: &str, context: Context) {
        let context = Context {
            key: KeyKind::Other,
            embedded: context.embedded + 1,
            ..context
        };
        for document in split_documents(text) {
            let roots = self.parse(document.text).or_else(|| {
                let text = without_template_actions(document.text)?;
                self.parse(&text)
            });
            self.within(" > ", |this| {
                let roots = roots.unwrap_or_default();
                roots.iter().for_each(|root| this.node(root, context));
            });
        }
    }

    /// Runs `extract` with a segment added to the location.
    fn within(&mut self, segment: &str, extract: impl FnOnce(&mut Self)) {
        let length = self.location.len();
        self.location.push_str(segment);
        extract(self);
        self.location.truncate(length);
    }

    /// Formats a key as the next segment of the path. It never ends in a space.
    fn segment(&self, key: &str) -> String {
        let dot = if self.location.ends_with(' ') {
            ""
        } else {
            "."
        };
        format!("{dot}{}", path_segment(key, &[]))
    }

    fn add(&mut self, reference: ImageReference, evidence: Evidence) {
        let evidence = match self.kind {
            TextKind::Manifest => evidence,
            TextKind::Annotation => Evidence::Announced,
            TextKind::Values => Evidence::Weak,
        };
        let image = ExtractedImage::new(reference, evidence, self.location.clone());
        self.images.push(image);
    }
}

/// Returns true if a string may be YAML with images. Parsing every string would be slow.
fn may_be_yaml(text: &str) -> bool {
    if !text.contains('\n') && !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    lower.contains("image") || lower.contains("repository")
}
