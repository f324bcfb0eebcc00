//! The images of compose files.

use super::dockerfile::dockerfile;
use super::interpolation::{Variables, interpolate};
use crate::extracted_image::{Evidence, ExtractedImage, path_segment};
use crate::extracted_text::{ExtractedText, Include};
use crate::image_reference::ImageReference;
use crate::yaml::{AliasBudget, Map, Node, Scalar, parse, split_documents};

/// The form of an image as a build context.
const IMAGE_CONTEXT: &str = "docker-image://";

/// Extracts the images that the services of a compose file pull, with variables and their defaults.
/// A service that is built has no image; an image without a tag is `latest`.
#[must_use]
pub fn compose(text: &str, variables: &Variables) -> ExtractedText {
    let mut reader = Reader {
        variables,
        lines_before: 0,
        found: ExtractedText::default(),
    };
    let mut budget = AliasBudget::default();
    for document in split_documents(text) {
        let Some(roots) = parse(document.text, &mut budget) else {
            let problem = format!("line {}: the compose file is not YAML", document.line);
            reader.found.problems.push(problem);
            continue;
        };
        reader.lines_before = document.line - 1;
        for root in roots {
            if let Node::Map(file) = &*root {
                reader.file(file);
            }
        }
    }
    reader.found
}

struct Reader<'a> {
    variables: &'a Variables,
    lines_before: usize,
    found: ExtractedText,
}

impl Reader<'_> {
    fn file(&mut self, file: &Map) {
        for included in file.items("include") {
            match &**included {
                Node::Scalar(path) => self.include(path),
                Node::Map(map) => {
                    map.scalar("path")
                        .into_iter()
                        .for_each(|path| self.include(path));
                    map.scalars("path").for_each(|path| self.include(path));
                }
                _ => {}
            }
        }
        let services = file.map("services");
        for (name, service) in services.iter().flat_map(|services| &services.0) {
            if let Node::Map(service) = &**service {
                self.service(name, service);
            }
        }
    }

    fn include(&mut self, path: &Scalar) {
        let line = self.lines_before + path.line;
        match interpolate(path, &|name| self.variables.get(name).cloned()) {
            Ok(path) => self.found.includes.push(Include { path, line }),
            Err(error) => self.problem(line, "include", &error.to_string()),
        }
    }

    fn service(&mut self, name: &Scalar, service: &Map) {
        let place = format!("services.{}", path_segment(name, &['.']));
        let pulled = service.text("pull_policy").is_some_and(is_pulled);
        if let Some(build) = service.get("build").filter(|_| !pulled) {
            let line = self.lines_before + name.line;
            self.found
                .notes
                .push(format!("line {line}: {place} is built, not pulled"));
            if let Node::Map(build) = build {
                self.build(&place, build);
            }
        } else if let Some(image) = service.scalar("image") {
            self.image(image, &format!("{place}.image"));
        }
        if let Some(extends) = service.map("extends")
            && let Some(file) = extends.scalar("file")
        {
            self.include(file);
        }
        for (volume, at) in service.items("volumes").iter().zip(0usize..) {
            if let Node::Map(volume) = &**volume
                && volume.text("type") == Some("image")
                && let Some(source) = volume.scalar("source")
            {
                self.image(source, &format!("{place}.volumes[{at}].source"));
            }
        }
    }

    /// Reads the images that a build pulls, as far as the compose file names them.
    fn build(&mut self, place: &str, build: &Map) {
        if let Some(inline) = build.scalar("dockerfile_inline") {
            let mut inner = dockerfile(inline, self.variables);
            let lines = self.lines_before + inline.line - 1;
            for image in &mut inner.images {
                image.location = format!("{place}.build.dockerfile_inline > {}", image.location);
                image.line += lines;
            }
            self.found.images.extend(inner.images);
            let problems = inner.problems.into_iter();
            let problems =
                problems.map(|problem| format!("{place}.build.dockerfile_inline: {problem}"));
            self.found.problems.extend(problems);
        }
        let place = format!("{place}.build.additional_contexts");
        let contexts = build.map("additional_contexts");
        for (name, context) in contexts.iter().flat_map(|contexts| &contexts.0) {
            if let Node::Scalar(context) = &**context {
                let place = format!("{place}.{}", path_segment(name, &[]));
                self.context(context, context, &place);
            }
        }
        for (context, at) in build.scalars("additional_contexts").zip(0usize..) {
            if let Some((_, value)) = context.split_once('=') {
                self.context(context, value, &format!("{place}[{at}]"));
            }
        }
    }

    /// Adds the image of a build context.
    fn context(&mut self, written: &Scalar, value: &str, place: &str) {
        if let Some(image) = value.strip_prefix(IMAGE_CONTEXT) {
            let image = Scalar {
                text: image.to_owned(),
                ..written.clone()
            };
            self.image(&image, place);
        }
    }

    fn image(&mut self, written: &Scalar, place: &str) {
        let line = self.lines_before + written.line;
        let text = match interpolate(written, &|name| self.variables.get(name).cloned()) {
            Ok(text) => text,
            Err(error) => return self.problem(line, place, &error.to_string()),
        };
        match ImageReference::parse_certain(&text) {
            Ok(reference) => {
                let image = ExtractedImage::new(reference, Evidence::Strong, place.to_owned());
                self.found.images.push(image.at_line(line));
            }
            Err(error) => {
                let text: String = text.chars().take(100).collect();
                self.problem(line, place, &format!("`{text}` {error}"));
            }
        }
    }

    fn problem(&mut self, line: usize, place: &str, cause: &str) {
        self.found
            .problems
            .push(format!("line {line}: {place}: {cause}"));
    }
}

/// Reports whether a policy pulls the image of a service that can be built too.
fn is_pulled(policy: &str) -> bool {
    matches!(
        policy,
        "always" | "missing" | "if_not_present" | "daily" | "weekly"
    ) || policy.starts_with("every_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_images_with_defaults() {
        let text = "
x-base: &base {image: 'busybox:${BUSYBOX:-1.36}'}
include: [other.yaml, {path: [third.yaml]}]
services:
  web:
    image: nginx
    volumes: [{type: image, source: 'q.io/a/data:1', target: /x}, './a:/b']
  db: {<<: *base}
  built: {build: ., image: 'me/built:1'}
  inline:
    build:
      additional_contexts: {base: 'docker-image://alpine:3'}
      dockerfile_inline: |
        FROM golang:1.23
  unset: {image: 'a/b:$TAG'}
  set: {image: 'a/b:$SET'}
";
        let variables = Variables::from([("SET".to_owned(), "9".to_owned())]);
        let found = compose(text, &variables);
        let images: Vec<_> = found
            .images
            .iter()
            .map(|image| format!("{} {} {}", image.line, image.repository, image.location))
            .collect();
        assert_eq!(
            images,
            [
                "6 nginx services.web.image",
                "7 q.io/a/data services.web.volumes[0].source",
                "2 busybox services.db.image",
                "14 golang services.inline.build.dockerfile_inline > FROM",
                "12 alpine services.inline.build.additional_contexts.base",
                "16 a/b services.set.image",
            ]
        );
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].starts_with("line 15: services.unset.image: the variable TAG"));
        let includes: Vec<_> = found
            .includes
            .iter()
            .map(|include| &*include.path)
            .collect();
        assert_eq!(includes, ["other.yaml", "third.yaml"]);
        assert_eq!(found.notes.len(), 2);
    }
}
