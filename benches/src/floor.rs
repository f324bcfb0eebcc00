//! The floor: what a client would need that knows everything and computes nothing.
//!
//! Per row one HEAD at the source and one at the destination, since the tag may have moved. For
//! each row that is not there:
//!
//! - one GET of each manifest, index and child, over the whole run once;
//! - for each blob that the destination registry has nowhere: GET, POST and PUT, once;
//! - for each further repository that needs it: one POST with `mount=`;
//! - one PUT of each child in each repository, and one of each tag.
//!
//! `requests = 2 · rows + manifests + 3 · blobs sent + mounts + manifests put`, and the bytes are
//! those of the blobs sent. Nothing is hashed, and neither planning nor reading the answers is
//! counted.
//!
//! curl sends each kind 32 at a time, and a kind when what it depends on was answered: HEADs;
//! roots; children; blobs and sessions together; blobs; mounts; children; tags. Every such stage is
//! a curl of its own with new connections: a client that overlaps stages can be faster than this
//! where a round trip takes long. Blobs over 1 MiB are not stored: GET is piped to PUT, four at a
//! time.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::corpus::Blob;
use crate::failure::Failure;
use crate::floor_plan::{Placed, Plan, Upload};
use crate::floor_stages::Requests;
use crate::job::Job;
use crate::measure::{self, Cost, Ran};

/// Larger blobs are piped.
const STORED: u64 = 1 << 20;

/// Pipes at a time.
const PIPES: &str = "4";

/// Does a job with what it needs and no more.
///
/// # Errors
///
/// When one request fails: then the plan is wrong.
pub(crate) async fn run(job: &Job<'_>, plan: &Plan<'_>) -> Result<Cost, Failure> {
    let floor = Floor { job };
    let mut cost = Cost::default();
    let mut heads = Requests::default();
    for (repository, tag) in &plan.rows {
        for host in [job.source, job.destination] {
            heads.head(&format!("http://{host}/v2/{repository}/manifests/{tag}"));
        }
    }
    add(&mut cost, heads.send(job.folder).await?.as_ref());
    for manifests in [&plan.roots, &plan.children] {
        let mut reads = Requests::default();
        for placed in manifests {
            reads.manifest(&manifest_url(job.source, placed, None));
        }
        add(&mut cost, reads.send(job.folder).await?.as_ref());
    }
    cost = cost.then(floor.blobs(&plan.uploads).await?);
    let mut mounts = Requests::default();
    for (number, mount) in plan.mounts.iter().enumerate() {
        let query = format!("mount={}&from={}", mount.digest, mount.from);
        mounts.post(&floor.session_url(mount.repository, &query), number);
    }
    add(&mut cost, mounts.send(job.folder).await?.as_ref());
    for manifests in [&plan.put_children, &plan.put_roots] {
        let mut puts = Requests::default();
        for placed in manifests {
            let file = floor.file(placed.manifest.digest().digest());
            let written = fs::write(&file, placed.manifest.bytes());
            written.map_err(Failure::io("write a manifest for curl"))?;
            let url = manifest_url(job.destination, placed, placed.tag);
            puts.put(&url, placed.manifest.media_type(), &file);
        }
        add(&mut cost, puts.send(job.folder).await?.as_ref());
    }
    Ok(cost)
}

fn add(cost: &mut Cost, ran: Option<&Ran>) {
    *cost = ran.map_or(*cost, |ran| cost.then(ran.cost));
}

fn manifest_url(host: &str, placed: &Placed<'_>, tag: Option<&str>) -> String {
    let reference = tag.unwrap_or(placed.manifest.digest().as_ref());
    format!(
        "http://{host}/v2/{}/manifests/{reference}",
        placed.repository
    )
}

struct Floor<'a> {
    job: &'a Job<'a>,
}

impl Floor<'_> {
    /// From the source to the destination: blobs are read while sessions are opened.
    async fn blobs(&self, uploads: &[Upload<'_>]) -> Result<Cost, Failure> {
        let job = self.job;
        let mut opening = Requests::default();
        for (number, Upload { repository, blob }) in uploads.iter().enumerate() {
            opening.post(&self.session_url(repository, ""), number);
            if blob.size <= STORED {
                let url = self.blob_url(repository, blob);
                opening.blob(&url, &self.file(blob.digest.digest()));
            }
        }
        let Some(opened) = opening.send(job.folder).await? else {
            return Ok(Cost::default());
        };
        let mut cost = opened.cost;
        let mut storing = Requests::default();
        let mut pipes = String::new();
        for line in opened.stdout.lines() {
            let (number, location) = line.split_once(' ').unwrap_or_default();
            let upload = number.parse::<usize>().ok().and_then(|it| uploads.get(it));
            let upload = upload.ok_or_else(|| Failure::Wrong(format!("curl wrote `{line}`")))?;
            let (repository, blob) = (upload.repository, upload.blob);
            let separator = if location.contains('?') { '&' } else { '?' };
            let url = format!("{location}{separator}digest={}", blob.digest);
            if blob.size <= STORED {
                let file = self.file(blob.digest.digest());
                storing.put(&url, "application/octet-stream", &file);
            } else {
                pipes += &format!("{}\n{url}\n", self.blob_url(repository, blob));
            }
        }
        if let Some(stored) = storing.send(job.folder).await? {
            cost = cost.then(stored.cost);
        }
        if !pipes.is_empty() {
            cost = cost.then(piped(job, &pipes).await?);
        }
        Ok(cost)
    }

    fn blob_url(&self, repository: &str, blob: &Blob) -> String {
        format!(
            "http://{}/v2/{repository}/blobs/{}",
            self.job.source, blob.digest
        )
    }

    fn session_url(&self, repository: &str, query: &str) -> String {
        format!(
            "http://{}/v2/{repository}/blobs/uploads/?{query}",
            self.job.destination
        )
    }

    fn file(&self, name: &str) -> PathBuf {
        self.job.folder.join(name)
    }
}

/// GET piped to PUT, for each pair of lines.
async fn piped(job: &Job<'_>, pairs: &str) -> Result<Cost, Failure> {
    let script = "curl -qsSf \"$0\" | curl -qsSf -H Expect: -H 'Content-Type: application/octet-stream' -T - \"$1\"";
    let pairs: PathBuf = job.write("pipes", pairs)?;
    let mut command = Command::new("xargs");
    command
        .args(["-P", PIPES, "-n", "2", "-a"])
        .arg(AsRef::<Path>::as_ref(&pairs));
    command.args(["sh", "-c", script]);
    let ran = measure::run(command, job.folder).await?;
    match ran.status.success() {
        true => Ok(ran.cost),
        false => Err(Failure::Program {
            program: "curl | curl".to_owned(),
            said: ran.said(),
        }),
    }
}
