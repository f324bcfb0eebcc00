//! The cost of a policy for signatures.
//!
//! The same signed images are copied with `--no-policy` and with a policy that requires their signatures, in
//! turns. Both registries run in this process and respond from memory, behind relays that add the round trip.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use embedded_registry::images::{Artifact, Bundle, Format, Image, Layer, Platform, digest_tag};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::json;
use tempfile::TempDir;
use testkit::signing::{
    EntryOptions, KeylessSigner, LeafOptions, SigningAuthority, attach_layers, classic_payload,
    statement,
};
use tokio::process::Command;

use crate::error::BenchError;
use crate::machine;
use crate::measure::{self, Cost};
use crate::relay::Relay;
use crate::results::median;

/// The number of signed images.
const ROWS: u64 = 200;
const IDENTITY: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// A state of the destination, the round trip, and the highest ratio that is accepted.
struct Scenario {
    state: &'static str,
    is_cold: bool,
    round_trip: Duration,
    limit: f64,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario {
        state: "nothing to do",
        is_cold: false,
        round_trip: Duration::ZERO,
        limit: 1.0,
    },
    Scenario {
        state: "nothing to do",
        is_cold: false,
        round_trip: Duration::from_millis(30),
        limit: 1.0,
    },
    Scenario {
        state: "cold",
        is_cold: true,
        round_trip: Duration::from_millis(30),
        limit: 1.15,
    },
];

/// The cost and the requests of one run.
#[derive(Clone, Copy)]
struct Run {
    cost: Cost,
    requests: u64,
}

/// Two registries, and a list of signed images with a policy.
struct SignedTest<'a> {
    source: RunningRegistry,
    destination: RunningRegistry,
    _relays: [Relay; 2],
    mirror: &'a Path,
    directory: TempDir,
}

/// Copies 200 signed images without and with a policy, in turns, and returns a table.
///
/// # Errors
///
/// If a run fails or does not verify all images.
pub(crate) async fn measure(mirror: &Path, rounds: usize) -> Result<String, BenchError> {
    let mut text = format!(
        "Measured on: {}. {ROWS} tiny images, each signed with a certificate of its own, one half in bundles and one \
         half in tags; `sync` with referrers, {rounds} rounds.\n\n\
         | | round trip | `--no-policy` | with a policy | ratio (lowest to highest) | limit | requests | CPU s |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        machine::describe()
    );
    for scenario in SCENARIOS {
        let test = SignedTest::start(scenario.round_trip, mirror).await?;
        let mut pairs = Vec::new();
        if !scenario.is_cold {
            test.run(false).await?;
        }
        for round in 0..rounds {
            let mut pair = [None; 2];
            for turn in 0..2 {
                let with_policy = (round + turn) % 2 == 1;
                if scenario.is_cold {
                    test.destination.clear();
                }
                let (run, verified) = test.run(with_policy).await?;
                let expected = if scenario.is_cold && with_policy {
                    ROWS
                } else {
                    0
                };
                if verified != expected {
                    let message = format!("{verified} of {expected} images were verified");
                    return Err(BenchError::Wrong(message));
                }
                pair[usize::from(with_policy)] = Some(run);
            }
            let [Some(without), Some(with)] = pair else {
                continue;
            };
            pairs.push([without, with]);
        }
        text += &line(&scenario, &pairs);
        eprintln!("{text}");
    }
    Ok(text)
}

fn line(scenario: &Scenario, pairs: &[[Run; 2]]) -> String {
    let wall = |run: &Run| run.cost.wall.as_secs_f64();
    let ratios = pairs
        .iter()
        .map(|[without, with]| wall(with) / wall(without));
    let both = |value: &dyn Fn(&Run) -> f64| {
        [0, 1].map(|which| median(pairs.iter().map(|pair| value(&pair[which]))))
    };
    let [without, with] = both(&wall);
    let [requests_without, requests_with] = both(&|run| run.requests as f64);
    let [cpu_without, cpu_with] = both(&|run| run.cost.cpu.as_secs_f64());
    format!(
        "| {} | {} ms | {without:.2} s | {with:.2} s | {:.2} ({:.2} to {:.2}) | {:.2} | \
         {requests_without} and {requests_with} | {cpu_without:.2} and {cpu_with:.2} |\n",
        scenario.state,
        scenario.round_trip.as_millis(),
        median(ratios.clone()),
        ratios.clone().fold(f64::INFINITY, f64::min),
        ratios.fold(0.0, f64::max),
        scenario.limit,
    )
}

impl<'a> SignedTest<'a> {
    async fn start(round_trip: Duration, mirror: &'a Path) -> Result<Self, BenchError> {
        let start = async || {
            let started = Registry::new().start().await;
            started.map_err(BenchError::io("start a registry"))
        };
        let (source, destination) = (start().await?, start().await?);
        let relays = [
            Relay::start(source.address(), round_trip, None).await?,
            Relay::start(destination.address(), round_trip, None).await?,
        ];
        let [from, to] = relays.each_ref().map(Relay::address);
        let authority = SigningAuthority::new("bench");
        let mut list = String::new();
        for number in 0..ROWS {
            let repository = format!("signed/app{}", number / 2);
            let tag = format!("v{number}");
            let image = push(&source, &repository, &tag, number)?;
            let name = format!("{from}/{repository}");
            sign(&source, &authority, (&name, &repository), &image, number)?;
            let _ = writeln!(list, "{name} {to}/{repository} {tag}");
        }
        let policy = json!({"images": [{
            "match": "*",
            "keyless": {"issuer": ISSUER, "identityRegexp": "^https://github\\.com/org/"},
        }]});
        let directory = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
        for (name, text) in [
            ("images-list", list),
            ("signed.json", policy.to_string()),
            ("root.json", authority.trusted_root().to_string()),
        ] {
            let write = std::fs::write(directory.path().join(name), text);
            write.map_err(BenchError::io(format!("write {name}")))?;
        }
        Ok(Self {
            source,
            destination,
            _relays: relays,
            mirror,
            directory,
        })
    }

    /// Copies the images. Returns the cost, and the number of images that the report calls verified.
    async fn run(&self, with_policy: bool) -> Result<(Run, u64), BenchError> {
        let requests = || self.source.request_count() + self.destination.request_count();
        let before = requests();
        let mut command = Command::new(self.mirror);
        command.args(["sync", "--no-progress", "--output=json"]);
        match with_policy {
            true => command.args(["--policy=signed.json", "--trusted-root=root.json"]),
            false => command.arg("--no-policy"),
        };
        command.current_dir(self.directory.path());
        let ran = measure::run(command, self.directory.path()).await?;
        if !ran.status.success() {
            return Err(BenchError::Program {
                program: "mirror".to_owned(),
                output: ran.failure(),
            });
        }
        let verified = ran.stdout.matches("\"signed_by\"").count() as u64;
        let run = Run {
            cost: ran.cost,
            requests: requests() - before,
        };
        Ok((run, verified))
    }
}

/// Pushes an image with three layers, two of which other images have too.
fn push(
    registry: &RunningRegistry,
    repository: &str,
    tag: &str,
    number: u64,
) -> Result<Bundle, BenchError> {
    let mut image = Image::new(Format::Oci, Platform::linux("amd64"));
    for (seed, size) in [
        (number % 10, 64 << 10),
        (1_000 + number / 2 % 40, 16 << 10),
        (1_000_000 + number, 4 << 10),
    ] {
        image = image.layer(Layer::random(seed, size).map_err(BenchError::io("create a layer"))?);
    }
    let image = image.label("number", &number.to_string()).build();
    image.push(registry, repository, Some(tag));
    Ok(image)
}

/// Signs an image in one form or the other.
fn sign(
    registry: &RunningRegistry,
    authority: &SigningAuthority,
    (name, repository): (&str, &str),
    image: &Bundle,
    number: u64,
) -> Result<(), BenchError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_err(|error| BenchError::Wrong(error.to_string()))?;
    let signed = now.as_secs() - 3 * 24 * 60 * 60;
    let signer = KeylessSigner::new(authority, &LeafOptions::new(IDENTITY, ISSUER, signed));
    let digest = image.digest();
    if number.is_multiple_of(2) {
        let entry = EntryOptions {
            time: signed + 5,
            proof: true,
            promise: true,
        };
        let bundle = signer.bundle(&statement(SIGN, digest.as_ref()), entry);
        let referrer = Artifact::new(BUNDLE).blob(BUNDLE, bundle.to_string());
        let referrer = referrer.subject(image).build();
        referrer.push(registry, repository, None);
        return Ok(());
    }
    let payload = classic_payload(name, digest.as_ref());
    let annotations = signer.classic(&payload, signed + 5);
    let tag = digest_tag(digest, Some("sig"));
    let layers = [(payload.as_bytes(), annotations)];
    attach_layers(registry, (repository, &tag), SIMPLE_SIGNING, layers);
    Ok(())
}
