//! Commands that write files, killed (SIGKILL) before each of their system calls and at random times.
//! Every file then has its old or its new content, and the next run succeeds.
//!
//! Takes more than 10 s: strace restarts each command once for every write, fsync and rename.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use embedded_registry::RunningRegistry;
use fastrand::Rng;

use crate::environment::{TestEnvironment, block, registry_with, small_image};

/// System calls that change a file.
const WRITE_CALLS: &str = "write fsync /^rename /^fchmod /^unlink";
/// More system calls for the long form, with those of loader and runtime.
const OTHER_CALLS: &str = "openat close read flock /^mmap /^stat|^statx|^newfstatat";
const SIGKILL: i32 = 9;
/// Kills of each command at random times.
const RANDOM_KILLS: u64 = 4;

/// A command and the files that it writes.
struct Writer {
    line: String,
    input: &'static str,
    files: Vec<&'static str>,
    /// Files that exist before the run.
    before: Vec<(&'static str, String)>,
}

/// The contents of the writer's files, `None` for a missing file.
type Contents = Vec<Option<String>>;

#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    /// Kills that left new content in at least one file.
    some_new: usize,
    left_over: usize,
}

impl Writer {
    fn environment(&self) -> TestEnvironment {
        let environment = TestEnvironment::new();
        for (name, text) in &self.before {
            environment.write(name, text);
        }
        environment
    }

    fn contents(&self, environment: &TestEnvironment) -> Contents {
        let read = |name: &&str| std::fs::read_to_string(environment.path(name)).ok();
        self.files.iter().map(read).collect()
    }

    /// Runs the command, kills it after `kill`, and returns whether it was killed (perhaps by strace).
    /// A run that was not killed must succeed.
    fn run(&self, mut command: Command, kill: Option<Duration>) -> bool {
        command
            .args(self.line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(self.input.as_bytes()).ok();
        drop(stdin);
        if let Some(time) = kill {
            sleep(time);
            child.kill().unwrap();
        }
        let status = block(|| child.wait()).unwrap();
        let killed = status.signal() == Some(SIGKILL);
        assert!(killed || status.success(), "{}: {status}", self.line);
        killed
    }

    /// Returns the old and the new content of each file.
    fn old_and_new(&self) -> [Contents; 2] {
        let environment = self.environment();
        let old = self.contents(&environment);
        assert!(!self.run(environment.mirror_command(), None));
        let new = self.contents(&environment);
        assert!(
            old.iter().zip(&new).all(|(old, new)| old != new),
            "{}",
            self.line
        );
        [old, new]
    }

    /// Checks the files after a kill, and runs the command again.
    fn check_after_kill(
        &self,
        environment: &TestEnvironment,
        [old, new]: &[Contents; 2],
        tally: &mut Tally,
    ) {
        tally.kills += 1;
        let found = self.contents(environment);
        for (number, name) in self.files.iter().enumerate() {
            let complete = found[number] == old[number] || found[number] == new[number];
            assert!(complete, "{}: {name} is {:?}", self.line, found[number]);
        }
        tally.some_new += usize::from(found.iter().zip(old).any(|(found, old)| found != old));
        let known: BTreeSet<&str> = self
            .before
            .iter()
            .map(|(name, _)| *name)
            .chain(self.files.iter().copied())
            .collect();
        let left_over: Vec<_> = environment
            .file_names()
            .into_iter()
            .filter(|name| !known.contains(name.as_str()))
            .collect();
        // Temporary files beside the target, with names that no command reads.
        let unfinished = |name: &String| name.starts_with(".tmp-");
        assert!(left_over.iter().all(unfinished), "{left_over:?}");
        assert!(left_over.len() <= self.files.len(), "{left_over:?}");
        tally.left_over += left_over.len();
        // A stale lock file would block this run.
        assert!(!self.run(environment.mirror_command(), None));
        assert_eq!(
            &self.contents(environment),
            new,
            "{}: the next run",
            self.line
        );
    }

    /// Kills the command before each call of these kinds.
    fn kill_at_calls(&self, kinds: &str, contents: &[Contents; 2], tally: &mut Tally) {
        for kind in kinds.split(' ') {
            for number in 1.. {
                let environment = self.environment();
                let mut command = environment.command_for("strace");
                let at = format!("inject={kind}:signal=KILL:when={number}");
                command.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
                command.arg(format!("trace={kind}")).args(["-e", &at]);
                command.arg(env!("CARGO_BIN_EXE_mirror"));
                if !self.run(command, None) {
                    break;
                }
                self.check_after_kill(&environment, contents, tally);
            }
        }
    }

    /// Kills the command at random times within its usual duration.
    fn kill_at_times(
        &self,
        kills: u64,
        random: &mut Rng,
        contents: &[Contents; 2],
        tally: &mut Tally,
    ) {
        let start = std::time::Instant::now();
        let environment = self.environment();
        assert!(!self.run(environment.mirror_command(), None));
        let longest = u64::try_from(start.elapsed().as_micros()).unwrap();
        for _ in 0..kills {
            let environment = self.environment();
            let time = Duration::from_micros(random.u64(1_000..longest.max(2_000)));
            if self.run(environment.mirror_command(), Some(time)) {
                self.check_after_kill(&environment, contents, tally);
            }
        }
    }
}

/// Each command that replaces one or two files.
async fn writers(registry: &RunningRegistry) -> Vec<Writer> {
    let host = registry.host();
    let row = |tag: &str| format!("{host}/a {host}/m/a {tag}\n");
    let list = row("1") + &row("3");
    let environment = TestEnvironment::new();
    environment.write("images-list", &list);
    environment.mirror("lock").exits(0);
    let locked = environment.read("images-list.lock");
    let login = |host: &str| {
        format!("login {host} -u me --password-stdin --no-verify --authfile auth.json")
    };
    let writer = |line: &str, files: &[&'static str], before: &[(&'static str, &str)]| Writer {
        line: line.to_owned(),
        input: "secret",
        files: files.to_vec(),
        before: before
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect(),
    };
    const LIST: &str = "images-list";
    const LOCK: &str = "images-list.lock";
    let auths = "{\"auths\": {\"r.example\": {\"auth\": \"bWU6b2xk\"}}}";
    let add = format!("add-tag --skip-existing IMAGES={host}/a TAGS=2");
    let unsorted = row("3") + &row("1").replace(' ', "   ");
    vec![
        writer("fmt", &[LIST], &[(LIST, &unsorted)]),
        writer(&add, &[LIST], &[(LIST, &list)]),
        writer(&add, &[LIST, LOCK], &[(LIST, &list), (LOCK, &locked)]),
        writer("lock", &[LOCK], &[(LIST, &list)]),
        writer(&login("s.example"), &["auth.json"], &[]),
        writer(&login("r.example"), &["auth.json"], &[("auth.json", auths)]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_command_leaves_old_or_new_content_in_each_file() {
    let long = std::env::var("MIRROR_KILLS")
        .ok()
        .map(|kills| kills.parse::<u64>().unwrap());
    let seed = std::env::var("MIRROR_SEED").map_or(3, |seed| seed.parse().unwrap());
    let registry = registry_with(&[]).await;
    for tag in 1..=3 {
        small_image(tag).push(&registry, "a", Some(&tag.to_string()));
    }
    let mut random = Rng::with_seed(seed);
    for writer in writers(&registry).await {
        let contents = writer.old_and_new();
        let mut tally = Tally::default();
        writer.kill_at_calls(WRITE_CALLS, &contents, &mut tally);
        if long.is_some() {
            writer.kill_at_calls(OTHER_CALLS, &contents, &mut tally);
        }
        writer.kill_at_times(
            long.unwrap_or(RANDOM_KILLS),
            &mut random,
            &contents,
            &mut tally,
        );
        println!("{}: seed {seed}: {tally:?}", writer.line);
        assert!(
            tally.some_new > 0,
            "every kill came before the first write: {tally:?}"
        );
    }
}
