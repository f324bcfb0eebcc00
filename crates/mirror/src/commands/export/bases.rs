//! The bases of an export: inventories and earlier bundles.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bundle::base::{FarSide, Inventory, MAX_INVENTORY};
use bundle::contents::Base;
use registry_client::sha256_digest;

use crate::cli::failure::{Failure, io_message};

/// Reads the bases: the content of the far side, and their names and digests.
///
/// # Errors
///
/// [`Failure`] for a file that cannot be read, or is no base.
pub(super) fn read(paths: &[std::path::PathBuf]) -> Result<(FarSide, Vec<Base>), Failure> {
    let mut far_side = FarSide::default();
    let mut bases = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let cannot = |cause: &dyn std::fmt::Display| {
            let message = format!("cannot read the base {}: {cause}", path.display());
            Failure::unusable(message)
                .hint("name the output of `mirror inventory`, or an earlier bundle".to_owned())
        };
        let bytes = read_bounded(path).map_err(|error| cannot(&io_message(&error)))?;
        let inventory = Inventory::parse(&bytes).map_err(|error| cannot(&error))?;
        let added = far_side.add_inventory(number, &inventory);
        added.map_err(|error| cannot(&error))?;
        let name = path.file_name().unwrap_or_default();
        bases.push(Base {
            name: name.to_string_lossy().into_owned(),
            digest: sha256_digest(&bytes),
        });
    }
    Ok((far_side, bases))
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_INVENTORY + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
