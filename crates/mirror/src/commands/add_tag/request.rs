//! Parsing the arguments of `add-tag` into a request.

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;

use image_name::{ManifestReference, RepositoryName};

use super::args::AddTagArgs;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::image_argument::without_transport;
use crate::cli::key_value::{Key, KeyValueArgs, Origin};
use crate::registries::availability::ImageTag;
use crate::rows::adding::{AddRequest, DestinationChoice};
use image_name::ImageName;

const HINT: &str = "use IMAGES=quay.io/coreos/etcd TAGS=v3.4.20,v3.5.1 \
                       or FULL_IMAGES=busybox:1.36,alpine:3.20";

impl AddTagArgs {
    /// Returns the request, and the lists that an argument or the environment names.
    ///
    /// # Errors
    ///
    /// [`Failure`] with every invalid image and tag, and for a request without images.
    pub(super) fn request<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> Result<(AddRequest, Option<&'a str>), Failure> {
        let keys = [Key::ImagesFile, Key::Images, Key::Tags, Key::FullImages];
        let values = KeyValueArgs::new(&self.key_values, &keys, environment)?;
        let sources = values.list(&self.images, Key::Images);
        let tags = values.list(&self.tags, Key::Tags);
        let full = values.list(&self.full_images, Key::FullImages);
        // One form on the command line overrides the other form in the environment.
        let origin =
            |given: &Option<(Origin, Vec<&str>)>| given.as_ref().map(|(origin, _)| *origin);
        let product = origin(&sources).max(origin(&tags));
        let mut parser = WordParser::default();
        let mut images = Vec::new();
        if product.is_some() && product >= origin(&full) {
            images.extend(parser.product(sources, tags)?);
        }
        if let Some((origin, full)) = full
            && Some(origin) >= product
        {
            images.extend(parser.full_images(&full));
        }
        parser.finish()?;
        if images.is_empty() {
            return Err(Failure::unusable("no image to add was given").hint(HINT.to_owned()));
        }
        let request = AddRequest {
            images: without_duplicates(images),
            destination: self.destination(),
        };
        request.check()?;
        Ok((request, values.value(None, Key::ImagesFile)))
    }

    fn destination(&self) -> DestinationChoice {
        match &self.dest {
            None if self.new => DestinationChoice::NewDefault,
            None => DestinationChoice::FromList,
            Some(name) if self.new => DestinationChoice::New(name.clone()),
            Some(name) => DestinationChoice::Named(name.clone()),
        }
    }
}

/// A parser of images and tags that collects all errors.
#[derive(Debug, Default)]
struct WordParser {
    errors: Vec<String>,
}

impl WordParser {
    /// Returns every image with every tag.
    fn product(
        &mut self,
        images: Option<(Origin, Vec<&str>)>,
        tags: Option<(Origin, Vec<&str>)>,
    ) -> Result<Vec<ImageTag>, Failure> {
        let missing = |missing: &str, given: &str| {
            Failure::unusable(format!("{given} requires {missing}")).hint(HINT.to_owned())
        };
        let (_, images) = images.ok_or_else(|| missing("IMAGES", "TAGS"))?;
        let (_, tags) = tags.ok_or_else(|| missing("TAGS", "IMAGES"))?;
        let sources: Vec<RepositoryName> = self.parse(images);
        let tags: Vec<ManifestReference> = self.parse(tags);
        let image = |source: &RepositoryName, tag: &ManifestReference| ImageTag {
            source: source.clone(),
            tag: tag.clone(),
            pinned_tag: None,
        };
        let images = sources
            .iter()
            .flat_map(|source| tags.iter().map(move |tag| image(source, tag)));
        Ok(images.collect())
    }

    /// Returns the valid values, and collects the errors of the others.
    fn parse<T: FromStr<Err: Display>>(&mut self, words: Vec<&str>) -> Vec<T> {
        let mut parsed = Vec::new();
        for word in words {
            match without_transport(word).parse() {
                Ok(value) => parsed.push(value),
                Err(error) => self.errors.push(format!("`{word}`: {error}")),
            }
        }
        parsed
    }

    fn full_images(&mut self, words: &[&str]) -> Vec<ImageTag> {
        let mut images = Vec::new();
        for word in words {
            match full_image(word) {
                Ok(image) => images.push(image),
                Err(error) => self.errors.push(format!("`{word}`: {error}")),
            }
        }
        images
    }

    fn finish(self) -> Result<(), Failure> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Failure::unusable(self.errors.join("; ")).hint(HINT.to_owned()))
    }
}

fn full_image(word: &str) -> Result<ImageTag, String> {
    let parse = |word: &str| word.parse::<ImageName>().map_err(|error| error.to_string());
    let word = without_transport(word);
    let image = parse(word)?;
    if let Some((name, _)) = word.split_once('@')
        && parse(name)?.tag.is_some()
    {
        return Err("expected a tag or a digest, found both".to_owned());
    }
    let tag = image.manifest().ok_or("missing tag, expected NAME:TAG")?;
    let source = image.repository;
    Ok(ImageTag {
        source,
        tag,
        pinned_tag: None,
    })
}

fn without_duplicates(images: Vec<ImageTag>) -> Vec<ImageTag> {
    let mut seen = HashSet::new();
    images
        .into_iter()
        .filter(|image| seen.insert(image.clone()))
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

    fn request(line: &str, variables: &[(&str, &str)]) -> Result<String, Failure> {
        let line = format!("add-tag {line}");
        let CommandLine { args } = CommandLine::try_parse_from(line.split(' ')).unwrap();
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        };
        let environment = Environment::read(get, &Key::names());
        let (request, _) = args.request(&environment)?;
        let images = request
            .images
            .iter()
            .map(|image| format!("{}:{}", image.source, image.tag));
        Ok(images.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn request_combines_images_with_tags_and_adds_full_images() {
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
            assert_eq!(request(line, &variables).unwrap(), want, "{line}");
        }
        let both = [("TAGS", "9"), ("IMAGES", "a"), ("FULL_IMAGES", "b:1")];
        assert_eq!(request("--dry-run", &both).unwrap(), "a:9 b:1");
    }

    #[test]
    fn request_reports_every_invalid_image_and_tag() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let table = [
            ("IMAGES=a".to_owned(), vec!["IMAGES requires TAGS"]),
            ("TAGS=a".to_owned(), vec!["TAGS requires IMAGES"]),
            ("--dry-run".to_owned(), vec!["no image to add"]),
            (
                "IMAGES=a:1,B TAGS=-".to_owned(),
                vec!["`a:1`: ", "`B`: ", "`-`: "],
            ),
            (
                format!("FULL_IMAGES=a,a:1@{digest}"),
                vec!["`a`: missing tag", "found both"],
            ),
            (
                "--new --dest r/a FULL_IMAGES=a:1,b:1".to_owned(),
                vec!["--new accepts images of one source only"],
            ),
        ];
        for (line, parts) in table {
            let failure = request(&line, &[]).unwrap_err();
            for part in parts {
                assert!(failure.message.contains(part), "{line}: {failure}");
            }
        }
        assert_eq!(
            request(&format!("FULL_IMAGES=a@{digest}"), &[]).unwrap(),
            format!("a:{digest}")
        );
    }
}
