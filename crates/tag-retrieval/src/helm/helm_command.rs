//! One command of helm.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The resource that a command waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Load {
    /// The network: a request to the named server, which may be slow.
    Network(String),
    /// A processor core.
    Processor,
}

/// A command of helm. Its arguments reach the program without a shell.
#[derive(Debug)]
pub(super) struct HelmCommand<'a> {
    /// The command for messages, such as `show values`.
    pub(super) command: String,
    pub(super) load: Load,
    /// The command may read a registry, and so the credentials file.
    pub(super) reads_registries: bool,
    /// The directory of its homes, if not the shared one.
    pub(super) home: Option<&'a Path>,
    pub(super) arguments: Vec<OsString>,
}

impl<'a> HelmCommand<'a> {
    pub(super) fn new(verb: &str, load: Load) -> Self {
        Self {
            command: verb.to_owned(),
            load,
            reads_registries: false,
            home: None,
            arguments: verb.split(' ').map(OsString::from).collect(),
        }
    }

    /// Adds the object of the command to messages.
    pub(super) fn about(mut self, object: &str) -> Self {
        self.command = format!("{} {object}", self.command);
        self
    }

    /// Passes the credentials file for registries.
    pub(super) fn reads_registries(mut self) -> Self {
        self.reads_registries = true;
        self
    }

    pub(super) fn home(mut self, home: Option<&'a Path>) -> Self {
        self.home = home;
        self
    }

    /// Adds an option and its value as one argument, so that a value can begin with `-`.
    pub(super) fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut argument = OsString::from(format!("--{name}="));
        argument.push(value);
        self.arguments.push(argument);
        self
    }

    pub(super) fn flag(mut self, name: &str) -> Self {
        self.arguments.push(format!("--{name}").into());
        self
    }

    /// Adds the operands. They are last, and none is read as an option.
    pub(super) fn operands(mut self, operands: &[&OsStr]) -> Self {
        self.arguments.push("--".into());
        self.arguments.extend(operands.iter().map(OsString::from));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_operands_never_become_options() {
        let helm_command = HelmCommand::new("show values", Load::Processor)
            .option("set", "--debug $(x) a b")
            .operands(&[OsStr::new("-x")]);
        assert_eq!(
            helm_command.arguments,
            ["show", "values", "--set=--debug $(x) a b", "--", "-x"]
        );
    }
}
