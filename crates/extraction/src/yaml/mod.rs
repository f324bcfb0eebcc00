//! YAML as a tree of raw scalars, with bounded work.

mod documents;
mod node;
mod parser;
mod template_actions;

pub(crate) use documents::split_documents;
pub(crate) use node::{Map, Node, Scalar};
pub(crate) use parser::{AliasBudget, parse};
pub(crate) use template_actions::without_template_actions;
