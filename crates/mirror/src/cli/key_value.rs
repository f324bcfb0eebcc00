//! `KEY=VALUE` operands, the form of the old make targets.

use std::str::FromStr;

use clap::Args;

use super::environment::Environment;
use super::failure::Failure;

/// What can be given as `KEY=VALUE` and as an environment variable of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// The lists, separated by commas.
    ImagesFile,
    /// The host of every destination.
    DestRegistryOverride,
    /// The first path component of every destination.
    DestOrgOverride,
    /// Source repositories, separated by commas.
    Images,
    /// Tags, separated by commas.
    Tags,
    /// Source images with their tags, separated by commas.
    FullImages,
}

/// Where a value was said, the weaker ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// In the environment, maybe for another command.
    Environment,
    /// On the command line.
    CommandLine,
}

/// One operand of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    key: Key,
    value: String,
}

/// A text that is no operand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OperandError {
    /// There is no `=`.
    #[error("write KEY=VALUE, with one of these keys: {}", names())]
    Form,
    /// The key means nothing here.
    #[error("`{name}` is no key; these are: {}", names())]
    Key {
        /// What stands before the `=`.
        name: String,
    },
}

/// Operands of a command that takes some of the keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operands<'a> {
    given: &'a [Operand],
    environment: &'a Environment,
}

impl Key {
    const ALL: [Self; 6] = [
        Self::ImagesFile,
        Self::DestRegistryOverride,
        Self::DestOrgOverride,
        Self::Images,
        Self::Tags,
        Self::FullImages,
    ];

    /// The key's name, that of the environment variable too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ImagesFile => "IMAGES_FILE",
            Self::DestRegistryOverride => "DEST_REGISTRY_OVERRIDE",
            Self::DestOrgOverride => "DEST_ORG_OVERRIDE",
            Self::Images => "IMAGES",
            Self::Tags => "TAGS",
            Self::FullImages => "FULL_IMAGES",
        }
    }

    /// All names, for reading the environment.
    pub(crate) fn names() -> [&'static str; 6] {
        Self::ALL.map(Self::name)
    }
}

fn items<'a>(lists: &[&'a str]) -> Vec<&'a str> {
    let items = lists.iter().flat_map(|list| list.split(','));
    items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

fn names() -> String {
    Key::names().join(", ")
}

impl FromStr for Operand {
    type Err = OperandError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or(OperandError::Form)?;
        let key = Key::ALL.into_iter().find(|key| key.name() == name);
        let key = key.ok_or_else(|| OperandError::Key {
            name: name.to_owned(),
        })?;
        let value = value.trim().to_owned();
        Ok(Self { key, value })
    }
}

impl<'a> Operands<'a> {
    /// The operands of a command that takes `keys`.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an operand that the command has no use for.
    pub(crate) fn new(
        given: &'a [Operand],
        keys: &[Key],
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        if let Some(odd) = given.iter().find(|operand| !keys.contains(&operand.key)) {
            let usable: Vec<_> = keys.iter().map(|key| key.name()).collect();
            let message = format!("this command has no use for {}=…", odd.key.name());
            return Err(Failure::unusable(message).hint(format!("it takes {}", usable.join(", "))));
        }
        Ok(Self { given, environment })
    }

    /// What counts for a key: the flag, else the last operand, else the
    /// environment. Empty values count as not given.
    pub(crate) fn value(&self, flag: Option<&'a str>, key: Key) -> Option<&'a str> {
        let of_key = |operand: &&Operand| operand.key == key && !operand.value.is_empty();
        flag.or_else(|| {
            let operand = self.given.iter().rev().find(of_key);
            operand.map(|operand| operand.value.as_str())
        })
        .or_else(|| self.environment.operand(key.name()))
    }

    /// The items of a list and where they were said: those of the flags, else
    /// of all operands, else of the environment, separated by commas. Empty
    /// lists count as not given.
    pub(crate) fn list(&self, flags: &'a [String], key: Key) -> Option<(Origin, Vec<&'a str>)> {
        let of_key = |operand: &&Operand| operand.key == key;
        let operands = self.given.iter().filter(of_key);
        let operands = operands.map(|operand| operand.value.as_str()).collect();
        let environment = self.environment.operand(key.name()).into_iter().collect();
        let flags = flags.iter().map(String::as_str).collect();
        [
            (Origin::CommandLine, flags),
            (Origin::CommandLine, operands),
            (Origin::Environment, environment),
        ]
        .into_iter()
        .map(|(origin, texts): (Origin, Vec<&str>)| (origin, items(&texts)))
        .find(|(_, items)| !items.is_empty())
    }
}

/// Operands of the commands that only need lists.
#[derive(Debug, Args)]
pub(crate) struct ListOperands {
    /// IMAGES_FILE=…: as the environment variable
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    operands: Vec<Operand>,
}

impl ListOperands {
    /// Lists, separated by commas; `--images-list` comes before it.
    ///
    /// # Errors
    ///
    /// [`Failure`] for operands without a use.
    pub(crate) fn images_file<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> Result<Option<&'a str>, Failure> {
        let operands = Operands::new(&self.operands, &[Key::ImagesFile], environment)?;
        Ok(operands.value(None, Key::ImagesFile))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn a_flag_beats_an_operand_which_beats_the_environment() -> Result<(), Failure> {
        let set = |name: &str| (name == "DEST_ORG_OVERRIDE").then(|| OsString::from("environment"));
        let environment = Environment::read(set, &Key::names());
        let keys = [Key::DestOrgOverride, Key::DestRegistryOverride];
        let given: Vec<Operand> = ["DEST_ORG_OVERRIDE=operand", "DEST_REGISTRY_OVERRIDE="]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let both = Operands::new(&given, &keys, &environment)?;
        assert_eq!(both.value(Some("flag"), Key::DestOrgOverride), Some("flag"));
        assert_eq!(both.value(None, Key::DestOrgOverride), Some("operand"));
        assert_eq!(both.value(None, Key::DestRegistryOverride), None);
        let alone = Operands::new(&[], &keys, &environment)?;
        assert_eq!(alone.value(None, Key::DestOrgOverride), Some("environment"));
        Ok(())
    }

    #[test]
    fn lists_are_separated_by_commas_or_repeated() {
        let set = |name: &str| (name == "TAGS").then(|| OsString::from("5,6"));
        let environment = Environment::read(set, &Key::names());
        let given = ["TAGS=1, 2,,", "IMAGES=a", "TAGS=3"];
        let given = given.map(|text| text.parse().unwrap());
        let keys = [Key::Tags, Key::Images];
        let flags = ["4".to_owned(), "4,5".to_owned()];
        let tags = |given: &[Operand], flags: &[String]| {
            let operands = Operands::new(given, &keys, &environment).unwrap();
            let (origin, tags) = operands.list(flags, Key::Tags).unwrap();
            (origin, tags.join(" "))
        };
        let said = |text: &str| (Origin::CommandLine, text.to_owned());
        assert_eq!(tags(&given, &flags), said("4 4 5"));
        assert_eq!(tags(&given, &[]), said("1 2 3"));
        assert_eq!(
            tags(&[], &[",".to_owned()]),
            (Origin::Environment, "5 6".to_owned())
        );
    }

    #[test]
    fn what_is_no_operand() {
        assert_eq!("IMAGES_FILE".parse::<Operand>(), Err(OperandError::Form));
        let unknown = "images_file=x".parse::<Operand>();
        assert_eq!(
            unknown,
            Err(OperandError::Key {
                name: "images_file".to_owned()
            })
        );
    }
}
