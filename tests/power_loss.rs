//! Power may fail between any two calls of the system: the old file or the new one is there then, and
//! whole. What is written is on disk before it has the name, and the name before a run goes on.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use tokio::task::block_in_place;

use crate::environment::{Finished, TestEnvironment};

/// The calls of a run that have to do with files, in their order; descriptors with their paths.
fn calls(environment: &TestEnvironment, line: &str, input: &str) -> Vec<String> {
    let mut command = environment.program("strace");
    let kinds =
        "trace=openat,write,pwrite64,writev,ftruncate,fsync,fdatasync,/^rename,/^link,/^unlink";
    command
        .args(["-f", "-y", "-qq", "-s", "0", "-e", kinds, "-o", "calls"])
        .arg(env!("CARGO_BIN_EXE_mirror"))
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    Finished::of(block_in_place(|| child.wait_with_output()).unwrap()).exits(0);
    let noted = environment.read("calls");
    // The number of the thread is cut.
    let calls = noted.lines().filter_map(|line| line.split_once(' '));
    calls
        .map(|(_, call)| call.trim_start().to_owned())
        .collect()
}

/// What a call has between quotes. Paths here have none; they may be relative to the folder of the run.
fn strings(call: &str) -> Vec<&str> {
    call.split('"').skip(1).step_by(2).collect()
}

/// Write, fsync, rename, fsync of the folder; and never a byte into what has the name.
#[track_caller]
fn assert_durable(calls: &[String], file: &Path) {
    let all = calls.join("\n");
    let (name, folder) = (file.display(), file.parent().unwrap());
    let position = |from: usize, what: &dyn Fn(&str) -> bool| {
        let found = calls[from..].iter().position(|call| what(call));
        found.map(|at| at + from)
    };
    let renamed = position(0, &|call| {
        call.starts_with("rename")
            && strings(call)
                .last()
                .is_some_and(|to| folder.join(to) == file)
    });
    let renamed = renamed.unwrap_or_else(|| unreachable!("{name} gets no new file:\n{all}"));
    // Without a `.` in the middle.
    let new = folder
        .join(strings(&calls[renamed])[0])
        .components()
        .collect::<PathBuf>();
    let new = new.display();
    let of_new = format!("<{new}>");
    let is_write = |call: &str| call.starts_with("write") || call.starts_with("pwrite");
    let written = |call: &str| is_write(call) && call.contains(&of_new);
    let wrote =
        position(0, &written).unwrap_or_else(|| unreachable!("nothing is in {new}:\n{all}"));
    let synced = position(wrote, &|call| {
        call.starts_with("fsync") && call.contains(&of_new)
    });
    let synced = synced.unwrap_or_else(|| unreachable!("{new} is not synced:\n{all}"));
    assert!(synced < renamed, "{new} is synced too late:\n{all}");
    assert_eq!(position(synced, &written), None, "written after:\n{all}");
    let folder = folder.display();
    let of_folder = format!("<{folder}>");
    let folder_synced = position(renamed, &|call| {
        call.starts_with("fsync") && call.contains(&of_folder)
    });
    assert!(folder_synced.is_some(), "{folder} is not synced:\n{all}");
    // It may be opened to be locked.
    let of_file = format!("<{name}>");
    let into_it = calls.iter().any(|call| {
        let emptied = call.starts_with("ftruncate") || call.contains("O_TRUNC");
        (emptied || is_write(call)) && call.contains(&of_file)
    });
    assert!(!into_it, "{name} itself is written:\n{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_on_disk_before_they_have_their_names() {
    let registry = Registry::new().start().await.unwrap();
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
    image.push(&registry, "a", Some("1"));
    let (host, environment) = (registry.host(), TestEnvironment::new());
    let list = environment.path("images-list");
    environment.write("images-list", format!("{host}/a   {host}/m/a 1"));
    assert_durable(&calls(&environment, "fmt", ""), &list);
    let lock = environment.path("images-list.lock");
    // A new file, and one in the place of another.
    for line in ["lock", "lock --update"] {
        if line != "lock" {
            image_again(&registry);
        }
        assert_durable(&calls(&environment, line, ""), &lock);
    }
    let auth = environment.path("auth.json");
    for host in ["r.example", "s.example"] {
        let line = format!(
            "login {host} -u me --password-stdin --authfile {}",
            auth.display()
        );
        assert_durable(&calls(&environment, &line, testkit::CANARY), &auth);
    }
}

/// Another image under the tag.
fn image_again(registry: &embedded_registry::RunningRegistry) {
    let image = sample_image("a", 2, &[Platform::linux("amd64")], 1).unwrap();
    image.push(registry, "a", Some("1"));
}
