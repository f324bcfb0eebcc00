//! Running `mirror bundle`.

use std::path::Path;
use std::sync::Arc;

use bundle::read::{ArchiveReader, Members, ReadError, Volumes, list, verify};
use clap::{Args, Subcommand};

use super::contents::BundleContents;
use super::verified::VerifiedBundle;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::bundle_file::{BundleFileArgs, refused};
use crate::session::Session;

/// The arguments of `bundle`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  mirror bundle inspect bundle.tar                            list images, sizes, platforms
  mirror bundle verify bundle.tar.* --verify-key mirror.pub   check every digest and reference")]
pub(crate) struct BundleArgs {
    #[command(subcommand)]
    pub(crate) command: BundleCommand,
}

/// The subcommands of `bundle`.
#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// List the images of a bundle with their sizes, platforms and referrers
    ///
    /// Layers are not read, so their digests are not checked.
    Inspect(BundleFileArgs),
    /// Check every digest and every reference of a bundle, offline
    ///
    /// Everything that the images refer to must be in the bundle or required from the destination, and
    /// nothing else may be in it.
    Verify(BundleFileArgs),
}

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] for a bundle that cannot be read or is refused.
pub(crate) fn run(session: &Session, args: &BundleArgs) -> Result<Exit, Failure> {
    match &args.command {
        BundleCommand::Inspect(args) => inspect(session, args),
        BundleCommand::Verify(args) => check(session, args),
    }
}

fn inspect(session: &Session, args: &BundleFileArgs) -> Result<Exit, Failure> {
    let (members, _) = open(args)?;
    let listing = list(members).map_err(|error| refused(&args.name(), &error))?;
    let contents = BundleContents::new(&listing);
    session.output.write(&contents, &contents)?;
    Ok(Exit::Done)
}

fn check(session: &Session, args: &BundleFileArgs) -> Result<Exit, Failure> {
    let (members, volumes) = open(args)?;
    let refuse = |error: ReadError| match error {
        ReadError::Io { .. } => refused(&args.name(), &error),
        // The check has found something.
        error => refused(&args.name(), &error).after_requests(),
    };
    let compared = match &volumes {
        Some(volumes) => volumes.check().map_err(refuse)?,
        None => 0,
    };
    let head = Arc::clone(members.head());
    let verified = verify(members).map_err(refuse)?;
    let verified = VerifiedBundle::new(&head, verified, compared);
    session
        .output
        .write_outcome(&verified, &verified, Exit::Done)?;
    Ok(Exit::Done)
}

/// Opens the bundle of a command, which may be on standard input.
fn open(args: &BundleFileArgs) -> Result<(Members, Option<Arc<Volumes>>), Failure> {
    let key = args.key()?;
    if let [path] = &args.files[..]
        && path == Path::new("-")
    {
        let reader = ArchiveReader::from_stream("standard input", std::io::stdin(), key.as_ref());
        let reader = reader.map_err(|error| refused("on standard input", &error))?;
        return Ok((Members::of_stream(reader), None));
    }
    let opened = args.open(key.as_ref())?;
    let volumes = opened.volumes().cloned();
    Ok((opened.into_members(), volumes))
}
