//! What rendering says against the values.

use std::collections::{BTreeSet, HashMap};

use super::mention::{Evidence, Mention, Pin};
use super::reference::normal;

/// The tags that rendering gave, by repository.
pub(super) struct Rendered {
    by_repository: HashMap<String, BTreeSet<String>>,
    /// The same without host, and without each of the parts after it as long as two are left: a
    /// chart joins names in its values with a registry that stands elsewhere.
    by_path: HashMap<String, BTreeSet<String>>,
}

impl Rendered {
    pub(super) fn of(mentions: &[Mention]) -> Self {
        let mut rendered = Self {
            by_repository: HashMap::new(),
            by_path: HashMap::new(),
        };
        for mention in mentions {
            if let (Pin::Tag(tag), true) = (&mention.pin, mention.evidence.is_rendered()) {
                rendered.add(&mention.image, tag);
            }
        }
        rendered
    }

    fn add(&mut self, image: &str, tag: &str) {
        let tags = self.by_repository.entry(normal(image)).or_default();
        tags.insert(tag.to_owned());
        let Some((_, mut path)) = image.split_once('/').filter(|(host, _)| is_host(host)) else {
            return;
        };
        loop {
            let tags = self.by_path.entry(path.to_owned()).or_default();
            tags.insert(tag.to_owned());
            match path.split_once('/') {
                Some((_, rest)) if rest.contains('/') => path = rest,
                _ => return,
            }
        }
    }

    /// Why a tag does not count beside what rendering gave, if it does not.
    pub(super) fn outweighs(&self, image: &str, evidence: Evidence) -> Option<String> {
        if evidence != Evidence::Weak {
            return None;
        }
        let tags = self
            .by_repository
            .get(&normal(image))
            .or_else(|| self.by_path.get(image))?;
        let tags: Vec<_> = tags.iter().map(String::as_str).collect();
        let tags = tags.join(", ");
        Some(format!("only the values name it, rendering gives {tags}"))
    }
}

fn is_host(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost"
}
