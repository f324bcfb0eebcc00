//! What helm is asked for.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use registry_client::credentials::Secret;

/// What a run of helm waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Load {
    /// Somebody else's answer, perhaps for long: whose, however they are told apart.
    Network(String),
    /// A core of this machine.
    Processor,
}

/// A run of helm that is yet to start. Arguments reach it as they are, through no shell.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What it is to do, for messages: such as `show values`.
    pub(super) command: String,
    pub(super) load: Load,
    /// Where its homes are, unless where they are for all.
    pub(super) home: Option<&'a Path>,
    pub(super) arguments: Vec<OsString>,
    /// What it reads from stdin: what others on this machine must not see.
    pub(super) input: Option<Secret>,
}

impl<'a> Call<'a> {
    pub(super) fn new(verb: &str, load: Load) -> Self {
        Self {
            command: verb.to_owned(),
            load,
            home: None,
            arguments: verb.split(' ').map(OsString::from).collect(),
            input: None,
        }
    }

    /// Says in messages what is asked for too.
    pub(super) fn about(mut self, what: &str) -> Self {
        self.command = format!("{} {what}", self.command);
        self
    }

    pub(super) fn home(mut self, home: Option<&'a Path>) -> Self {
        self.home = home;
        self
    }

    /// An option with its value in one argument, so that a value that begins with `-` stays one.
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

    pub(super) fn input(mut self, secret: impl Into<Secret>) -> Self {
        self.input = Some(secret.into());
        self
    }

    /// What is no option, last: nothing after it is taken for one.
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
    fn nothing_that_is_given_becomes_an_option_or_two_arguments() {
        let call = Call::new("show values", Load::Processor)
            .option("set", "--debug $(x) a b")
            .operands(&[OsStr::new("-x")]);
        assert_eq!(
            call.arguments,
            ["show", "values", "--set=--debug $(x) a b", "--", "-x"]
        );
    }
}
