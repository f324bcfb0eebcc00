//! Running `mirror import`.

use std::path::Path;
use std::sync::Arc;

use bundle::read::{
    ArchiveReader, BundleRegistry, Head, Members, Opened, ReadError, SignatureState,
};
use copier::{ForeignLayers, MovedTag, Options, OrderedBlobs};
use registry_client::{Access, Client};

use super::args::ImportArgs;
use super::requirements::Requirements;
use super::source::BundleSource;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::bundle_file::{BundleFileArgs, refused};
use crate::files::list_file;
use crate::files::targets_file;
use crate::registries::client::{self, ClientLimits};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::copying::engine::{CopyRequest, copy_rows};
use crate::rows::copying::publish::publish;
use crate::rows::copying::report::{ReportBundle, RunReport};
use crate::rows::copying::run::CopyRun;
use crate::rows::imported::ImportedRows;
use crate::rows::target_settings;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};
use crate::terminal::logging;

/// The name of the bundle's registry. No other registry has it (RFC 2606).
const HOST: &str = "bundle.invalid";

/// Runs `mirror import`: copies the selected images of a bundle.
///
/// # Errors
///
/// [`Failure`] for a bundle that is refused, and for required content that is missing. Nothing is written
/// then.
pub(crate) async fn run(session: &Session, args: &ImportArgs) -> Result<Exit, Failure> {
    args.copying.report.begin()?;
    let name = args.bundle.name();
    let input = open(&args.bundle)?;
    let head = input.head();
    warn_about_signature(&head, args.bundle.verify_key.as_deref());
    let lists = list_file::paths(&session.common.images_list, None);
    let signatures = SignatureCheck::read(session, &lists)?;
    if signatures.is_some() {
        check_for_policy(&input, &head)?;
    }
    let targets = targets_file::require_valid(&session.common, &lists)?;
    let mut imported = args
        .select
        .select(&session.environment, &head.contents, &targets)?;
    target_settings::apply_to_imported(&mut imported, args.copying.no_referrers);
    let limits = ClientLimits {
        hosts: target_settings::host_limits(&targets),
        ..args.copying.limits()
    };
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let source = match input {
        Input::Members(members) => BundleSource::stream(*members, &imported, args.copying.dry_run),
        Input::Opened(opened) => BundleSource::seekable(opened),
    };
    let source = source.map_err(|error| refused(&name, &error))?;
    let requirements = Requirements::new(&client, &imported, &head.contents, &source.required_by);
    let known = Box::pin(requirements.check()).await?;
    let mut registry = source.registry(&head, &imported);
    for blob in &known {
        registry.set_location(blob.digest.clone(), blob.repository.clone());
    }
    set_destinations(&mut registry, &head, &imported, &client);
    let registry = Arc::new(registry);
    let options = Options {
        referrers: !args.copying.no_referrers,
        foreign_layers: ForeignLayers::FromSource,
        overwrite_signatures: args.copying.overwrite_signatures,
        dry_run: args.copying.dry_run,
        grace: args.copying.grace,
        row_timeout: args.copying.row_timeout,
        known_blobs: known,
        ordered: source.ordered().map(|it| it as Arc<dyn OrderedBlobs>),
        ..Options::default()
    };
    let request = CopyRequest {
        signatures,
        ..request(&client, &registry, imported)?
    };
    let run = copy_rows(session, &options, request).await?;
    let failure = registry
        .take_failure()
        .or_else(|| source.take_failure(&run));
    report(session, args, (&head, &run), failure)
}

/// A bundle that was opened.
enum Input {
    /// It is read from start to end.
    Members(Box<Members>),
    /// It can be read at any position.
    Opened(Opened),
}

impl Input {
    fn head(&self) -> Arc<Head> {
        match self {
            Self::Members(members) => Arc::clone(members.head()),
            Self::Opened(opened) => Arc::clone(opened.head()),
        }
    }
}

fn open(args: &BundleFileArgs) -> Result<Input, Failure> {
    let key = args.key()?;
    if args.files.iter().any(|path| path == Path::new("-")) {
        if args.files.len() > 1 {
            return Err(Failure::unusable(
                "`-` is the whole bundle; it cannot be one of several files",
            )
            .hint("join volumes with `cat`".to_owned()));
        }
        let reader = ArchiveReader::from_stream("standard input", std::io::stdin(), key.as_ref());
        let reader = reader.map_err(|error| refused("on standard input", &error))?;
        return Ok(Input::Members(Box::new(Members::of_stream(reader))));
    }
    let opened = args.open(key.as_ref())?;
    let is_seekable = opened.is_seekable();
    match is_seekable.map_err(|error| refused(&args.name(), &error))? {
        true => Ok(Input::Opened(opened)),
        false => Ok(Input::Members(Box::new(opened.into_members()))),
    }
}

fn warn_about_signature(head: &Head, key: Option<&Path>) {
    if head.signature == SignatureState::Unverified && key.is_none() {
        tracing::warn!(
            "the bundle is signed, and its signature is not verified: use --verify-key KEY"
        );
    }
}

/// Checks that a policy can decide about the images of a bundle.
///
/// The names of the sources, which the policy is about, are those that the bundle gives: only its signature shows
/// that they are the names of the exporting side.
fn check_for_policy(input: &Input, head: &Head) -> Result<(), Failure> {
    if head.signature != SignatureState::Verified {
        return Err(Failure::unusable(
            "there is a policy, and no verified signature proves the sources that the bundle states",
        )
        .hint(
            "sign the bundle with `mirror export --sign KEY` and import it with --verify-key KEY; --no-policy \
             imports it without the policy"
                .to_owned(),
        ));
    }
    // Signatures come after the manifests, and an image is verified before its first byte is written.
    if matches!(input, Input::Members(_)) {
        return Err(Failure::unusable(
            "there is a policy, and the signatures in a pipe or a compressed archive are read too late",
        )
        .hint(
            "write the bundle to a file without compression, or to a directory, and import that"
                .to_owned(),
        ));
    }
    Ok(())
}

fn set_destinations(
    registry: &mut BundleRegistry,
    head: &Head,
    imported: &ImportedRows,
    client: &Client,
) {
    if !head.contents.is_delta() {
        return;
    }
    for row in &imported.rows {
        // A row reports its invalid name itself.
        if let Ok(destination) = client.destination(&row.run_row.row.destination, Access::Pull) {
            registry.set_destination(&head.contents.images[row.image], destination);
        }
    }
}

fn request(
    client: &Client,
    registry: &Arc<BundleRegistry>,
    imported: ImportedRows,
) -> Result<CopyRequest, Failure> {
    let unusable = |error: registry_client::Error| Failure::failed(error.to_string());
    let registry = Arc::clone(registry);
    client.insert_in_process(HOST, registry).map_err(unusable)?;
    let rows = imported.rows.into_iter();
    Ok(CopyRequest {
        rows: rows.map(|row| row.run_row).collect(),
        other_rows: Vec::new(),
        shard: None,
        moved: MovedTag::Kept,
        trust_lock: false,
        unlocked: Vec::new(),
        entries: Vec::new(),
        entry_findings: Vec::new(),
        tag_lists: Arc::default(),
        signatures: None,
        client: client.with_source_host(HOST).map_err(unusable)?,
    })
}

/// Publishes the report. An error of the bundle is reported beside the rows that failed because of it.
fn report(
    session: &Session,
    args: &ImportArgs,
    (head, run): (&Head, &CopyRun),
    failure: Option<ReadError>,
) -> Result<Exit, Failure> {
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &run.findings());
    let mut report = RunReport::new(run);
    report.bundle = Some(ReportBundle {
        identity: head.identity.to_string(),
        signature: head.signature.as_str().to_owned(),
        requires: head.contents.requires.len(),
    });
    let exit = publish(session, "mirror import", &args.copying.report, &report)?;
    let Some(error) = failure else {
        return Ok(exit);
    };
    let failure = refused(&args.bundle.name(), &error).after_requests();
    logging::report(&failure, session.common.log_format);
    Ok(exit.max(failure.exit))
}
