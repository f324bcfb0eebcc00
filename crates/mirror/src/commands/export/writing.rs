//! The writing of the planned archive, with its progress.

use std::io;
use std::sync::Arc;

use bundle::plan::{ExportPlan, PlannedBlob};
use bundle::write::{
    WriteContext, WriteError, Written, write_compressed_file, write_directory, write_file,
    write_stream, write_volume,
};
use copier::{Progress, TransferGuard};
use registry_client::Client;

use super::args::ExportArgs;
use super::output::OutputName;
use crate::cli::failure::{Failure, io_message};
use crate::session::Session;

/// Maximum number of blobs that are downloaded concurrently.
const MAX_DOWNLOADS: u16 = 16;

/// Writes the archive to its output.
///
/// # Errors
///
/// [`WriteError`].
pub(super) async fn write(
    session: &Session,
    args: &ExportArgs,
    (plan, client): (&Arc<ExportPlan>, &Client),
) -> Result<Written, WriteError> {
    let progress = Arc::new(Progress::default());
    let count = plan.blobs.len();
    let display = &session.progress_display;
    let _display = display.show_units("blobs", count, &progress, client);
    let _watch = session.status_signal.watch(count, &progress, client);
    let context = WriteContext {
        jobs: usize::from(session.common.jobs.min(MAX_DOWNLOADS)),
        begin: Arc::new(move |blob| begin(&progress, blob)),
        stop: session
            .signals
            .listen()
            .map_err(|_| WriteError::Interrupted)?,
    };
    let plan = Arc::clone(plan);
    let volume_size = args.volume_size.map(|size| size.bytes());
    let only = args.only_volume.map(|number| number.get() as u64);
    match &args.archive {
        OutputName::Stdout => write_stream(plan, io::stdout(), &context).await,
        OutputName::Directory(path) => write_directory(plan, path, &context).await,
        OutputName::Tar(path) => match volume_size.zip(only) {
            Some(volume) => write_volume(plan, path, volume, &context).await,
            None => write_file(plan, path, volume_size, &context).await,
        },
        OutputName::CompressedTar(path) => {
            write_compressed_file(plan, path, (volume_size, only), &context).await
        }
    }
}

/// Begins a transfer in the progress. It ends when the function is dropped.
fn begin(progress: &Arc<Progress>, blob: &PlannedBlob) -> Box<dyn Fn(u64) + Send + Sync> {
    let source = blob.sources.first().map(ToString::to_string);
    let guard = progress.begin_transfer(
        source.unwrap_or_default(),
        blob.digest.to_string(),
        blob.size,
    );
    let transfer = BlobTransfer {
        counter: guard.counter(),
        _guard: guard,
        progress: Arc::clone(progress),
    };
    Box::new(move |bytes| (transfer.counter)(bytes))
}

struct BlobTransfer {
    counter: Arc<dyn Fn(u64) + Send + Sync>,
    _guard: TransferGuard,
    progress: Arc<Progress>,
}

impl Drop for BlobTransfer {
    fn drop(&mut self) {
        self.progress.row_done(false);
    }
}

/// Returns the failure of a write, with its hint.
pub(super) fn failure(args: &ExportArgs, error: &WriteError) -> Failure {
    let again = "run the same command again: it continues after the blobs that are complete";
    let (hint, message) = match error {
        WriteError::Interrupted if args.archive == OutputName::Stdout => {
            return Failure::interrupted("the export was interrupted; the stream is incomplete");
        }
        WriteError::Interrupted => {
            return Failure::interrupted("the export was interrupted").hint(again.to_owned());
        }
        WriteError::Io { path, source } => {
            let hint = match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    format!("free space, then {again}")
                }
                io::ErrorKind::FileTooLarge => {
                    "cut the archive into volumes with --volume-size".to_owned()
                }
                io::ErrorKind::NotFound => "create the directory first".to_owned(),
                _ => "make it writable, or name another output".to_owned(),
            };
            let cause = io_message(source);
            (
                Some(hint),
                format!("cannot write {}: {cause}", path.display()),
            )
        }
        WriteError::Blob { source, .. } if source.is_refused() => {
            return Failure::refused(error.to_string())
                .hint("log in to the registry with `mirror login`".to_owned());
        }
        WriteError::Blob { .. } | WriteError::NoSource { .. } => (
            Some(format!(
                "{again}; if the source stays incomplete, leave its rows out with --exclude"
            )),
            error.to_string(),
        ),
        WriteError::Busy { .. } => (
            Some("wait for the other export, or name another output".to_owned()),
            error.to_string(),
        ),
        WriteError::OtherContent { .. } => (
            Some("name an empty or a new directory".to_owned()),
            error.to_string(),
        ),
        WriteError::OtherVolume { .. } => (
            Some("export all volumes again".to_owned()),
            error.to_string(),
        ),
        _ => (None, error.to_string()),
    };
    Failure::failed(message).hint(hint)
}
