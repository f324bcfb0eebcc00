//! The floor: the lower bound for a client that knows all content in advance.
//!
//! For each row it sends one HEAD to the source and one to each destination, because the tag may have
//! moved. For each missing row:
//!
//! - one GET of each manifest, index and child, once in the whole run;
//! - for each blob that the destination registry does not have: GET, POST and PUT, once;
//! - for each further repository that needs it: one POST with `mount=`;
//! - one PUT of each child in each repository, and one of each tag.
//!
//! `requests = 2 · rows + manifests + 3 · blobs copied + mounts + manifests written`. With several
//! destinations, each gets its own HEADs, POSTs and PUTs, and the source is read once. The bytes are those of
//! the copied blobs. Nothing is hashed, and neither planning nor parsing is measured.
//!
//! curl sends up to 32 requests at a time, in batches that depend on each other: HEADs; roots; children;
//! blobs and upload sessions; blobs; mounts; children; tags. Each batch is a new curl process with new
//! connections, so a client with overlapping batches can be faster if the round trip is long. Blobs over
//! 1 MiB are not stored: GET is piped to the PUT of each destination, four at a time.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::corpus::Blob;
use crate::curl_requests::CurlRequests;
use crate::error::BenchError;
use crate::job::Job;
use crate::measure::{self, Cost, FinishedCommand};
use crate::request_plan::{Placed, RequestPlan, Upload};

/// Blobs up to this size are stored; larger ones are piped.
const MAX_STORED: u64 = 1 << 20;

/// Maximum concurrent pipes.
const PIPES: &str = "4";

/// Sends the planned requests.
///
/// # Errors
///
/// If a request fails, which means that the plan is wrong.
pub(crate) async fn run(job: &Job<'_>, plan: &RequestPlan<'_>) -> Result<Cost, BenchError> {
    let floor = Floor { job };
    let mut cost = Cost::default();
    let mut heads = CurlRequests::new(job.scheme());
    for (repository, tag) in &plan.rows {
        for host in job.hosts() {
            let scheme = job.scheme();
            heads.head(&format!(
                "{scheme}://{host}/v2/{repository}/manifests/{tag}"
            ));
        }
    }
    add(&mut cost, heads.send(job.directory).await?.as_ref());
    for manifests in [&plan.roots, &plan.children] {
        let mut reads = CurlRequests::new(job.scheme());
        for placed in manifests {
            reads.manifest(&manifest_url(job.scheme(), job.source, placed, None));
        }
        add(&mut cost, reads.send(job.directory).await?.as_ref());
    }
    cost = cost.then(floor.blobs(&plan.uploads).await?);
    let mut mounts = CurlRequests::new(job.scheme());
    for (number, mount) in plan.mounts.iter().enumerate() {
        let query = format!("mount={}&from={}", mount.digest, mount.from);
        for host in job.destinations {
            mounts.post(&floor.session_url(host, mount.repository, &query), number);
        }
    }
    add(&mut cost, mounts.send(job.directory).await?.as_ref());
    for manifests in [&plan.put_children, &plan.put_roots] {
        let mut puts = CurlRequests::new(job.scheme());
        for placed in manifests {
            let file = floor.file(placed.manifest.digest().digest());
            let written = fs::write(&file, placed.manifest.bytes());
            written.map_err(BenchError::io("write a manifest for curl"))?;
            for host in job.destinations {
                let url = manifest_url(job.scheme(), host, placed, placed.tag);
                puts.put(&url, placed.manifest.media_type(), &file);
            }
        }
        add(&mut cost, puts.send(job.directory).await?.as_ref());
    }
    Ok(cost)
}

fn add(cost: &mut Cost, ran: Option<&FinishedCommand>) {
    *cost = ran.map_or(*cost, |ran| cost.then(ran.cost));
}

fn manifest_url(scheme: &str, host: &str, placed: &Placed<'_>, tag: Option<&str>) -> String {
    let reference = tag.unwrap_or(placed.manifest.digest().as_ref());
    format!(
        "{scheme}://{host}/v2/{}/manifests/{reference}",
        placed.repository
    )
}

struct Floor<'a> {
    job: &'a Job<'a>,
}

impl Floor<'_> {
    /// Copies blobs. They are read while the upload sessions are opened, once for all destinations.
    async fn blobs(&self, uploads: &[Upload<'_>]) -> Result<Cost, BenchError> {
        let job = self.job;
        let mut opening = CurlRequests::new(job.scheme());
        for (number, Upload { repository, blob }) in uploads.iter().enumerate() {
            for (index, host) in job.destinations.iter().enumerate() {
                let name = number * job.destinations.len() + index;
                opening.post(&self.session_url(host, repository, ""), name);
            }
            if blob.size <= MAX_STORED {
                let url = self.blob_url(repository, blob);
                opening.blob(&url, &self.file(blob.digest.digest()));
            }
        }
        let Some(opened) = opening.send(job.directory).await? else {
            return Ok(Cost::default());
        };
        let mut cost = opened.cost;
        let mut storing = CurlRequests::new(job.scheme());
        let mut sessions: Vec<Vec<String>> = uploads.iter().map(|_| Vec::new()).collect();
        for line in opened.stdout.lines() {
            let (number, location) = line.split_once(' ').unwrap_or_default();
            let number = number.parse::<usize>().unwrap_or(usize::MAX) / job.destinations.len();
            let upload = uploads.get(number).zip(sessions.get_mut(number));
            let (upload, sessions) = upload
                .ok_or_else(|| BenchError::Wrong(format!("unexpected output of curl: `{line}`")))?;
            let blob = upload.blob;
            let separator = if location.contains('?') { '&' } else { '?' };
            let url = format!("{location}{separator}digest={}", blob.digest);
            if blob.size <= MAX_STORED {
                let file = self.file(blob.digest.digest());
                storing.put(&url, "application/octet-stream", &file);
            } else {
                sessions.push(url);
            }
        }
        let piped = uploads.iter().zip(&sessions);
        let piped = piped.filter(|(_, sessions)| !sessions.is_empty());
        let piped = piped.map(|(upload, sessions)| {
            let read = self.blob_url(upload.repository, upload.blob);
            format!("{read}\n{}\n", sessions.join("\n"))
        });
        let pipes: String = piped.collect();
        if let Some(stored) = storing.send(job.directory).await? {
            cost = cost.then(stored.cost);
        }
        if !pipes.is_empty() {
            cost = cost.then(pipe(job, &pipes).await?);
        }
        Ok(cost)
    }

    fn blob_url(&self, repository: &str, blob: &Blob) -> String {
        format!(
            "{}://{}/v2/{repository}/blobs/{}",
            self.job.scheme(),
            self.job.source,
            blob.digest
        )
    }

    fn session_url(&self, host: &str, repository: &str, query: &str) -> String {
        let scheme = self.job.scheme();
        format!("{scheme}://{host}/v2/{repository}/blobs/uploads/?{query}")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.job.directory.join(name)
    }
}

/// Pipes a GET to a PUT at each destination, for each group of lines.
async fn pipe(job: &Job<'_>, groups: &str) -> Result<Cost, BenchError> {
    const READ: &str = "curl -qsSfL \"$0\"";
    const WRITE: &str =
        "curl -qsSf -H Expect: -H 'Content-Type: application/octet-stream' -T - \"$1\"";
    let script = match job.destinations.len() {
        1 => format!("{READ} | {WRITE}"),
        // All destinations but the last read from named pipes.
        _ => format!(
            "set -e; d=$(mktemp -d); while [ $# -gt 1 ]; do p=$d/$#; mkfifo $p; {WRITE} < $p & \
             ids=\"$ids $!\"; pipes=\"$pipes $p\"; shift; done; {READ} | tee $pipes | {WRITE}; \
             for id in $ids; do wait $id; done; rm -r $d"
        ),
    };
    let groups: PathBuf = job.write("pipes", groups)?;
    let lines = (job.destinations.len() + 1).to_string();
    let mut command = Command::new("xargs");
    command
        .args(["-P", PIPES, "-n", &lines, "-a"])
        .arg(AsRef::<Path>::as_ref(&groups));
    command.args(["sh", "-c", &script]);
    let ran = measure::run(command, job.directory).await?;
    match ran.status.success() {
        true => Ok(ran.cost),
        false => Err(BenchError::Program {
            program: "curl | curl".to_owned(),
            output: ran.failure(),
        }),
    }
}
