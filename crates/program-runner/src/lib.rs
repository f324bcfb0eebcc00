//! Other programs, run without a shell, in a given environment, within bounds.
//!
//! A program that is run on behalf of a command can hang, write without end, start further
//! programs, or read secrets from its environment. A [`Program`]
//!
//! - receives its arguments as they are, and exactly the environment that it is given,
//! - is killed with all programs that it started, at its deadline, at the bound of its output, and
//!   when the future of its run is dropped,
//! - is searched for in absolute directories only ([`find`]).
//!
//! A program with a [`Confinement`] also writes only below given directories, and leaves no process
//! behind.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), program_runner::RunError> {
//! use program_runner::Program;
//!
//! let output = Program::new("/bin/sh")
//!     .args(["-c", "read name; echo \"$GREETING, $name\""])
//!     .env("GREETING", "hello")
//!     .stdin(b"world\n".to_vec())
//!     .run()
//!     .await?
//!     .successful()?;
//! assert_eq!(*output.stdout, b"hello, world\n");
//! # Ok(())
//! # }
//! ```

mod confined_process;
mod confinement;
mod error;
mod find;
mod output;
mod program;

pub use confined_process::{exec_if_confined, has_landlock};
pub use confinement::Confinement;
pub use error::RunError;
pub use find::find;
pub use output::Output;
pub use program::{KeptStderr, Program};
