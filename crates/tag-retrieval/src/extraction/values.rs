//! Images in the values of a chart.

use super::documents::documents;
use super::mention::Mention;
use super::walk::{Above, Text, Walk};

/// The images in what `helm show values` gives, all of them
/// [`Evidence::Weak`](super::Evidence::Weak).
#[must_use]
pub fn in_values(values: &str) -> Vec<Mention> {
    let mut walk = Walk::new(Text::Values);
    for document in documents(values) {
        match walk.parse(document.text) {
            Some(roots) => {
                let roots = roots.iter();
                roots.for_each(|root| walk.root("values: ", root, Above::ROOT));
            }
            None => walk.lines("values:", document.text, document.line - 1),
        }
    }
    walk.mentions()
}
