//! Running `mirror rewrite`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use image_name::Host;
use serde::Serialize;

use super::mapping::mappings;
use super::output_format::RewriteFormat;
use super::rewritten::{RewriteOptions, Rewritten};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, io_message};
use crate::files::atomic_file;
use crate::rows::mutable_args::AllowEmptyArgs;
use crate::rows::select_args::SelectArgs;
use crate::rows::selection;
use crate::rows::target_args::TargetArgs;
use crate::session::Session;

/// The arguments of `rewrite`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror rewrite --format registries-conf > /etc/containers/registries.conf.d/mirror.conf
  mirror rewrite --format k3s --target prime > registries.yaml
  mirror rewrite --format containerd-hosts --directory /etc/containerd/certs.d")]
pub(crate) struct RewriteArgs {
    /// Format of the configuration
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: RewriteFormat,
    /// Write files to this directory instead of printing them
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Fetch nothing from the sources, also if the mirror lacks an image
    #[arg(long)]
    no_fallback: bool,
    /// Name of the resource in a cluster
    #[arg(long, value_name = "NAME", default_value = "mirror", value_parser = resource_name)]
    name: String,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    empty: AllowEmptyArgs,
}

/// The result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RewriteReport {
    /// The format.
    format: String,
    /// The files.
    files: Vec<FileJson>,
    /// The mappings that the format cannot express.
    unmapped: Vec<UnmappedJson>,
    /// The files were written to `--directory`.
    #[serde(skip)]
    is_written: bool,
}

/// A file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FileJson {
    /// The usual name, or the path of the written file.
    path: String,
    /// The text.
    text: String,
}

/// A mapping that the format cannot express.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UnmappedJson {
    /// The image or repository that consumers name.
    source: String,
    /// The image or repository at the mirror.
    destination: String,
    /// The reason.
    message: String,
}

/// Runs the command. Exits with 1 if the format cannot express a mapping.
///
/// # Errors
///
/// [`Failure`] for lists and locks that cannot be read, and for files that cannot be written.
pub(crate) async fn run(session: &Session, args: &RewriteArgs) -> Result<Exit, Failure> {
    if args.no_fallback && args.format == RewriteFormat::K3s {
        let message = "--no-fallback is no setting of registries.yaml";
        return Err(Failure::unusable(message).hint(
            "start k3s with --disable-default-registry-endpoint, and run without --no-fallback"
                .to_owned(),
        ));
    }
    let options = options(session, args)?;
    let select = SelectArgs::of_targets(args.target.clone(), args.empty);
    let selection = Box::pin(selection::select_with_locked(session, &select)).await?;
    let mappings = mappings(&selection)?;
    let rewritten = args.format.write(&mappings, &options);
    let mut report = RewriteReport::new(&options, &rewritten);
    if let Some(directory) = &args.directory {
        report.write_to(directory)?;
    }
    for unmapped in &rewritten.unmapped {
        let format = &options.format_name;
        tracing::error!("{unmapped}: {format} {}", unmapped.reason);
    }
    session.output.write(&report, &report)?;
    Ok(Exit::from_findings(!report.unmapped.is_empty()))
}

fn options(session: &Session, args: &RewriteArgs) -> Result<RewriteOptions, Failure> {
    let insecure = session.common.insecure.iter().map(|host| {
        let parsed = host.parse::<Host>();
        parsed.map_err(|error| Failure::unusable(format!("--insecure: {error}")))
    });
    let format = args.format.to_possible_value();
    Ok(RewriteOptions {
        format_name: format
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default(),
        name: args.name.clone(),
        no_fallback: args.no_fallback,
        insecure: insecure.collect::<Result<_, _>>()?,
    })
}

/// Parses the name of a resource: a DNS subdomain, with space for the number of a further policy.
fn resource_name(text: &str) -> Result<String, String> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let edges = [text.chars().next(), text.chars().last()];
    if text.len() <= 240 && text.chars().all(is_inner) && edges.into_iter().all(is_edge) {
        return Ok(text.to_owned());
    }
    Err("write lower-case letters, digits, `-` and `.`".to_owned())
}

impl RewriteReport {
    fn new(options: &RewriteOptions, rewritten: &Rewritten) -> Self {
        let files = rewritten.files.iter().map(|file| FileJson {
            path: file.path.clone(),
            text: file.text.clone(),
        });
        let unmapped = rewritten.unmapped.iter().map(|unmapped| UnmappedJson {
            source: unmapped.source.clone(),
            destination: unmapped.destination.clone(),
            message: format!("{} {}", options.format_name, unmapped.reason),
        });
        Self {
            format: options.format_name.clone(),
            files: files.collect(),
            unmapped: unmapped.collect(),
            is_written: false,
        }
    }

    /// Writes the files. Each is replaced whole.
    fn write_to(&mut self, directory: &Path) -> Result<(), Failure> {
        for file in &mut self.files {
            let path = directory.join(&file.path);
            let parent = path.parent().unwrap_or(directory);
            fs::create_dir_all(parent).map_err(|error| {
                let message = format!("cannot create {}: {}", parent.display(), io_message(&error));
                Failure::unusable(message).hint("name a directory that you can write to".to_owned())
            })?;
            atomic_file::write(&path, file.text.as_bytes())?;
            file.path = path.display().to_string();
        }
        self.is_written = true;
        Ok(())
    }
}

/// The text of the files, or the paths of those that were written.
impl fmt::Display for RewriteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, file) in self.files.iter().enumerate() {
            if self.is_written {
                writeln!(f, "{}", file.path)?;
                continue;
            }
            if self.files.len() > 1 {
                let blank = if at > 0 { "\n" } else { "" };
                writeln!(f, "{blank}# {}", file.path)?;
            }
            f.write_str(&file.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<RewriteReport>("rewrite");
    }

    #[test]
    fn resource_has_a_name_of_kubernetes() {
        for (name, is_valid) in [
            ("mirror", true),
            ("a.b-1", true),
            ("A", false),
            ("-a", false),
            ("", false),
        ] {
            assert_eq!(resource_name(name).is_ok(), is_valid, "{name}");
        }
    }
}
