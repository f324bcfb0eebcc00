//! `mirror lock`, and the lock in other commands.

mod add_tag;
mod approval;
mod attached;
mod check_new;
mod sync;
mod trust;

use crate::environment::TestEnvironment;

/// Returns the digest behind a tag, read with `mirror inspect`.
pub(crate) fn digest_of(environment: &TestEnvironment, image: &str) -> String {
    let line = format!("inspect {image} --output json");
    let document = environment.mirror(&line).exits(0).json();
    document["digest"].as_str().unwrap().to_owned()
}

/// Returns the lines of the lock without comments.
pub(crate) fn lock_lines(environment: &TestEnvironment) -> Vec<String> {
    let lock = environment.read("images-list.lock");
    let lines = lock.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}
