//! Child processes with piped streams, and signals to them.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::CommandOutput;

/// Runs a blocking call. Servers of the test that share its thread move to another one first.
pub(crate) fn block<T>(call: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(_) => block_in_place(call),
        Err(_) => call(),
    }
}

/// Starts a command with piped stdout and stderr.
pub(crate) fn spawn_piped(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for a child that [`spawn_piped`] started.
#[track_caller]
pub(crate) fn output_of(child: Child) -> CommandOutput {
    CommandOutput::new(block(|| child.wait_with_output()).unwrap())
}

/// Runs a command with `input` on stdin.
#[track_caller]
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> CommandOutput {
    CommandOutput::new(output_with_input(command, input))
}

/// The same as [`run_with_input`], with the raw output.
pub(crate) fn output_with_input(command: &mut Command, input: &str) -> Output {
    let mut child = spawn_piped(command.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().unwrap();
    // A run that rejects its arguments exits without reading stdin.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    block(|| child.wait_with_output()).unwrap()
}

/// Sends a signal such as `TERM` to a running child.
#[track_caller]
pub(crate) fn send_signal(child: &Child, signal: &str) {
    assert!(
        try_send_signal(child.id(), signal),
        "no process for {signal}"
    );
}

/// Sends a signal and returns whether the process still exists.
pub(crate) fn try_send_signal(process: u32, signal: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args(["-s", signal, &process.to_string()]);
    kill.output().unwrap().status.success()
}
