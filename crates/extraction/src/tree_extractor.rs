//! The search for images in YAML trees.

use std::rc::Rc;

use crate::command_arguments::images_in_arguments;
use crate::context::Context;
use crate::extracted_image::{Evidence, ExtractedImage, Suspect, path_segment};
use crate::image_fields::{Hub, join_image_fields, prefixed_pairs, volume_reference};
use crate::image_lines::image_lines;
use crate::image_path::ImagePath;
use crate::image_reference::{ImageReference, ReferenceError};
use crate::key_kind::{KeyKind, contains_image, is_variable};
use crate::settings_text::images_in_settings;
use crate::suspects::Suspects;
use crate::variables::{images_in_value, split_images};
use crate::yaml::{
    AliasBudget, Map, Node, Scalar, parse, split_documents, without_template_actions,
};

/// Maximum nesting of YAML in strings.
const MAX_EMBEDDED: u8 = 3;

/// An annotation with example objects of an operator. Their images are examples, as in a definition.
const EXAMPLES: &str = "alm-examples";

/// The kind of a reference to an image in objects of OpenShift.
const IMAGE_KIND: &str = "DockerImage";

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

/// The lines of a document within its text.
#[derive(Debug, Clone, Copy)]
enum Lines {
    /// The document begins after this many lines.
    After(usize),
    /// The document is a string of a line, whose own lines are not known.
    Within(usize),
}

impl Lines {
    fn at(self, line: usize) -> usize {
        match self {
            Self::After(before) => before + line,
            Self::Within(line) => line,
        }
    }
}

/// A collector of images from YAML trees.
#[derive(Debug)]
pub(crate) struct TreeExtractor {
    kind: TextKind,
    /// The current location: the name of the root, which ends in a space, and the path below it.
    location: String,
    lines: Lines,
    /// The line of the current scalar.
    line: usize,
    /// The current object is a Helm hook of kind `test`.
    in_test: bool,
    hub: Hub,
    budget: AliasBudget,
    images: Vec<ExtractedImage>,
    suspects: Suspects,
}

impl TreeExtractor {
    pub(crate) fn new(kind: TextKind) -> Self {
        Self {
            kind,
            location: String::new(),
            lines: Lines::After(0),
            line: 1,
            in_test: false,
            hub: Hub::default(),
            budget: AliasBudget::default(),
            images: Vec::new(),
            suspects: Suspects::default(),
        }
    }

    pub(crate) fn into_images(self) -> Vec<ExtractedImage> {
        self.images
    }

    /// Returns the images, and the strings that may be images.
    pub(crate) fn finish(self) -> (Vec<ExtractedImage>, Vec<Suspect>) {
        let suspects = self.suspects.without(&self.images);
        (self.images, suspects)
    }

    /// Parses a document. Returns `None` if it is not YAML or exceeds the bounds.
    pub(crate) fn parse(&mut self, document: &str) -> Option<Vec<Rc<Node>>> {
        parse(document, &mut self.budget)
    }

    /// Sets the number of lines before the document that is extracted next.
    pub(crate) fn lines_before(&mut self, before: usize) {
        self.lines = Lines::After(before);
    }

    /// Sets whether the object that is extracted next is a Helm hook of kind `test`.
    pub(crate) fn in_test(&mut self, in_test: bool) {
        self.in_test = in_test;
    }

    /// Extracts the images of a tree. Locations begin with `name`.
    pub(crate) fn extract(&mut self, name: &str, node: &Node, context: Context) {
        name.clone_into(&mut self.location);
        self.node(node, context);
    }

    /// Extracts the images at a path in a tree. Returns the number of scalars there.
    pub(crate) fn extract_path(&mut self, name: &str, root: &Node, path: &ImagePath) -> usize {
        self.location = format!("{name}{path}");
        let scalars = path.select(root);
        for scalar in &scalars {
            self.line = self.lines.at(scalar.line);
            match ImageReference::parse(scalar) {
                Ok(reference) => self.add(reference, Evidence::Strong),
                Err(ReferenceError::Untagged) => {
                    let found = (scalar.text.as_str(), self.location.as_str(), self.line);
                    self.suspects.add_untagged(found);
                }
                Err(ReferenceError::Syntax) => {}
            }
        }
        scalars.len()
    }

    /// Extracts the images of the `image:` lines of a document that does not parse.
    pub(crate) fn extract_lines(&mut self, name: &str, text: &str, lines_before: usize) {
        name.clone_into(&mut self.location);
        for (line, value) in image_lines(text) {
            self.line = lines_before + line;
            let segment = format!(" line {}", self.line);
            self.within(&segment, |this| this.add_if_image(value, Context::ROOT));
        }
    }

    fn node(&mut self, node: &Node, context: Context) {
        match node {
            Node::Null => {}
            Node::Scalar(scalar) => self.scalar(scalar, context),
            Node::List(items) => self.list(items, context),
            Node::Map(map) => self.map(map, context),
        }
    }

    fn scalar(&mut self, scalar: &Scalar, context: Context) {
        self.line = self.lines.at(scalar.line);
        let text = scalar.text.as_str();
        let found = self.images.len();
        match context.key {
            KeyKind::Image => self.add_if_image(text, context),
            KeyKind::LikelyImage => self.variable(text),
            // kustomize writes `NAME=NEW_NAME:TAG`.
            KeyKind::Images => self.add_if_distinctive(text.rsplit('=').next().unwrap_or(text)),
            KeyKind::Arguments => self.arguments([text].into_iter()),
            KeyKind::Variable => self.add_if_complete(text),
            _ if context.below_images || context.is_choice => self.add_if_distinctive(text),
            KeyKind::Containers | KeyKind::Steps | KeyKind::Other => {}
        }
        if context.embedded < MAX_EMBEDDED && may_have_images(text) {
            self.embedded(scalar, context);
        } else if self.images.len() == found {
            let is_image = context.key == KeyKind::Image || context.key == KeyKind::LikelyImage;
            let found = (text, self.location.as_str(), self.line);
            self.suspects.add(found, is_image);
        }
    }

    fn list(&mut self, items: &[Rc<Node>], context: Context) {
        let texts = items.iter().filter_map(|item| match &**item {
            Node::Scalar(scalar) => Some(scalar.text.as_str()),
            _ => None,
        });
        self.arguments(texts);
        let variables = items.iter().filter_map(|item| match &**item {
            Node::Map(map) => Some((map.text("name")?, variable_value(map)?)),
            _ => None,
        });
        self.split_variables(&variables.collect::<Vec<_>>());
        let context = context.of_items();
        for (item, at) in items.iter().zip(0usize..) {
            let segment = format!("[{at}]");
            self.within(&segment, |this| this.node(item, context));
        }
    }

    fn map(&mut self, map: &Map, context: Context) {
        // The images in a definition are examples and defaults.
        if map.text("kind") == Some("CustomResourceDefinition") {
            return;
        }
        self.joined_fields(map, context);
        if let Some(text) = volume_reference(map) {
            let segment = format!("{}.reference", self.segment("image"));
            self.within(&segment, |this| this.add_if_image(text, context));
        }
        if map.text("kind") == Some(IMAGE_KIND)
            && let Some(text) = map.text("name")
        {
            let segment = self.segment("name");
            self.within(&segment, |this| this.add_if_image(text, context));
        }
        if let (Some(name), Some(value)) = (map.text("name"), variable_value(map)) {
            self.line = self.lines.at(value.line);
            let segment = format!("{} of {}", self.segment("value"), path_segment(name, &[]));
            self.within(&segment, |this| match contains_image(name) {
                true => this.variable(value),
                false => this.add_if_complete(value),
            });
        }
        for (key, text) in prefixed_pairs(map) {
            self.line = self.lines.at(key.line);
            let segment = self.segment(key);
            self.within(&segment, |this| this.add_if_distinctive(&text));
        }
        let variables = map.0.iter().filter_map(|(key, value)| match &**value {
            Node::Scalar(scalar) if is_variable(key) => Some((key.text.as_str(), scalar)),
            _ => None,
        });
        self.split_variables(&variables.collect::<Vec<_>>());
        let inner = self.hub.below(map);
        let outer = inner.map(|inner| std::mem::replace(&mut self.hub, inner));
        for (key, value) in map.0.iter().filter(|(key, _)| key.text != EXAMPLES) {
            self.line = self.lines.at(key.line);
            let segment = self.segment(key);
            self.within(&segment, |this| {
                this.add_if_complete(key);
                this.node(value, context.below(key));
            });
        }
        if let Some(outer) = outer {
            self.hub = outer;
        }
    }

    /// Extracts the image that several keys of a mapping, or of those above it, describe.
    fn joined_fields(&mut self, map: &Map, context: Context) {
        let line = |key| map.scalar(key).map(|scalar| scalar.line);
        let line = line("image")
            .or_else(|| line("repository"))
            .or_else(|| line("name"));
        if let Some(line) = line {
            self.line = self.lines.at(line);
        }
        let hub = self.hub.below(map);
        if let Some(text) = hub.as_ref().unwrap_or(&self.hub).reference(map) {
            return self.add_if_distinctive(&text);
        }
        if let Some(text) = join_image_fields(map, context) {
            return self.add_if_image(&text, context);
        }
        // A container without a tag runs `latest`.
        let is_container = match context.key {
            KeyKind::Containers => map.text("name").is_some(),
            key => key == KeyKind::Steps,
        };
        if is_container
            && context.embedded == 0
            && self.kind == TextKind::Manifest
            && let Some(image) = map.text("image")
            && ImageReference::parse(image) == Err(ReferenceError::Untagged)
            && let Ok(reference) = ImageReference::parse_certain(image)
        {
            let segment = self.segment("image");
            self.within(&segment, |this| this.add(reference, Evidence::Strong));
        }
    }

    fn split_variables(&mut self, variables: &[(&str, &Scalar)]) {
        for (reference, name, repository) in split_images(variables) {
            self.line = self.lines.at(repository.line);
            let segment = self.segment(name);
            self.within(&segment, |this| this.add(reference, Evidence::Medium));
        }
    }

    /// Adds the images of a variable or key that contains `image`.
    fn variable(&mut self, value: &str) {
        for reference in images_in_value(value) {
            self.add(reference, Evidence::Medium);
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

    /// Adds a string if it is a complete image reference.
    fn add_if_complete(&mut self, text: &str) {
        if let Ok(reference) = ImageReference::parse(text)
            && reference.is_complete(text)
        {
            self.add(reference, Evidence::Medium);
        }
    }

    fn arguments<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        for reference in images_in_arguments(texts) {
            self.add(reference, Evidence::Medium);
        }
    }

    /// Extracts the images of YAML, JSON or settings in a string.
    fn embedded(&mut self, scalar: &Scalar, context: Context) {
        let (outer, context) = (self.lines, context.within_string());
        let before = match scalar.is_literal {
            true => Lines::After(outer.at(scalar.line).saturating_sub(1)),
            false => Lines::Within(outer.at(scalar.line)),
        };
        let inner = |line| match (before, outer) {
            (Lines::After(lines), Lines::After(_)) => Lines::After(lines + line),
            (Lines::After(line) | Lines::Within(line), _) => Lines::Within(line),
        };
        for document in split_documents(&scalar.text) {
            self.lines = inner(document.line - 1);
            let roots = self.parse(document.text).or_else(|| {
                let text = without_template_actions(document.text)?;
                // Lines with actions only are gone.
                self.lines = Lines::Within(self.lines.at(1));
                self.parse(&text)
            });
            let roots = roots.unwrap_or_default();
            let is_tree = |root: &Rc<Node>| matches!(**root, Node::Map(_) | Node::List(_));
            let has_tree = roots.iter().any(is_tree);
            self.within(" > ", |this| {
                for root in roots.iter().filter(|root| is_tree(root)) {
                    this.node(root, context);
                }
            });
            if !has_tree {
                self.settings(document.text);
            }
        }
        self.lines = outer;
    }

    fn settings(&mut self, text: &str) {
        for (line, reference) in images_in_settings(text) {
            self.line = self.lines.at(line);
            let segment = format!(" > line {line}");
            self.within(&segment, |this| this.add(reference, Evidence::Medium));
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
        self.images.push(ExtractedImage {
            is_test: self.in_test,
            ..ExtractedImage::new(reference, evidence, self.location.clone()).at_line(self.line)
        });
    }
}

/// Returns the value of a variable, or the default of a parameter, in a list of names and values.
fn variable_value(map: &Map) -> Option<&Scalar> {
    map.scalar("value").or_else(|| map.scalar("default"))
}

/// Returns true if a string may be YAML or settings with images. Parsing every string would be slow.
fn may_have_images(text: &str) -> bool {
    if !text.contains('\n') && !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    lower.contains("image") || lower.contains("repository")
}
