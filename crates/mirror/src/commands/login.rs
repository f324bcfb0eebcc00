//! `mirror login`: store credentials for a registry.

use clap::Args;
use std::io::{self, BufRead, IsTerminal, Read, Write};

use registry_client::credentials::{
    Credential, Helpers, LoginError, LoginLocation, Secret, write_login,
};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file::io_message;
use crate::registries::client;
use crate::session::Session;

/// The arguments of `login`. A password is never an argument: other users of
/// the machine can read those.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror login quay.io                                       asks for user and password
  echo \"$TOKEN\" | mirror login ghcr.io -u me --password-stdin
  mirror login registry.example.com/team --authfile auth.json")]
pub(crate) struct LoginArgs {
    /// The registry, or HOST/PATH for the repositories below a path
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// The user; asked for if left out
    #[arg(short, long, value_name = "USER")]
    pub(crate) username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// A password is a line; tokens have a few KiB.
const LONGEST: u64 = 64 * 1024;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] where nobody can be asked or nothing can be stored.
pub(super) async fn run(session: &Session, args: &LoginArgs) -> Result<Exit, Failure> {
    let Some(file) = client::login_file(&session.common, &session.environment) else {
        return Err(
            Failure::unusable("there is no place for credentials: HOME is not set")
                .hint("name a file with --authfile".to_owned()),
        );
    };
    let username = match &args.username {
        Some(username) => username.clone(),
        None if args.password_stdin => {
            return Err(
                Failure::unusable("--password-stdin needs the user as an option")
                    .hint("add --username USER".to_owned()),
            );
        }
        None => ask_user()?,
    };
    let password = if args.password_stdin {
        read_password(io::stdin().lock())?
    } else {
        ask_password(&args.host, &username)?
    };
    let credential = Credential::Basic { username, password };
    let helpers = Helpers::new(&session.environment.path);
    let place = write_login(&file, &args.host, &credential, &helpers).await;
    let place = place.map_err(|error| cannot_store(&error))?;
    let text = match &place {
        LoginLocation::File(path) => format!(
            "stored in {}, unencrypted, for your user only\n",
            path.display()
        ),
        LoginLocation::Helper { name, file } => {
            format!(
                "stored with docker-credential-{name}, as {} says\n",
                file.display()
            )
        }
    };
    let document = match &place {
        LoginLocation::File(path) => json!({"host": args.host, "file": path, "helper": null}),
        LoginLocation::Helper { name, file } => {
            json!({"host": args.host, "file": file, "helper": name})
        }
    };
    session.output.write(&text, &document)?;
    Ok(Exit::Done)
}

fn cannot_store(error: &LoginError) -> Failure {
    match error {
        LoginError::Key { .. } | LoginError::Colon => Failure::unusable(error.to_string()),
        _ => Failure::failed(error.to_string()),
    }
}

/// Asks on stderr: stdout is the result's.
fn ask_user() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(nobody_to_ask());
    }
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(b"user: ")
        .and_then(|()| stderr.flush())
        .ok();
    let mut line = String::new();
    let read = io::stdin().lock().take(LONGEST).read_line(&mut line);
    read.map_err(|error| Failure::failed(format!("cannot read the user: {}", io_message(&error))))?;
    match line.trim() {
        "" => Err(Failure::unusable("no user was given")),
        user => Ok(user.to_owned()),
    }
}

fn ask_password(host: &str, username: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(nobody_to_ask());
    }
    let typed = rpassword::prompt_password(format!("password of {username} at {host}: "));
    let typed = typed.map_err(|error| {
        Failure::failed(format!("cannot read the password: {}", io_message(&error)))
    })?;
    not_empty(typed)
}

fn nobody_to_ask() -> Failure {
    Failure::unusable("there is no terminal to ask for user and password")
        .hint("give --username USER and --password-stdin".to_owned())
}

/// Reads a password from a pipe. The newline that `echo` adds is no part of it.
fn read_password(input: impl Read) -> Result<Secret, Failure> {
    let mut text = String::new();
    let read = input.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::failed(format!(
            "cannot read the password from standard input: {}",
            io_message(&error)
        ))
    })?;
    if text.len() as u64 > LONGEST {
        return Err(Failure::unusable(format!(
            "the password on standard input is longer than {LONGEST} bytes"
        )));
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    not_empty(text)
}

fn not_empty(password: String) -> Result<Secret, Failure> {
    if password.is_empty() {
        return Err(Failure::unusable("the password is empty"));
    }
    Ok(Secret::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_loses_its_last_newline_only() {
        let table = [
            ("p", "p"),
            ("p\n", "p"),
            ("p\r\n", "p"),
            (" p \n", " p "),
            ("p\n\n", "p\n"),
        ];
        for (piped, want) in table {
            let password = read_password(piped.as_bytes()).unwrap();
            assert_eq!(password.expose(), want, "{piped:?}");
        }
        assert!(read_password("\n".as_bytes()).is_err());
        assert!(read_password(&vec![b'x'; 100_000][..]).is_err());
    }
}
