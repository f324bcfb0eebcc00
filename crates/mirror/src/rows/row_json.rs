//! A row as JSON.

use images_list::Row;
use serde_json::{Value, json};

use crate::cli::image_name::{full_repository, tag_or_digest};

/// Full names, as everywhere in JSON.
pub(crate) fn row_json(row: &Row) -> Value {
    let (source, destination) = (row.source_reference(), row.destination_reference());
    json!({
        "source": full_repository(&source),
        "destination": full_repository(&destination),
        "tag": tag_or_digest(&source),
    })
}
