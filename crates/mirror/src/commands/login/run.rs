//! Running `mirror login`.

use clap::Args;
use std::io::{self, BufRead, IsTerminal, Read, Write};

use registry_client::credentials::{
    Credential, Helpers, LoginError, LoginLocation, Secret, parse_login_key, write_login,
};
use serde_json::json;

use super::status;
use super::verify::verify;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::atomic_file::io_message;
use crate::registries::client;
use crate::session::Session;

/// The arguments of `login`.
///
/// A password is never an argument, because other users of the machine
/// can read the arguments of a process.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror login quay.io                                       prompt for user name and password
  echo \"$TOKEN\" | mirror login ghcr.io -u me --password-stdin
  mirror login registry.example.com/team --authfile auth.json
  mirror login --status                                      list where credentials come from")]
pub(crate) struct LoginArgs {
    /// Registry, or HOST/PATH for the repositories below a path
    #[arg(value_name = "HOST", required_unless_present = "status")]
    pub(crate) host: Option<String>,
    /// User name [default: prompt]
    #[arg(short, long, value_name = "USER")]
    pub(crate) username: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Store the credentials without a check at the registry
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// List the stored credentials, without secrets, in the order of lookup
    #[arg(long, conflicts_with_all = ["username", "password_stdin", "no_verify"])]
    pub(crate) status: bool,
}

/// Maximum length of user names and passwords. Tokens have a few KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if there is no terminal for a prompt, or the credentials cannot be stored.
pub(crate) async fn run(session: &Session, args: &LoginArgs) -> Result<Exit, Failure> {
    let host = args.host.as_deref().unwrap_or_default();
    let target = args.host.as_deref().map(parse_login_key).transpose();
    let target = target.map_err(|error| cannot_store(&error))?;
    let Some(target) = target.filter(|_| !args.status) else {
        let target = args
            .host
            .as_deref()
            .and_then(|host| parse_login_key(host).ok());
        return status::run(session, target.as_ref()).await;
    };
    let Some(file) = client::login_file(&session.common, &session.environment) else {
        return Err(
            Failure::unusable("cannot find the credentials file: HOME is not set")
                .hint("set the file with --authfile FILE".to_owned()),
        );
    };
    let username = match &args.username {
        Some(username) => username.clone(),
        None if args.password_stdin => {
            return Err(Failure::unusable("--password-stdin requires --username")
                .hint("add --username USER".to_owned()));
        }
        None => prompt_username()?,
    };
    let password = if args.password_stdin {
        read_password(io::stdin().lock())?
    } else {
        prompt_password(host, &username)?
    };
    let credential = Credential::Basic { username, password };
    let is_verified = !args.no_verify && verify(session, host, &target, &credential).await?;
    if !is_verified && !args.no_verify {
        tracing::warn!("the credentials were not verified: {host} requests none");
    }
    let helpers = Helpers::new(&session.environment.path);
    let place = write_login(&file, host, &credential, &helpers).await;
    let place = place.map_err(|error| cannot_store(&error))?;
    let text = match &place {
        LoginLocation::File(path) => format!(
            "credentials stored in {}, unencrypted, readable only by you\n",
            path.display()
        ),
        LoginLocation::Helper { name, file } => {
            format!(
                "credentials stored with docker-credential-{name}, which {} configures\n",
                file.display()
            )
        }
    };
    let (file, helper) = match &place {
        LoginLocation::File(path) => (path, None),
        LoginLocation::Helper { name, file } => (file, Some(name)),
    };
    let document = json!({"host": host, "file": file, "helper": helper, "verified": is_verified});
    session.output.write(&text, &document)?;
    Ok(Exit::Done)
}

fn cannot_store(error: &LoginError) -> Failure {
    match error {
        LoginError::Key { .. } | LoginError::Colon => Failure::unusable(error.to_string()),
        _ => Failure::failed(error.to_string()),
    }
}

/// Prompts for the user name on stderr, because stdout is for the result.
fn prompt_username() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(b"user name: ")
        .and_then(|()| stderr.flush())
        .ok();
    let mut line = String::new();
    let read = io::stdin().lock().take(MAX_BYTES).read_line(&mut line);
    read.map_err(|error| {
        Failure::failed(format!("cannot read the user name: {}", io_message(&error)))
    })?;
    match line.trim() {
        "" => Err(Failure::unusable("the user name is empty")),
        username => Ok(username.to_owned()),
    }
}

fn prompt_password(host: &str, username: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    let password = rpassword::prompt_password(format!("password for {username} at {host}: "));
    let password = password.map_err(|error| {
        Failure::failed(format!("cannot read the password: {}", io_message(&error)))
    })?;
    to_secret(password)
}

fn no_terminal() -> Failure {
    Failure::unusable("cannot prompt for user name and password: stdin is not a terminal")
        .hint("use --username USER and --password-stdin".to_owned())
}

/// Reads a password from a pipe, and removes the newline that `echo` adds.
fn read_password(input: impl Read) -> Result<Secret, Failure> {
    let mut text = String::new();
    let read = input.take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::failed(format!(
            "cannot read the password from standard input: {}",
            io_message(&error)
        ))
        .hint("pipe the password as UTF-8 text".to_owned())
    })?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::unusable(format!(
            "the password on standard input is longer than {MAX_BYTES} bytes"
        )));
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    to_secret(text)
}

fn to_secret(password: String) -> Result<Secret, Failure> {
    if password.is_empty() {
        return Err(Failure::unusable("the password is empty")
            .hint("check the command or the variable that it comes from".to_owned()));
    }
    Ok(Secret::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_password_removes_only_the_last_newline() {
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
