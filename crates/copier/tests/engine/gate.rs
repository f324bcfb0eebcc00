//! A gate that decides about images before they are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use copier::{
    ArrivingImage, AttachedContent, Gate, GateError, Options, Rejection, Row, RowError, Status,
};
use embedded_registry::images::{Bundle, Platform, sample_image};
use futures::future::LocalBoxFuture;

use super::run::{Run, count, registry, row};

/// A gate that rejects the images of a source, and counts how often it is asked.
#[derive(Debug)]
struct Rejecting {
    source: &'static str,
    asked: AtomicUsize,
}

impl Gate for Rejecting {
    fn admit<'a>(
        &'a self,
        image: &'a ArrivingImage<'a>,
    ) -> LocalBoxFuture<'a, Result<(), GateError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let is_rejected = image.row().source.repository() == self.source;
        Box::pin(async move {
            // What the run needs too is requested once.
            let digest = image.manifest().digest.clone();
            image.referrers(&digest).await.map_err(GateError::Read)?;
            if !is_rejected {
                return Ok(());
            }
            Err(GateError::Rejected(Rejection {
                message: "it is not signed".to_owned(),
                hint: None,
            }))
        })
    }

    fn attached(&self, row: &Row) -> AttachedContent {
        match row.source.repository() == self.source {
            true => AttachedContent::Nothing,
            false => AttachedContent::Documents,
        }
    }
}

fn image(name: &str) -> Bundle {
    sample_image(name, 1, &[Platform::linux("amd64")], 1).unwrap()
}

fn gated() -> (Arc<Rejecting>, Run) {
    let gate = Arc::new(Rejecting {
        source: "bad",
        asked: AtomicUsize::new(0),
    });
    let options = Options {
        gate: Some(Arc::clone(&gate) as Arc<dyn Gate>),
        ..Options::default()
    };
    let run = Run {
        options,
        ..Run::default()
    };
    (gate, run)
}

#[tokio::test]
async fn rejected_image_fails_its_row_before_anything_of_it_is_written() {
    let (source, target) = (registry().await, registry().await);
    let rows = ["bad", "good"].map(|name| {
        image(name).push(&source, name, Some("v1"));
        row(
            &source,
            &format!("{name}:v1"),
            &target,
            &format!("m/{name}:v1"),
        )
    });
    let (gate, run) = gated();
    let report = run.sync(&rows).await;
    assert!(
        matches!(report.rows[0].error.as_deref(), Some(RowError::Rejected(why)) if why.message == "it is not signed")
    );
    assert_eq!(report.rows[0].admitted, None);
    assert_eq!(report.rows[1].status, Status::Copied);
    let digest = report.rows[1].digest.clone();
    assert_eq!(report.rows[1].admitted, digest);
    for method in ["POST", "PUT", "PATCH"] {
        assert_eq!(count(&target, method, "m/bad"), 0, "{method}");
    }
    assert_eq!(gate.asked.load(Ordering::Relaxed), 2);
    // The referrers of the copied image were listed once, for the gate and for the copy.
    let path = format!("/v2/good/referrers/{}", digest.unwrap());
    assert_eq!(count(&source, "GET", &path), 1);
}

#[tokio::test]
async fn gate_is_asked_in_dry_runs_and_not_about_images_that_are_there() {
    let (source, target) = (registry().await, registry().await);
    let rows = ["bad", "good"].map(|name| {
        image(name).push(&source, name, Some("v1"));
        row(
            &source,
            &format!("{name}:v1"),
            &target,
            &format!("m/{name}:v1"),
        )
    });
    let (_, mut run) = gated();
    run.options.dry_run = true;
    let report = run.sync(&rows).await;
    assert_eq!(report.rows[0].status, Status::Failed);
    assert_eq!(report.rows[1].status, Status::Copied);
    assert_eq!(count(&target, "PUT", ""), 0);
    // Both images enter before there is a gate.
    Run::default().sync(&rows).await;
    let (gate, run) = gated();
    let report = run.sync(&rows).await;
    assert_eq!(report.summary.unchanged, 2);
    assert_eq!(gate.asked.load(Ordering::Relaxed), 0);
}
