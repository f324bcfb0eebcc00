//! A run that is killed at any moment leaves nothing that looks whole and is not, not even while it
//! goes on, and one clean run afterwards ends where an undisturbed one does.
//!
//! `scripts/kills` runs the long form: hundreds of kills, with the seed that it is given.

mod campaign;
mod images;
mod moment;
mod target;

use campaign::survive;
use target::Target;

#[tokio::test(flavor = "multi_thread")]
async fn no_index_is_tagged_before_its_children() {
    survive(Target::WithoutChildren).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_manifest_is_tagged_before_its_blobs() {
    survive(Target::WithoutBlobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_checks_is_never_in_the_way_of_the_next_run() {
    survive(Target::Distribution).await;
}
