//! The process that confines itself and becomes a program.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::confinement::ConfinedCommand;

/// Maximum size of a file that a confined program writes, in bytes.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// The exit code where the program cannot be started, as that of a shell.
const NOT_STARTED: u8 = 127;

/// The beginning of stderr where the program cannot be started. The error number follows.
const START_FAILURE: &str = "cannot start the confined program: error ";

/// Confines this process and becomes the program of a command line that a
/// [`Confinement`](crate::Confinement) made. Call it first in `main`, before any thread is started.
///
/// Returns `None` for another command line, and an exit code if the program cannot be started.
#[must_use]
pub fn exec_if_confined(command_line: &[OsString]) -> Option<u8> {
    let command = ConfinedCommand::parse(command_line)?;
    let error = match confine(&command) {
        Ok(()) => Command::new(&command.program)
            .args(&command.arguments)
            .exec(),
        Err(error) => error,
    };
    // EIO stands for an error that has no number.
    let number = error.raw_os_error().unwrap_or(nix::libc::EIO);
    // A closed stderr is no further error.
    let _ = io::Write::write_all(
        &mut io::stderr(),
        format!("{START_FAILURE}{number}\n").as_bytes(),
    );
    Some(NOT_STARTED)
}

/// Returns the reason why a confined program was not started.
pub(crate) fn start_failure(code: Option<i32>, stderr: &[u8]) -> Option<io::Error> {
    if code != Some(NOT_STARTED.into()) {
        return None;
    }
    let number = std::str::from_utf8(stderr).ok()?.trim_end();
    let number = number.strip_prefix(START_FAILURE)?.parse().ok()?;
    Some(io::Error::from_raw_os_error(number))
}

fn confine(command: &ConfinedCommand) -> io::Result<()> {
    for (resource, most) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, MAX_FILE),
        (Resource::RLIMIT_CPU, command.cpu_seconds),
    ] {
        let (_, hard) = getrlimit(resource)?;
        let most = most.min(hard);
        setrlimit(resource, most, most)?;
    }
    restrict(command)
}

/// Returns true if the kernel supports Landlock, which restricts the file system and the network.
#[must_use]
pub fn has_landlock() -> bool {
    #[cfg(target_os = "linux")]
    {
        use landlock::{AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::WriteFile);
        ruleset.is_ok_and(|ruleset| ruleset.create().is_ok())
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Restricts writes, signals and the network, as far as the kernel supports it.
#[cfg(target_os = "linux")]
fn restrict(command: &ConfinedCommand) -> io::Result<()> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
        Scope, path_beneath_rules,
    };
    // The rights to create, change, rename and remove files. `ioctl` on devices is not among them.
    let write = AccessFs::from_write(ABI::V3);
    let restricted = || -> Result<(), RulesetError> {
        let mut ruleset = Ruleset::default()
            .handle_access(write)?
            .scope(Scope::Signal)?;
        if command.offline {
            ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V4))?;
        }
        ruleset
            .create()?
            .add_rules(path_beneath_rules(&command.writable, write))?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::WriteFile))?
            .restrict_self()?;
        Ok(())
    };
    restricted().map_err(io::Error::other)
}

#[cfg(not(target_os = "linux"))]
fn restrict(_: &ConfinedCommand) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_failure_is_the_error_of_the_system() {
        let line = format!("{START_FAILURE}2\n");
        let kind =
            |code, stderr: &str| start_failure(code, stderr.as_bytes()).map(|error| error.kind());
        assert_eq!(kind(Some(127), &line), Some(io::ErrorKind::NotFound));
        assert_eq!(kind(Some(1), &line), None);
        assert_eq!(kind(None, &line), None);
        assert_eq!(kind(Some(127), "sh: no such command\n"), None);
    }
}
