//! The signature of an export.
//!
//! ECDSA and minisign signatures of the same bytes differ each time. An interrupted export keeps the signature that it
//! has written, because the signature is near the start of the files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle::contents::CONTENTS_FILE;
use bundle::plan::{ContentsSignature, ExportPlan};
use bundle::read::read_head;
use bundle::signing::{Signature, SigningKey};

use super::args::ExportArgs;
use super::output::OutputName;
use crate::cli::failure::Failure;

/// The maximum size of a signature that is read again.
const MAX_SIGNATURE: u64 = 16 * 1024;

/// Refuses to write the first volume again if its signature would be another one.
pub(super) fn check_first_volume(
    args: &ExportArgs,
    key: Option<&SigningKey>,
) -> Result<(), Failure> {
    let is_first = args.only_volume.is_some_and(|number| number.get() == 1);
    if !is_first || key.is_none_or(SigningKey::is_deterministic) {
        return Ok(());
    }
    let message =
        "volume 1 has the signature, and a new signature by this key would have other bytes";
    Err(Failure::unusable(message)
        .hint("write all volumes again, or sign with an Ed25519 key in PEM".to_owned()))
}

/// Signs `mirror.json`, if there is a key. The signature of an earlier run is kept if it is by the same key and of
/// the same contents.
///
/// # Errors
///
/// [`Failure`] if the key cannot sign.
pub(super) fn signed(
    plan: ExportPlan,
    args: &ExportArgs,
    key: Option<&SigningKey>,
) -> Result<ExportPlan, Failure> {
    let Some(key) = key else {
        return Ok(plan);
    };
    let earlier = match key.is_deterministic() {
        true => None,
        false => earlier_signature(args, &plan.contents_bytes, key),
    };
    let signature = match earlier {
        Some(signature) => signature,
        None => key
            .sign(&plan.contents_bytes)
            .map_err(|error| Failure::failed(error.to_string()))?,
    };
    Ok(ExportPlan {
        signature: Some(ContentsSignature {
            file: signature.format.file_name(),
            bytes: signature.bytes,
        }),
        ..plan
    })
}

/// Returns the signature of these contents by the key in the output of an earlier run.
fn earlier_signature(args: &ExportArgs, contents: &[u8], key: &SigningKey) -> Option<Signature> {
    let public = key.verifying_key().ok()?;
    let is_by_key = |signature: &Signature| public.verify(contents, signature).is_ok();
    let (path, is_cut) = match &args.archive {
        OutputName::Stdout => return None,
        OutputName::Directory(path) => return in_directory(path, contents, key).filter(is_by_key),
        OutputName::Tar(path) | OutputName::CompressedTar(path) => {
            (path, args.volume_size.is_some())
        }
    };
    let read = |files: Vec<PathBuf>| {
        let (document, signature) = read_head("", Joined::new(files)).ok()?;
        signature.filter(|signature| document == contents && is_by_key(signature))
    };
    let partial = |path: &Path| with_suffix(path, ".partial");
    if !is_cut {
        return read(vec![path.clone()]).or_else(|| read(vec![partial(path)]));
    }
    let volumes = (1..).map(|number: u32| with_suffix(path, &format!(".{number:03}")));
    // A run that was interrupted while it renamed the volumes has left both names.
    let volumes = volumes.map(|volume| match volume.exists() {
        true => volume,
        false => partial(&volume),
    });
    let complete = volumes.take_while(|volume| volume.exists()).collect();
    read(complete).or_else(|| {
        let volumes = (1..).map(|number: u32| with_suffix(path, &format!(".{number:03}.partial")));
        read(volumes.take_while(|volume| volume.exists()).collect())
    })
}

/// Returns the signature in a directory whose export is complete.
fn in_directory(path: &Path, contents: &[u8], key: &SigningKey) -> Option<Signature> {
    let found = std::fs::read(path.join(CONTENTS_FILE)).ok()?;
    let mut bytes = Vec::new();
    let file = File::open(path.join(key.format().file_name())).ok()?;
    file.take(MAX_SIGNATURE).read_to_end(&mut bytes).ok()?;
    (found == contents).then(|| Signature {
        format: key.format(),
        bytes,
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Files that are read one after the other.
struct Joined {
    files: std::vec::IntoIter<PathBuf>,
    current: Option<File>,
}

impl Joined {
    fn new(files: Vec<PathBuf>) -> Self {
        Self {
            files: files.into_iter(),
            current: None,
        }
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.current {
                let read = file.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
            }
            match self.files.next() {
                Some(path) => self.current = Some(File::open(path)?),
                None => return Ok(0),
            }
        }
    }
}
