//! `sync` killed (SIGKILL) at any point: no tag is ever incomplete, and one clean run afterwards gives
//! the result of an undisturbed run.
//!
//! Takes more than 10 s: twelve kills for each kind of registry, and as many runs. `scripts/kills`
//! runs the long form with hundreds of kills.

mod campaign;
mod destination;
mod images;
mod kill_point;

use campaign::assert_survives_kills;
use destination::DestinationKind;

#[tokio::test(flavor = "multi_thread")]
async fn killed_sync_tags_no_index_before_its_children() {
    assert_survives_kills(DestinationKind::WithoutChildren).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_sync_tags_no_manifest_before_its_blobs() {
    assert_survives_kills(DestinationKind::WithoutBlobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_sync_leaves_no_obstacle_in_distribution() {
    assert_survives_kills(DestinationKind::Distribution).await;
}
