//! `targets.json`: the registries that rows name as targets, and the rules that name new destinations.

mod destination_template;
mod expansion;
mod fields;
mod naming;
mod prefix;
mod reader;
mod source_template;
mod target;
mod targets;

pub use destination_template::{DestinationTemplate, DestinationTemplateError};
pub use expansion::{Expansion, ExpansionError, Expansions, WrittenRepository};
pub use fields::targets_schema;
pub use naming::{NamingError, NamingRule};
pub use prefix::{TargetPrefix, TargetPrefixError};
pub use source_template::{DescriptionTemplate, TemplateError};
pub use target::{RepositoryCreation, RequestRate, Target};
pub use targets::Targets;
