//! Durability when power fails between two system calls. strace shows the order: write, fsync,
//! rename, fsync of the directory.

use std::path::{Path, PathBuf};

use crate::environment::{TestEnvironment, push_other_image, registry_with, run_with_input};

/// Returns the file system calls of a run in order, descriptors with their paths.
fn file_calls(environment: &TestEnvironment, line: &str, input: &str) -> Vec<String> {
    let mut command = environment.command_for("strace");
    let kinds =
        "trace=openat,write,pwrite64,writev,ftruncate,fsync,fdatasync,/^rename,/^link,/^unlink";
    command
        .args(["-f", "-y", "-qq", "-s", "0", "-e", kinds, "-o", "calls"])
        .arg(env!("CARGO_BIN_EXE_mirror"))
        .args(line.split_whitespace());
    run_with_input(&mut command, input).exits(0);
    let trace = environment.read("calls");
    // Drop the thread ID at the start of each line.
    let calls = trace.lines().filter_map(|line| line.split_once(' '));
    calls
        .map(|(_, call)| call.trim_start().to_owned())
        .collect()
}

/// Returns the quoted arguments of a call. Paths may be relative to the working directory.
fn quoted_arguments(call: &str) -> Vec<&str> {
    call.split('"').skip(1).step_by(2).collect()
}

/// Asserts the order write, fsync, rename, fsync of the directory, and no write to `file` itself.
#[track_caller]
fn assert_durable(calls: &[String], file: &Path) {
    let all = calls.join("\n");
    let (name, directory) = (file.display(), file.parent().unwrap());
    let position = |from: usize, matches: &dyn Fn(&str) -> bool| {
        let found = calls[from..].iter().position(|call| matches(call));
        found.map(|at| at + from)
    };
    let renamed = position(0, &|call| {
        call.starts_with("rename")
            && quoted_arguments(call)
                .last()
                .is_some_and(|to| directory.join(to) == file)
    });
    let renamed = renamed.unwrap_or_else(|| unreachable!("no file is renamed to {name}:\n{all}"));
    // Drop `.` components.
    let new = directory
        .join(quoted_arguments(&calls[renamed])[0])
        .components()
        .collect::<PathBuf>();
    let new = new.display();
    let of_new = format!("<{new}>");
    let is_write = |call: &str| call.starts_with("write") || call.starts_with("pwrite");
    let written = |call: &str| is_write(call) && call.contains(&of_new);
    let wrote =
        position(0, &written).unwrap_or_else(|| unreachable!("{new} is never written:\n{all}"));
    let synced = position(wrote, &|call| {
        call.starts_with("fsync") && call.contains(&of_new)
    });
    let synced = synced.unwrap_or_else(|| unreachable!("{new} is not synced:\n{all}"));
    assert!(synced < renamed, "{new} is synced after the rename:\n{all}");
    assert_eq!(
        position(synced, &written),
        None,
        "written after the sync:\n{all}"
    );
    let directory = directory.display();
    let of_folder = format!("<{directory}>");
    let folder_synced = position(renamed, &|call| {
        call.starts_with("fsync") && call.contains(&of_folder)
    });
    assert!(folder_synced.is_some(), "{directory} is not synced:\n{all}");
    // Opening it for a lock is allowed.
    let of_file = format!("<{name}>");
    let written_in_place = calls.iter().any(|call| {
        let emptied = call.starts_with("ftruncate") || call.contains("O_TRUNC");
        (emptied || is_write(call)) && call.contains(&of_file)
    });
    assert!(!written_in_place, "{name} is written in place:\n{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_synced_before_they_are_renamed() {
    let registry = registry_with(&["a:1"]).await;
    let (host, environment) = (registry.host(), TestEnvironment::new());
    let list = environment.path("images-list");
    environment.write("images-list", format!("{host}/a   {host}/m/a 1"));
    assert_durable(&file_calls(&environment, "fmt", ""), &list);
    let lock = environment.path("images-list.lock");
    // A new file and a replaced one.
    for line in ["lock", "lock --update"] {
        if line != "lock" {
            push_other_image(&registry, "a", "1");
        }
        assert_durable(&file_calls(&environment, line, ""), &lock);
    }
    let auth = environment.path("auth.json");
    for host in ["r.example", "s.example"] {
        let line = format!(
            "login {host} -u me --password-stdin --no-verify --authfile {}",
            auth.display()
        );
        assert_durable(&file_calls(&environment, &line, testkit::CANARY), &auth);
    }
}
