//! The bases of an export: inventories and earlier bundles.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle::base::{FarSide, Inventory, MAX_INVENTORY};
use bundle::contents::Base;
use bundle::read::{Keep, Opened, read_leading};
use image_name::Digest;
use registry_client::sha256_digest;

use crate::cli::failure::{Failure, io_message};

/// Reads the bases: the content of the far side, and their names and digests.
///
/// # Errors
///
/// [`Failure`] for a file that cannot be read, or is no base.
pub(super) fn read(paths: &[PathBuf]) -> Result<(FarSide, Vec<Base>), Failure> {
    let mut far_side = FarSide::default();
    let mut bases = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let digest = match is_inventory(path).map_err(|error| cannot(path, &io_message(&error)))? {
            true => add_inventory(&mut far_side, number, path)?,
            false => add_bundle(&mut far_side, number, path)?,
        };
        let name = path.file_name().unwrap_or_default();
        bases.push(Base {
            name: name.to_string_lossy().into_owned(),
            digest,
        });
    }
    Ok((far_side, bases))
}

fn cannot(path: &Path, cause: &dyn Display) -> Failure {
    let message = format!("cannot read the base {}: {cause}", path.display());
    Failure::unusable(message)
        .hint("name the output of `mirror inventory`, or an earlier bundle".to_owned())
}

/// Returns true for a file that begins as a JSON document does. The first volume of a bundle stands for all.
fn is_inventory(path: &Path) -> io::Result<bool> {
    if path.is_dir() || (!path.exists() && !volumes(path).is_empty()) {
        return Ok(false);
    }
    let mut start = [0; 64];
    let count = File::open(path)?.read(&mut start)?;
    Ok(start[..count].trim_ascii_start().starts_with(b"{"))
}

/// Returns the volumes of an archive that is cut into them.
fn volumes(path: &Path) -> Vec<PathBuf> {
    let volume = |number: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number:03}"));
        PathBuf::from(name)
    };
    let numbers = 1..;
    numbers
        .map(volume)
        .take_while(|path| path.exists())
        .collect()
}

fn add_inventory(far_side: &mut FarSide, number: usize, path: &Path) -> Result<Digest, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(MAX_INVENTORY + 1).read_to_end(&mut bytes));
    read.map_err(|error| cannot(path, &io_message(&error)))?;
    let inventory = Inventory::parse(&bytes).map_err(|error| cannot(path, &error))?;
    let added = far_side.add_inventory(number, &inventory);
    added.map_err(|error| cannot(path, &error))?;
    Ok(sha256_digest(&bytes))
}

fn add_bundle(far_side: &mut FarSide, number: usize, path: &Path) -> Result<Digest, Failure> {
    let paths = match path.exists() {
        true => vec![path.to_owned()],
        false => volumes(path),
    };
    let opened = Opened::open(&paths, None).map_err(|error| cannot(path, &error))?;
    let mut members = opened.into_members();
    let leading = read_leading(&mut members, Keep::Nodes);
    let leading = leading.map_err(|error| cannot(path, &error))?;
    let contents = &members.head().contents;
    far_side.add_bundle(number, contents, &leading.nodes);
    Ok(members.head().identity.clone())
}
