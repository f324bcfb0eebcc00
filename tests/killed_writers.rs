//! Commands that write files, killed (SIGKILL) before each of their calls of the system and at random
//! times: every file is the old one or the new one, whole, and the next run does what was asked.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use fastrand::Rng;
use tokio::task::block_in_place;

use crate::environment::TestEnvironment;

/// What is done to a file.
const WRITING: &str = "write fsync /^rename /^fchmod /^unlink";
/// In the long form the rest too, that of the loader and the runtime included.
const REST: &str = "openat close read flock /^mmap /^stat|^statx|^newfstatat";
const SIGKILL: i32 = 9;
/// Random kills of each command.
const RANDOM: u64 = 4;

/// A command and the files that it writes.
struct Writer {
    line: String,
    input: &'static str,
    files: Vec<&'static str>,
    /// What is there before.
    before: Vec<(&'static str, String)>,
}

/// Contents of the writer's files, `None` where there is none.
type Contents = Vec<Option<String>>;

#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    /// Of them, those that left the new content of a file, of all files.
    some_new: usize,
    left_over: usize,
}

impl Writer {
    fn place(&self) -> TestEnvironment {
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

    /// Whether it was killed, after that time or by strace; otherwise it has done what it should.
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
        let status = block_in_place(|| child.wait()).unwrap();
        let killed = status.signal() == Some(SIGKILL);
        assert!(killed || status.success(), "{}: {status}", self.line);
        killed
    }

    /// The old content and the new one of each file.
    fn both(&self) -> [Contents; 2] {
        let environment = self.place();
        let old = self.contents(&environment);
        assert!(!self.run(environment.command(), None));
        let new = self.contents(&environment);
        assert!(
            old.iter().zip(&new).all(|(old, new)| old != new),
            "{}",
            self.line
        );
        [old, new]
    }

    /// Looks at what a kill has left, and runs the command again.
    fn check(&self, environment: &TestEnvironment, [old, new]: &[Contents; 2], tally: &mut Tally) {
        tally.kills += 1;
        let found = self.contents(environment);
        for (number, name) in self.files.iter().enumerate() {
            let whole = found[number] == old[number] || found[number] == new[number];
            assert!(whole, "{}: {name} is {:?}", self.line, found[number]);
        }
        tally.some_new += usize::from(found.iter().zip(old).any(|(found, old)| found != old));
        let known: BTreeSet<&str> = self
            .before
            .iter()
            .map(|(name, _)| *name)
            .chain(self.files.iter().copied())
            .collect();
        let left_over: Vec<_> = environment
            .files()
            .into_iter()
            .filter(|name| !known.contains(name.as_str()))
            .collect();
        // Unfinished, beside the file, with a name that no command takes for anything.
        let unfinished = |name: &String| name.starts_with(".mirror-") || name.starts_with(".auth-");
        assert!(left_over.iter().all(unfinished), "{left_over:?}");
        assert!(left_over.len() <= self.files.len(), "{left_over:?}");
        tally.left_over += left_over.len();
        let begun = Instant::now();
        assert!(!self.run(environment.command(), None));
        // No lock is left that it would wait for.
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", self.line);
        assert_eq!(
            &self.contents(environment),
            new,
            "{}: the next run",
            self.line
        );
    }

    /// Before each call of these kinds.
    fn kill_at_calls(&self, kinds: &str, contents: &[Contents; 2], tally: &mut Tally) {
        for kind in kinds.split(' ') {
            for number in 1.. {
                let environment = self.place();
                let mut command = environment.program("strace");
                let at = format!("inject={kind}:signal=KILL:when={number}");
                command.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
                command.arg(format!("trace={kind}")).args(["-e", &at]);
                command.arg(env!("CARGO_BIN_EXE_mirror"));
                if !self.run(command, None) {
                    break;
                }
                self.check(&environment, contents, tally);
            }
        }
    }

    fn kill_at_times(
        &self,
        kills: u64,
        random: &mut Rng,
        contents: &[Contents; 2],
        tally: &mut Tally,
    ) {
        let begun = Instant::now();
        let environment = self.place();
        assert!(!self.run(environment.command(), None));
        let most = u64::try_from(begun.elapsed().as_micros()).unwrap();
        for _ in 0..kills {
            let environment = self.place();
            let time = Duration::from_micros(random.u64(1_000..most.max(2_000)));
            if self.run(environment.command(), Some(time)) {
                self.check(&environment, contents, tally);
            }
        }
    }
}

/// Each command that replaces a file, and the two that replace two.
async fn writers(registry: &RunningRegistry) -> Vec<Writer> {
    let host = registry.host();
    let row = |tag: &str| format!("{host}/a {host}/m/a {tag}\n");
    let list = row("1") + &row("3");
    let place = TestEnvironment::new();
    place.write("images-list", &list);
    block_in_place(|| place.mirror("lock")).exits(0);
    let locked = place.read("images-list.lock");
    let login = |host: &str| format!("login {host} -u me --password-stdin --authfile auth.json");
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
async fn a_killed_writer_leaves_the_old_file_or_the_new_one() {
    let long = std::env::var("MIRROR_KILLS")
        .ok()
        .map(|kills| kills.parse::<u64>().unwrap());
    let seed = std::env::var("MIRROR_SEED").map_or(3, |seed| seed.parse().unwrap());
    let registry = Registry::new().start().await.unwrap();
    for tag in 1..=3 {
        let image = sample_image("a", tag, &[Platform::linux("amd64")], 1).unwrap();
        image.push(&registry, "a", Some(&tag.to_string()));
    }
    let mut random = Rng::with_seed(seed);
    for writer in writers(&registry).await {
        let contents = writer.both();
        let mut tally = Tally::default();
        writer.kill_at_calls(WRITING, &contents, &mut tally);
        if long.is_some() {
            writer.kill_at_calls(REST, &contents, &mut tally);
        }
        writer.kill_at_times(long.unwrap_or(RANDOM), &mut random, &contents, &mut tally);
        println!("{}: seed {seed}: {tally:?}", writer.line);
        assert!(
            tally.some_new > 0,
            "every kill came before the file: {tally:?}"
        );
    }
}
