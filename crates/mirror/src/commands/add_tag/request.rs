//! From the arguments of `add-tag` to the rows that are wanted.

use images_list::{Repository, Tag};

use super::args::AddTagArgs;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::image_name::ImageName;
use crate::cli::key_value::Key;
use crate::cli::key_value::{Operands, Origin};
use crate::rows::adding::{Destination, Pair, Wanted};

const EXAMPLE: &str = "write IMAGES=quay.io/coreos/etcd TAGS=v3.4.20,v3.5.1 \
                       or FULL_IMAGES=busybox:1.36,alpine:3.20";

impl AddTagArgs {
    /// What is to be added, and the lists that operand or environment name.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names every word that is no image or tag, and where
    /// nothing is asked for.
    pub(crate) fn wanted<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> Result<(Wanted, Option<&'a str>), Failure> {
        let keys = [Key::ImagesFile, Key::Images, Key::Tags, Key::FullImages];
        let operands = Operands::new(&self.operands, &keys, environment)?;
        let images = operands.list(&self.images, Key::Images);
        let tags = operands.list(&self.tags, Key::Tags);
        let full = operands.list(&self.full_images, Key::FullImages);
        // A form that stands in the environment only was left there by somebody else where the
        // command line says what to add in the other form.
        let origin = |said: &Option<(Origin, Vec<&str>)>| said.as_ref().map(|(origin, _)| *origin);
        let product = origin(&images).max(origin(&tags));
        let mut words = Words::default();
        let mut pairs = Vec::new();
        if product.is_some() && product >= origin(&full) {
            pairs.extend(words.product(images, tags)?);
        }
        if let Some((origin, images)) = full
            && Some(origin) >= product
        {
            pairs.extend(words.full(&images));
        }
        words.refuse()?;
        if pairs.is_empty() {
            return Err(Failure::unusable("nothing to add is named").hint(EXAMPLE.to_owned()));
        }
        let wanted = Wanted {
            pairs: without_repetition(pairs),
            destination: self.destination(),
        };
        wanted.check()?;
        Ok((wanted, operands.value(None, Key::ImagesFile)))
    }

    fn destination(&self) -> Destination {
        match &self.dest {
            None => Destination::OfTheList,
            Some(name) if self.new => Destination::New(name.clone()),
            Some(name) => Destination::Named(name.clone()),
        }
    }
}

/// Collects what is wrong with the words.
#[derive(Debug, Default)]
struct Words {
    wrong: Vec<String>,
}

impl Words {
    fn product(
        &mut self,
        images: Option<(Origin, Vec<&str>)>,
        tags: Option<(Origin, Vec<&str>)>,
    ) -> Result<Vec<Pair>, Failure> {
        let missing = |what: &str, other: &str| {
            Failure::unusable(format!("{other} without {what}")).hint(EXAMPLE.to_owned())
        };
        let (_, images) = images.ok_or_else(|| missing("IMAGES", "TAGS"))?;
        let (_, tags) = tags.ok_or_else(|| missing("TAGS", "IMAGES"))?;
        let parse = |word: &str, why: &dyn std::fmt::Display| format!("`{word}`: {why}");
        let mut sources: Vec<Repository> = Vec::new();
        for word in images {
            match word.parse() {
                Ok(source) => sources.push(source),
                Err(error) => self.wrong.push(parse(word, &error)),
            }
        }
        let mut names: Vec<Tag> = Vec::new();
        for word in tags {
            match word.parse() {
                Ok(tag) => names.push(tag),
                Err(error) => self.wrong.push(parse(word, &error)),
            }
        }
        let pair = |source: &Repository, tag: &Tag| Pair {
            source: source.clone(),
            tag: tag.clone(),
        };
        let pairs = sources
            .iter()
            .flat_map(|source| names.iter().map(move |tag| pair(source, tag)));
        Ok(pairs.collect())
    }

    fn full(&mut self, words: &[&str]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for word in words {
            match full_image(word) {
                Ok(pair) => pairs.push(pair),
                Err(why) => self.wrong.push(format!("`{word}`: {why}")),
            }
        }
        pairs
    }

    fn refuse(self) -> Result<(), Failure> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(Failure::unusable(self.wrong.join("; ")).hint(EXAMPLE.to_owned()))
    }
}

fn full_image(word: &str) -> Result<Pair, String> {
    let parse = |word: &str| word.parse::<ImageName>().map_err(|error| error.to_string());
    let image = parse(word)?;
    if let Some((name, _)) = word.split_once('@')
        && parse(name)?.tag.is_some()
    {
        return Err("it has a tag and a digest: a row has one of them".to_owned());
    }
    let tag = image.tag.ok_or("its tag is missing: write NAME:TAG")?;
    let source = image.repository;
    Ok(Pair { source, tag })
}

fn without_repetition(pairs: Vec<Pair>) -> Vec<Pair> {
    let mut seen = std::collections::HashSet::new();
    pairs
        .into_iter()
        .filter(|pair| seen.insert(pair.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        args: AddTagArgs,
    }

    fn wanted(line: &str, variables: &[(&str, &str)]) -> Result<String, Failure> {
        let line = format!("add-tag {line}");
        let CommandLine { args } = CommandLine::try_parse_from(line.split(' ')).unwrap();
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        };
        let environment = Environment::read(get, &Key::names());
        let (wanted, _) = args.wanted(&environment)?;
        let pairs = wanted
            .pairs
            .iter()
            .map(|pair| format!("{}:{}", pair.source, pair.tag));
        Ok(pairs.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_image_with_each_tag_and_full_images() {
        let variables = [("TAGS", "9"), ("FULL_IMAGES", "other:1")];
        let table = [
            (
                "IMAGES=a,h:5000/b TAGS=1,2",
                "a:1 a:2 h:5000/b:1 h:5000/b:2",
            ),
            ("--images a", "a:9"),
            ("--full-images b:1,h:5000/b:2", "b:1 h:5000/b:2"),
            ("--full-images b:1 IMAGES=a TAGS=1", "a:1 b:1"),
            ("--tags 1 TAGS=2 IMAGES=a,docker.io/library/a", "a:1"),
        ];
        for (line, want) in table {
            assert_eq!(wanted(line, &variables).unwrap(), want, "{line}");
        }
        let both = [("TAGS", "9"), ("IMAGES", "a"), ("FULL_IMAGES", "b:1")];
        assert_eq!(wanted("--dry-run", &both).unwrap(), "a:9 b:1");
    }

    #[test]
    fn every_word_that_cannot_be_used_is_named() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let table = [
            ("IMAGES=a".to_owned(), vec!["IMAGES without TAGS"]),
            ("TAGS=a".to_owned(), vec!["TAGS without IMAGES"]),
            ("--dry-run".to_owned(), vec!["nothing to add"]),
            (
                "IMAGES=a:1,B TAGS=-".to_owned(),
                vec!["`a:1`: ", "`B`: ", "`-`: "],
            ),
            (
                format!("FULL_IMAGES=a,a:1@{digest}"),
                vec!["`a`: its tag", "a tag and a digest"],
            ),
            (
                "--new --dest r/a FULL_IMAGES=a:1,b:1".to_owned(),
                vec!["--new takes one image"],
            ),
        ];
        for (line, parts) in table {
            let failure = wanted(&line, &[]).unwrap_err();
            for part in parts {
                assert!(failure.message.contains(part), "{line}: {failure}");
            }
        }
        assert_eq!(
            wanted(&format!("FULL_IMAGES=a@{digest}"), &[]).unwrap(),
            format!("a:{digest}")
        );
    }
}
