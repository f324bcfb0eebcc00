//! The restrictions of a program, and their form on a command line.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

/// The first argument of the executable that confines programs.
const MODE: &str = "run-confined-program";

const WRITE: &str = "--write";
const OFFLINE: &str = "--offline";
const CPU: &str = "--cpu-seconds";
/// Ends the restrictions. The program and its arguments follow.
const END: &str = "--";

/// The restrictions of a program that handles data of others.
///
/// The program writes only below the [writable](Self::writable) directories, whatever the kernel
/// allows its user. It can signal no process outside its confinement, gains no privileges by
/// `setuid`, leaves no core file, and has limits on the size of a file and on processor time. All
/// processes of its group end with it.
///
/// A process can only confine itself. So the executable of the confinement starts in the program's
/// place, confines itself and becomes the program: its `main` calls
/// [`exec_if_confined`](crate::exec_if_confined). Without an executable, as in a test, only the
/// process group is bounded. The same holds for restrictions that the kernel does not support
/// ([`has_landlock`](crate::has_landlock)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confinement {
    executable: Option<PathBuf>,
    writable: Vec<PathBuf>,
    offline: bool,
}

/// A confined program, as the executable reads it from its command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfinedCommand {
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) offline: bool,
    pub(crate) cpu_seconds: u64,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

impl Confinement {
    /// Creates a confinement without writable directories.
    #[must_use]
    pub fn new(executable: Option<PathBuf>) -> Self {
        Self {
            executable,
            ..Self::default()
        }
    }

    /// Adds a directory that the program may write in.
    #[must_use]
    pub fn writable(mut self, directory: impl Into<PathBuf>) -> Self {
        self.writable.push(directory.into());
        self
    }

    /// Denies TCP connections.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// Returns the executable to start and its arguments before those of the program.
    pub(crate) fn command(
        &self,
        program: &Path,
        deadline: Duration,
    ) -> Option<(&Path, Vec<OsString>)> {
        let executable = self.executable.as_deref()?;
        let mut arguments = vec![OsString::from(MODE)];
        for directory in &self.writable {
            arguments.extend([WRITE.into(), directory.into()]);
        }
        if self.offline {
            arguments.push(OFFLINE.into());
        }
        // The program may use every core until its deadline.
        let cores = available_parallelism().map_or(1, |cores| cores.get() as u64);
        let seconds = (deadline.as_secs() + 1).saturating_mul(cores);
        arguments.extend([CPU.into(), seconds.to_string().into(), END.into()]);
        arguments.push(program.into());
        Some((executable, arguments))
    }
}

impl ConfinedCommand {
    /// Reads a command line, the executable included. Returns `None` if it confines no program.
    pub(crate) fn parse(command_line: &[OsString]) -> Option<Self> {
        let mut arguments = command_line.iter().skip(1);
        if arguments.next()? != MODE {
            return None;
        }
        let mut command = Self {
            writable: Vec::new(),
            offline: false,
            cpu_seconds: 0,
            program: OsString::new(),
            arguments: Vec::new(),
        };
        loop {
            let option = arguments.next().map(OsString::as_os_str)?;
            if option == OsStr::new(END) {
                break;
            } else if option == OsStr::new(OFFLINE) {
                command.offline = true;
            } else if option == OsStr::new(WRITE) {
                command.writable.push(arguments.next()?.into());
            } else if option == OsStr::new(CPU) {
                command.cpu_seconds = arguments.next()?.to_str()?.parse().ok()?;
            } else {
                return None;
            }
        }
        command.program = arguments.next()?.clone();
        command.arguments = arguments.cloned().collect();
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_has_the_restrictions_and_the_program() {
        let confinement = Confinement::new(Some("/bin/confine".into()))
            .writable("/tmp/a b")
            .writable("--")
            .offline();
        let program = Path::new("/bin/helm");
        let command = confinement.command(program, Duration::from_secs(9));
        let (executable, mut arguments) = command.unwrap();
        arguments.extend(["--write", "/", "--"].map(OsString::from));
        let line: Vec<_> = [OsString::from(executable)]
            .into_iter()
            .chain(arguments)
            .collect();
        let read = ConfinedCommand::parse(&line).unwrap();
        assert_eq!(read.writable, [Path::new("/tmp/a b"), Path::new("--")]);
        assert!(read.offline && read.cpu_seconds >= 10);
        assert_eq!(read.program, "/bin/helm");
        assert_eq!(read.arguments, ["--write", "/", "--"]);
    }

    #[test]
    fn other_command_lines_confine_nothing() {
        let without = Confinement::default();
        assert_eq!(
            without.command(Path::new("/bin/helm"), Duration::ZERO),
            None
        );
        for line in [
            "",
            "mirror",
            "mirror sync run-confined-program",
            "mirror run-confined-program",
            "mirror run-confined-program --",
            "mirror run-confined-program --write",
            "mirror run-confined-program --cpu-seconds x -- a",
            "mirror run-confined-program a",
        ] {
            let line: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(ConfinedCommand::parse(&line), None, "{line:?}");
        }
    }
}
