//! The output of an export: a file, a directory or standard output.

use std::path::PathBuf;
use std::str::FromStr;

/// The output of an export, by the form of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputName {
    /// `-`
    Stdout,
    /// `FILE.tar`
    Tar(PathBuf),
    /// `FILE.tar.zst` or `FILE.tzst`
    CompressedTar(PathBuf),
    /// Any other name.
    Directory(PathBuf),
}

/// The ends of names of archives that are not written.
const OTHER_ARCHIVES: [&str; 12] = [
    ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz", ".tar.lz4", ".zip", ".gz",
    ".zst", ".xz",
];

/// An output with a name that is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutputNameError {
    /// The name of a compressed archive of another kind.
    #[error("`{0}` is no format of a bundle: name a file .tar or .tar.zst, or a directory")]
    OtherArchive(&'static str),
    /// No name.
    #[error("expected FILE.tar, FILE.tar.zst, a directory, or - for standard output")]
    Empty,
}

impl FromStr for OutputName {
    type Err = OutputNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(OutputNameError::Empty);
        }
        if text == "-" {
            return Ok(Self::Stdout);
        }
        let path = PathBuf::from(text);
        let lower = text.to_ascii_lowercase();
        if lower.ends_with(".tar") {
            return Ok(Self::Tar(path));
        }
        if lower.ends_with(".tar.zst") || lower.ends_with(".tzst") {
            return Ok(Self::CompressedTar(path));
        }
        let mut others = OTHER_ARCHIVES.into_iter();
        match others.find(|end| lower.ends_with(end)) {
            Some(end) if !path.is_dir() => Err(OutputNameError::OtherArchive(end)),
            _ => Ok(Self::Directory(path)),
        }
    }
}

impl std::fmt::Display for OutputName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("-"),
            Self::Tar(path) | Self::CompressedTar(path) | Self::Directory(path) => {
                write!(f, "{}", path.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_decides_about_the_form() {
        let parse = |text: &str| text.parse::<OutputName>();
        assert_eq!(parse("-"), Ok(OutputName::Stdout));
        for name in ["a.tar", "./x/A.TAR"] {
            assert_eq!(parse(name), Ok(OutputName::Tar(name.into())));
        }
        for name in ["a.tar.zst", "a.tzst"] {
            assert_eq!(parse(name), Ok(OutputName::CompressedTar(name.into())));
        }
        for name in ["bundle", "bundle.d/", "tar"] {
            assert_eq!(parse(name), Ok(OutputName::Directory(name.into())));
        }
        for name in ["a.tar.gz", "a.tgz", "a.zip", "a.zst"] {
            assert!(parse(name).is_err(), "{name}");
        }
        assert_eq!(parse(""), Err(OutputNameError::Empty));
    }
}
