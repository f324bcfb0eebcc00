//! Common options, the environment, exit codes and failures: the lowest layer.

pub(crate) mod api_variables;
pub(crate) mod duration;
pub(crate) mod environment;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod git_variables;
pub(crate) mod image_argument;
pub(crate) mod key_value;
pub(crate) mod number;
pub(crate) mod options;
