//! `mirror lock`, and what the other commands make of a lock.

mod adding;
mod approving;
mod copying;
mod reviewing;

use embedded_registry::RunningRegistry;
use embedded_registry::images::{Platform, sample_image};

use crate::environment::TestEnvironment;

/// What a registry says a tag points to.
pub(crate) fn digest_of(environment: &TestEnvironment, image: &str) -> String {
    let line = format!("inspect {image} --output json");
    let document = environment.mirror(&line).exits(0).json();
    document["digest"].as_str().unwrap().to_owned()
}

/// Pushes another image under a tag that is there.
pub(crate) fn push_again(registry: &RunningRegistry, repository: &str, tag: &str) {
    let image = sample_image("b", 2, &[Platform::linux("amd64")], 1).unwrap();
    image.push(registry, repository, Some(tag));
}
