//! The programs that read the files of `mirror export` and `mirror copy`, as Debian packages them or in pinned
//! versions. The results are the table in `docs/air-gap.md`.
//!
//! It takes about half a minute: containerd and podman unpack every image.

mod containerd;
mod content;
mod page;
mod programs;

use content::{Files, PARTS, SourceImages};
use programs::{PROGRAMS, Reading};

use super::super::environment::{TestEnvironment, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn programs_load_what_the_documentation_says() {
    let images = SourceImages::start().await;
    let environment = TestEnvironment::new();
    let files = Files::write(&environment, &images);
    let destination = registry_with(&[]).await;
    let reading = Reading {
        environment: &environment,
        images: &images,
        destination: &destination,
        containerd: containerd::Containerd::start(&environment),
    };
    let mut rows = Vec::new();
    for program in PROGRAMS {
        for file in files.all() {
            let Some(command) = program.command(file) else {
                continue;
            };
            let loaded = PARTS.map(|part| reading.load(program, file, part));
            rows.push(page::Row { command, loaded });
        }
    }
    page::check(&rows);
}
