//! Changes of approved digests, judged by their effect: each case is a branch that is reviewed.

use std::fs;
use std::os::unix::fs::symlink;

use embedded_registry::RunningRegistry;

use super::branch_with;
use crate::environment::{TestEnvironment, push_other_image, registry_with};

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const LISTS: &str = "--images-list images-list,daily";

/// A branch with the lists `images-list` and `daily` and their locks.
struct Branch {
    registry: RunningRegistry,
    environment: TestEnvironment,
}

impl Branch {
    async fn new() -> Self {
        let registry = registry_with(&["a:1", "b:1", "c:1", "m/a:1", "m/b:1", "m/c:1"]).await;
        let r = registry.host();
        let environment = branch_with(&format!("{r}/a {r}/m/a 1\n{r}/b {r}/m/b 1\n"));
        let branch = Self {
            registry,
            environment,
        };
        branch.write("daily", &branch.row("c"));
        branch.environment.mirror(&format!("lock {LISTS}")).exits(0);
        branch
    }

    /// Makes the files as they are the base.
    fn is_base(&self) {
        self.environment.git(&["add", "."]);
        self.environment
            .git(&["commit", "-qm", "base", "--allow-empty"]);
        let update = ["update-ref", "refs/remotes/origin/main", "HEAD"];
        self.environment.git(&update);
    }

    fn row(&self, name: &str) -> String {
        let r = self.registry.host();
        format!("{r}/{name} {r}/m/{name} 1\n")
    }

    fn read(&self, file: &str) -> String {
        self.environment.read(file)
    }

    fn write(&self, file: &str, text: &str) {
        self.environment.write(file, text);
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.environment.path(file)).unwrap();
    }

    /// The line of a row's lock, with this digest.
    fn line(&self, name: &str, digest: &str) -> String {
        let row = self.row(name);
        format!(
            "{} {digest} application/vnd.oci.image.index.v1+json\n",
            row.trim_end()
        )
    }

    /// Replaces the digests in a lock by one that no source has.
    fn forge(&self, lock: &str) {
        let text = self.read(lock);
        let forged = text.lines().map(|line| match line.split_once(" sha256:") {
            Some((row, rest)) => {
                let (_, media_type) = rest.split_once(' ').unwrap();
                format!("{row} {ZEROS} {media_type}\n")
            }
            None => format!("{line}\n"),
        });
        self.write(lock, &forged.collect::<String>());
    }

    /// Removes a row from a list and from its lock, and returns both.
    fn take(&self, list: &str, name: &str) -> (String, String) {
        let row = self.row(name);
        let [from_list, from_lock] = [list.to_owned(), format!("{list}.lock")].map(|file| {
            let text = self.read(&file);
            let (taken, left): (Vec<&str>, Vec<&str>) = text
                .split_inclusive('\n')
                .partition(|line| line.starts_with(row.trim_end()));
            self.write(&file, &left.concat());
            taken.concat()
        });
        (from_list, from_lock)
    }

    /// Adds a line to a lock, or a row to a list in its place.
    fn append(&self, file: &str, text: &str) {
        let text = self.read(file) + text;
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        if !file.ends_with(".lock") {
            lines.sort_unstable();
        }
        self.write(file, &lines.concat());
    }
}

/// A kind of branch: the change before the base, the change of the branch, the lists that are
/// checked, the exit code, and a part of the output.
struct Case {
    name: &'static str,
    base: fn(&Branch),
    change: fn(&Branch),
    lists: &'static str,
    code: i32,
    output: &'static str,
}

fn nothing(_: &Branch) {}

/// Changes that approve another digest, or drop a row or its approval.
const REFUSED: [Case; 14] = [
    Case {
        name: "the lock becomes a link to a new file",
        base: nothing,
        change: |branch| {
            branch.forge("images-list.lock");
            fs::rename(
                branch.environment.path("images-list.lock"),
                branch.environment.path("other"),
            )
            .unwrap();
            symlink("other", branch.environment.path("images-list.lock")).unwrap();
        },
        lists: LISTS,
        code: 2,
        output: "images-list.lock is a symbolic link",
    },
    Case {
        name: "the list becomes a link to a new file with a new lock",
        base: nothing,
        change: |branch| {
            branch.forge("images-list.lock");
            branch.environment.git(&["mv", "images-list", "other"]);
            symlink("other", branch.environment.path("images-list")).unwrap();
        },
        lists: LISTS,
        code: 2,
        output: "images-list is a symbolic link",
    },
    Case {
        name: "the branch introduces the lock",
        base: |branch| branch.remove("images-list.lock"),
        change: |branch| {
            let lines = branch.line("a", ZEROS) + &branch.line("b", ZEROS);
            branch.write("images-list.lock", &lines);
        },
        lists: LISTS,
        code: 1,
        output: "is locked to sha256:000",
    },
    Case {
        name: "the branch replaces a lock that nothing could read",
        base: |branch| branch.write("images-list.lock", "<<<<<<< HEAD\n"),
        change: |branch| branch.write("images-list.lock", &branch.line("a", ZEROS)),
        lists: LISTS,
        code: 1,
        output: "is locked to sha256:000",
    },
    Case {
        name: "an old row without a line gets a wrong one",
        base: |branch| {
            let row = branch.row("b");
            let lock = branch.read("images-list.lock");
            let left = lock
                .split_inclusive('\n')
                .filter(|line| !line.starts_with(row.trim_end()));
            branch.write("images-list.lock", &left.collect::<String>());
        },
        change: |branch| branch.append("images-list.lock", &branch.line("b", ZEROS)),
        lists: LISTS,
        code: 1,
        output: "is locked to sha256:000",
    },
    Case {
        name: "a stale line of the base approves a row that comes back",
        base: |branch| {
            branch.take("images-list", "b");
            branch.append("images-list.lock", &branch.line("b", ZEROS));
        },
        change: |branch| branch.append("images-list", &branch.row("b")),
        lists: LISTS,
        code: 1,
        output: "is locked to sha256:000",
    },
    Case {
        name: "a row moves to another list and gets another digest in its lock",
        base: nothing,
        change: |branch| {
            let (row, _) = branch.take("images-list", "b");
            branch.append("daily", &row);
            branch.append("daily.lock", &branch.line("b", ZEROS));
        },
        lists: LISTS,
        code: 1,
        output: " to sha256:000",
    },
    Case {
        name: "a row moves to another list and is not in its lock",
        base: nothing,
        change: |branch| {
            let (row, _) = branch.take("images-list", "b");
            branch.append("daily", &row);
        },
        lists: LISTS,
        code: 1,
        output: " was removed; restore the line",
    },
    Case {
        name: "a row moves to another list, which has no lock",
        base: |branch| branch.remove("daily.lock"),
        change: |branch| {
            let (row, _) = branch.take("images-list", "b");
            branch.append("daily", &row);
        },
        lists: LISTS,
        code: 1,
        output: " was removed; restore the line",
    },
    Case {
        name: "a row moves from a list without a lock and gets a wrong line",
        base: |branch| branch.remove("images-list.lock"),
        change: |branch| {
            let row = branch.row("b");
            branch.write("images-list", &branch.row("a"));
            branch.append("daily", &row);
            branch.append("daily.lock", &branch.line("b", ZEROS));
        },
        lists: LISTS,
        code: 1,
        output: "is locked to sha256:000",
    },
    Case {
        name: "a list is renamed and loses a row",
        base: nothing,
        change: |branch| {
            branch.take("daily", "c");
            branch.environment.git(&["mv", "daily", "weekly"]);
            branch.environment.git(&["mv", "daily.lock", "weekly.lock"]);
        },
        lists: "--images-list images-list,weekly",
        code: 1,
        output: "daily:1: ",
    },
    Case {
        name: "a list is renamed and a link is left in its place",
        base: nothing,
        change: |branch| {
            branch.environment.git(&["mv", "daily", "weekly"]);
            branch.write("weekly", "# no row\n");
            symlink("weekly", branch.environment.path("daily")).unwrap();
            branch.environment.git(&["add", "."]);
        },
        lists: "--images-list images-list,weekly",
        code: 1,
        output: "daily:1: ",
    },
    Case {
        name: "a list is renamed and its lock gets other digests",
        base: nothing,
        change: |branch| {
            branch.forge("daily.lock");
            branch.environment.git(&["mv", "daily", "weekly"]);
            branch.environment.git(&["mv", "daily.lock", "weekly.lock"]);
        },
        lists: "--images-list images-list,weekly",
        code: 1,
        output: " to sha256:000",
    },
    Case {
        name: "a list is renamed and its lock is removed",
        base: nothing,
        change: |branch| {
            branch.environment.git(&["mv", "daily", "weekly"]);
            branch.environment.git(&["rm", "-q", "daily.lock"]);
        },
        lists: "--images-list images-list,weekly",
        code: 1,
        output: " was removed; restore the line",
    },
];

/// Changes that approve what the base approved or what the source has.
const ACCEPTED: [Case; 6] = [
    Case {
        name: "a row moves to another list with its line",
        base: nothing,
        change: |branch| {
            let (row, line) = branch.take("images-list", "b");
            branch.append("daily", &row);
            branch.append("daily.lock", &line);
        },
        lists: LISTS,
        code: 0,
        output: "0 new rows since ",
    },
    Case {
        name: "a list is renamed with its lock",
        base: nothing,
        change: |branch| {
            branch.environment.git(&["mv", "daily", "weekly"]);
            branch.environment.git(&["mv", "daily.lock", "weekly.lock"]);
        },
        lists: "--images-list images-list,weekly",
        code: 0,
        output: "0 new rows since ",
    },
    Case {
        name: "the branch introduces a lock with the digests of the sources",
        base: |branch| branch.remove("images-list.lock"),
        change: |branch| {
            branch.environment.mirror("lock").exits(0);
        },
        lists: LISTS,
        code: 0,
        output: "0 new rows since ",
    },
    Case {
        name: "an approved tag moved at its source",
        base: nothing,
        change: |branch| push_other_image(&branch.registry, "a", "1"),
        lists: LISTS,
        code: 0,
        output: "0 new rows since ",
    },
    Case {
        name: "a file that is no list is removed",
        base: |branch| {
            branch.write(
                "notes",
                "Many lines\nof text.\nThree words here\nand some more of them\n",
            );
            fs::write(branch.environment.path("binary"), [0xff, 0, b'\n']).unwrap();
        },
        change: |branch| {
            branch.environment.git(&["rm", "-q", "notes", "binary"]);
        },
        lists: LISTS,
        code: 0,
        output: "0 new rows since ",
    },
    Case {
        name: "a new line is allowed",
        base: |branch| branch.remove("images-list.lock"),
        change: |branch| branch.write("images-list.lock", &branch.line("a", ZEROS)),
        lists: "--allow-approvals --images-list images-list,daily",
        code: 0,
        output: "0 new rows since ",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn check_new_judges_changed_approvals_by_their_effect() {
    let mut failed = Vec::new();
    for case in REFUSED.iter().chain(&ACCEPTED) {
        let branch = Branch::new().await;
        (case.base)(&branch);
        branch.is_base();
        (case.change)(&branch);
        let line = format!("check-new {}", case.lists);
        let output = branch.environment.mirror(&line);
        let all = format!("{}{}", output.stdout, output.stderr);
        if output.code != Some(case.code) || !all.contains(case.output) {
            failed.push(format!("{}: {:?}\n{all}", case.name, output.code));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_line_that_cannot_be_checked_is_a_finding() {
    let branch = Branch::new().await;
    branch.write("images-list", "127.0.0.1:1/gone r.io/gone 1\n");
    branch.remove("images-list.lock");
    branch.is_base();
    let line = format!("127.0.0.1:1/gone r.io/gone 1 {ZEROS} -\n");
    branch.write("images-list.lock", &line);
    let output = branch.environment.mirror("check-new").exits(1);
    let start = "images-list.lock:1: cannot compare the approved digest of `127.0.0.1:1/gone r.io/gone 1` with its source: ";
    assert!(output.stdout.starts_with(start), "{}", output.stdout);
    branch
        .environment
        .mirror("check-new --allow-approvals")
        .exits(0);
}
