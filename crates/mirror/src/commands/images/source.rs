//! The sources on the command line.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bundle::image_files::{ImageFile, Selector, SourceFile, Transport};
use image_name::ImageName;
use url::Url;

use crate::cli::failure::Failure;
use crate::cli::image_argument;

/// A source of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Standard input.
    Stdin,
    /// A chart in a registry, `oci://…`.
    RegistryChart(String),
    /// A URL: a file, or a chart repository with `--chart`.
    Url(Url),
    /// An image in a file, as skopeo names it: `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`.
    File(ImageFile),
    /// A path or the name of an image.
    Name(String),
}

/// A path or an image.
#[derive(Debug)]
pub(super) enum Named {
    /// An existing file or directory.
    Path(PathBuf),
    /// An image layout or archive.
    File(ImageFile),
    /// The name of an image.
    Image(ImageName),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if text.starts_with("oci://") {
            return Ok(Self::RegistryChart(text.to_owned()));
        }
        if let Ok(file) = text.parse::<ImageFile>() {
            return Ok(Self::File(file));
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Url(url)),
            _ => Ok(Self::Name(text.to_owned())),
        }
    }
}

/// Returns the file or the image that a name means.
///
/// # Errors
///
/// [`Failure`] for a name that is neither an existing file nor the name of an image.
pub(super) fn resolve(name: &str) -> Result<Named, Failure> {
    let path = Path::new(name);
    if let Some(transport) = transport(path) {
        return Ok(Named::File(ImageFile {
            transport,
            path: path.to_owned(),
            selector: Selector::Only,
        }));
    }
    if path.exists() {
        return Ok(Named::Path(path.to_owned()));
    }
    let missing = |cause: &str| {
        Failure::unusable(format!("cannot read {name}: {cause}")).hint(
            "name a file, a directory, a chart, a URL, or an image such as quay.io/org/bundle:v1"
                .to_owned(),
        )
    };
    let looks_like_path = name.starts_with(['.', '/'])
        || [".yaml", ".yml", ".json", ".txt", ".tgz", ".tar", ".lock"]
            .iter()
            .any(|ending| name.ends_with(ending));
    if looks_like_path {
        return Err(missing("no such file or directory"));
    }
    match image_argument::image(name) {
        Ok(image) if image.tag.is_some() || image.digest.is_some() => Ok(Named::Image(image)),
        Ok(_) if !name.contains('/') => Err(missing("no such file or directory")),
        Ok(image) => Ok(Named::Image(image)),
        Err(error) => Err(missing(&format!("no such file, and not an image: {error}"))),
    }
}

/// Returns the form of a path that is an image layout or archive.
fn transport(path: &Path) -> Option<Transport> {
    if path.join("oci-layout").is_file() {
        return Some(Transport::Oci);
    }
    if path.extension() != Some("tar".as_ref()) || !path.is_file() {
        return None;
    }
    let layout = ImageFile {
        transport: Transport::OciArchive,
        path: path.to_owned(),
        selector: Selector::Position(0),
    };
    match SourceFile::open(&layout) {
        Ok(_) => Some(Transport::OciArchive),
        Err(_) => Some(Transport::DockerArchive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        let parsed = |text: &str| text.parse::<Source>().unwrap();
        assert_eq!(parsed("-"), Source::Stdin);
        assert!(matches!(
            parsed("oci://r.io/charts/a"),
            Source::RegistryChart(_)
        ));
        assert!(matches!(parsed("https://r.io/a.yaml"), Source::Url(_)));
        assert!(matches!(parsed("r.io:5000/a:1"), Source::Name(_)));
        let image = |name: &str| matches!(resolve(name), Ok(Named::Image(_)));
        for (name, is_image) in [
            ("quay.io/a/b:v1", true),
            ("quay.io/a/b", true),
            ("docker://quay.io/a/b", true),
            ("busybox:1.36", true),
            ("./nothing", false),
            ("nothing.yaml", false),
            ("nothing", false),
            ("A B", false),
        ] {
            assert_eq!(image(name), is_image, "{name}");
        }
        assert!(matches!(resolve("Cargo.toml"), Ok(Named::Path(_))));
    }
}
