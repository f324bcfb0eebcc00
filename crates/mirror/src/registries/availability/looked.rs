//! What came of looking for something at a registry.

use oci_spec::distribution::Reference;
use registry_client::Error;

use crate::terminal::hints::{self, Doing};

/// What came of looking for an image or a repository.
#[derive(Debug, Clone)]
pub(crate) enum Looked<T = ()> {
    /// It is there, and what is known of it.
    Found(T),
    /// Whoever is asked says that it is not.
    Missing,
    /// Credentials are wanted, and there are none.
    Unchecked(Trouble),
    /// It could not be found out for any other reason.
    Failed(Trouble),
}

/// Why something could not be found out.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    /// What happened, and what to do about it.
    pub(crate) message: String,
    /// Whether the registry refused who we are, or that we are nobody.
    pub(crate) refused: bool,
}

impl<T> Looked<T> {
    /// What an error of the wire says of an image or repository.
    pub(crate) fn of(error: &Error, image: &Reference) -> Self {
        let hint = hints::of_wire(Doing::Reading, image, error);
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let trouble = Trouble {
            message: format!("{error}{hint}"),
            refused: error.is_refused(),
        };
        if error.is_refused_anonymous() {
            Self::Unchecked(trouble)
        } else {
            Self::Failed(trouble)
        }
    }
}
