//! `KEY=VALUE` arguments, the syntax of the former make targets.

use std::str::FromStr;

use clap::Args;

use crate::cli::environment::Environment;
use crate::cli::failure::Failure;

/// A key of `KEY=VALUE` arguments, and the environment variable of the same name.
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

/// The origin of a value, ordered by precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The environment. The value may be meant for another command.
    Environment,
    /// The command line.
    CommandLine,
}

/// One `KEY=VALUE` argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyValue {
    /// The text before the `=`. Each command knows its own keys.
    name: String,
    value: String,
}

/// An invalid `KEY=VALUE` argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyValueError {
    /// There is no `=`.
    #[error(
        "expected KEY=VALUE, with one of these keys: {}; name a list with --images-list FILE, and \
         images for add-tag with --full-images NAME:TAG",
        names()
    )]
    Form,
}

/// The `KEY=VALUE` arguments of a command. The environment supplies values that are not given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyValueArgs<'a> {
    given: &'a [KeyValue],
    environment: &'a Environment,
}

/// The `KEY=VALUE` arguments of commands that only take lists.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// IMAGES_FILE=…, like the environment variable
    #[arg(value_name = "KEY=VALUE", help_heading = "Arguments")]
    key_values: Vec<KeyValue>,
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

    /// Returns the name of the key and of the environment variable.
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

    /// Returns the names of all keys.
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

/// Returns the failure for a key that the command does not accept.
fn refused_key(name: &str, accepted: &[&str]) -> Failure {
    let message = format!("the command does not accept {name}=…");
    let hint = match similar_key(name, accepted) {
        Some(similar) => format!("did you mean {similar}=…?"),
        None => match accepted {
            [only] => format!("its only key is {only}"),
            keys => format!("use one of these keys: {}", keys.join(", ")),
        },
    };
    Failure::unusable(message).hint(hint)
}

/// Returns the key that a name is the start of or starts with, in any case.
fn similar_key<'a>(name: &str, keys: &[&'a str]) -> Option<&'a str> {
    let name = name.to_uppercase();
    let is_similar = |key: &&&str| key.starts_with(&name) || name.starts_with(**key);
    let similar = keys.iter().filter(|_| name.len() >= 3);
    similar
        .filter(is_similar)
        .min_by_key(|key| key.len())
        .copied()
}

fn names() -> String {
    Key::names().join(", ")
}

impl FromStr for KeyValue {
    type Err = KeyValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or(KeyValueError::Form)?;
        let (name, value) = (name.to_owned(), value.trim().to_owned());
        Ok(Self { name, value })
    }
}

impl<'a> KeyValueArgs<'a> {
    /// Creates the arguments of a command that accepts `keys`.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a key that the command does not accept.
    pub(crate) fn new(
        given: &'a [KeyValue],
        keys: &[Key],
        environment: &'a Environment,
    ) -> Result<Self, Failure> {
        let accepted: Vec<_> = keys.iter().map(|key| key.name()).collect();
        let is_unaccepted = |argument: &&KeyValue| !accepted.contains(&argument.name.as_str());
        if let Some(unaccepted) = given.iter().find(is_unaccepted) {
            return Err(refused_key(&unaccepted.name, &accepted));
        }
        Ok(Self { given, environment })
    }

    /// Returns the value of a key: of the flag, else of the last argument, else of the environment.
    /// Empty values count as not given.
    pub(crate) fn value(&self, flag: Option<&'a str>, key: Key) -> Option<&'a str> {
        let of_key =
            |argument: &&KeyValue| argument.name == key.name() && !argument.value.is_empty();
        flag.or_else(|| {
            let argument = self.given.iter().rev().find(of_key);
            argument.map(|argument| argument.value.as_str())
        })
        .or_else(|| self.environment.key_value(key.name()))
    }

    /// Returns the comma-separated items of a list and their origin: the items of the flags, else of
    /// all arguments, else of the environment. Empty lists count as not given.
    pub(crate) fn list(&self, flags: &'a [String], key: Key) -> Option<(Origin, Vec<&'a str>)> {
        let arguments = self
            .given
            .iter()
            .filter(|argument| argument.name == key.name());
        let arguments = arguments.map(|argument| argument.value.as_str()).collect();
        let environment = self.environment.key_value(key.name());
        let flags = flags.iter().map(String::as_str).collect();
        [
            (Origin::CommandLine, flags),
            (Origin::CommandLine, arguments),
            (Origin::Environment, environment.into_iter().collect()),
        ]
        .into_iter()
        .map(|(origin, texts): (Origin, Vec<&str>)| (origin, items(&texts)))
        .find(|(_, items)| !items.is_empty())
    }
}

impl ListArgs {
    /// Returns the lists, separated by commas. `--images-list` takes precedence over them.
    ///
    /// # Errors
    ///
    /// [`Failure`] for keys that the command does not accept.
    pub(crate) fn images_file<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> Result<Option<&'a str>, Failure> {
        let values = KeyValueArgs::new(&self.key_values, &[Key::ImagesFile], environment)?;
        Ok(values.value(None, Key::ImagesFile))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn flags_take_precedence_over_arguments_and_the_environment() -> Result<(), Failure> {
        let set = |name: &str| (name == "DEST_ORG_OVERRIDE").then(|| OsString::from("environment"));
        let environment = Environment::read(set, &Key::names());
        let keys = [Key::DestOrgOverride, Key::DestRegistryOverride];
        let given: Vec<KeyValue> = ["DEST_ORG_OVERRIDE=argument", "DEST_REGISTRY_OVERRIDE="]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let both = KeyValueArgs::new(&given, &keys, &environment)?;
        assert_eq!(both.value(Some("flag"), Key::DestOrgOverride), Some("flag"));
        assert_eq!(both.value(None, Key::DestOrgOverride), Some("argument"));
        assert_eq!(both.value(None, Key::DestRegistryOverride), None);
        let alone = KeyValueArgs::new(&[], &keys, &environment)?;
        assert_eq!(alone.value(None, Key::DestOrgOverride), Some("environment"));
        Ok(())
    }

    #[test]
    fn list_items_are_separated_by_commas_or_repeated() {
        let set = |name: &str| (name == "TAGS").then(|| OsString::from("5,6"));
        let environment = Environment::read(set, &Key::names());
        let given = ["TAGS=1, 2,,", "IMAGES=a", "TAGS=3"];
        let given = given.map(|text| text.parse().unwrap());
        let keys = [Key::Tags, Key::Images];
        let flags = ["4".to_owned(), "4,5".to_owned()];
        let tags = |given: &[KeyValue], flags: &[String]| {
            let values = KeyValueArgs::new(given, &keys, &environment).unwrap();
            let (origin, tags) = values.list(flags, Key::Tags).unwrap();
            (origin, tags.join(" "))
        };
        let given_as = |text: &str| (Origin::CommandLine, text.to_owned());
        assert_eq!(tags(&given, &flags), given_as("4 4 5"));
        assert_eq!(tags(&given, &[]), given_as("1 2 3"));
        assert_eq!(
            tags(&[], &[",".to_owned()]),
            (Origin::Environment, "5 6".to_owned())
        );
    }

    #[test]
    fn argument_without_a_known_key_is_rejected() {
        assert_eq!("IMAGES_FILE".parse::<KeyValue>(), Err(KeyValueError::Form));
        let environment = Environment::default();
        let add_tag = &[Key::Images, Key::Tags, Key::FullImages, Key::ImagesFile][..];
        let lists = &[Key::ImagesFile][..];
        for (keys, text, want) in [
            (lists, "images_file=x", "did you mean IMAGES_FILE=…?"),
            (lists, "FOO=x", "its only key is IMAGES_FILE"),
            (lists, "TAGS=x", "its only key is IMAGES_FILE"),
            (add_tag, "TAG=x", "did you mean TAGS=…?"),
            (add_tag, "IMAGE=x", "did you mean IMAGES=…?"),
            (add_tag, "FULL_IMAGE=x", "did you mean FULL_IMAGES=…?"),
            (
                add_tag,
                "=x",
                "use one of these keys: IMAGES, TAGS, FULL_IMAGES, IMAGES_FILE",
            ),
        ] {
            let given = [text.parse().unwrap()];
            let refused = KeyValueArgs::new(&given, keys, &environment).unwrap_err();
            assert_eq!(refused.hint.as_deref(), Some(want), "{text}");
        }
    }
}
