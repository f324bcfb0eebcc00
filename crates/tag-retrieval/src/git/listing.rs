//! The list of tags of a repository.

use std::fs;
use std::io;
use std::time::Duration;

use program_runner::{Confinement, KeptStderr, Program, RunError};
use registry_client::{redact_urls, redacted_url};
use url::Url;

use super::error::GitError;
use super::settings::GitSettings;
use crate::url_credentials::UrlCredentials;

/// Deadline of the listing.
const DEADLINE: Duration = Duration::from_secs(60);
/// Maximum size of the listing in bytes: some hundred thousand tags.
const MAX_LISTING_SIZE: usize = 32 * 1024 * 1024;
/// Maximum size of stderr in bytes.
const MAX_STDERR_SIZE: usize = 64 * 1024;
/// The name of a repository in git's configuration.
const REMOTE: &str = "upstream";

/// Lists the tags of a repository. `location` is its URL for messages.
///
/// # Errors
///
/// [`GitError`] if git is missing, fails, or exceeds a bound.
pub(crate) async fn list_tags(
    git: &GitSettings,
    url: &Url,
    location: &str,
) -> Result<Vec<String>, GitError> {
    let listed = list(git, url, location, DEADLINE).await?;
    Ok(tags(&listed).map(str::to_owned).collect())
}

/// Returns the tags of a listing. Each line has an object name, a tab or a space, and a reference. The
/// object behind an annotated tag has a line of its own, which ends with `^{}`.
fn tags(listed: &str) -> impl Iterator<Item = &str> {
    let references = listed
        .lines()
        .filter_map(|line| Some(line.split_once(['\t', ' '])?.1));
    let tags = references.filter_map(|reference| reference.strip_prefix("refs/tags/"));
    tags.filter(|tag| !tag.ends_with("^{}"))
}

async fn list(
    git: &GitSettings,
    url: &Url,
    location: &str,
    deadline: Duration,
) -> Result<String, GitError> {
    let not_run = |kind: io::ErrorKind| GitError::NotRun(kind.into());
    let program = git.program.as_ref();
    let program = program.ok_or_else(|| not_run(io::ErrorKind::NotFound))?;
    let mut confinement = Confinement::new(git.confiner.clone());
    if let Some(scratch) = &git.scratch {
        fs::create_dir_all(scratch).map_err(GitError::NotRun)?;
        confinement = confinement.writable(scratch);
    }
    let program = Program::new(program)
        .envs(git.environment())
        .confined(confinement);
    let ended = with_arguments(program, url).deadline(deadline).run().await;
    let url = location.to_owned();
    let output = ended.map_err(|error| match error {
        RunError::TimedOut { deadline, .. } => GitError::TimedOut {
            url,
            after: deadline,
        },
        RunError::TooMuchOutput { limit, .. } => GitError::TooLarge { url, limit },
        RunError::Io { source, .. } => GitError::NotRun(source),
        _ => not_run(io::ErrorKind::NotFound),
    })?;
    if !output.status.success() {
        let stderr = one_line(&output.stderr).unwrap_or_else(|| output.status.to_string());
        let url = location.to_owned();
        return Err(GitError::Failed { url, stderr });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Settings for every URL. git ends by itself where nothing arrives any more. Of the user's own
/// configuration only credentials, certificates and proxies matter; what else can start a program
/// is off.
const SETTINGS: [&str; 8] = [
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=30",
    "safe.bareRepository=explicit",
    "core.askPass=",
    "core.fsmonitor=false",
    "core.gitProxy=",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
];

/// Lists the tags of a repository without prompts, through the protocol of its URL alone.
fn with_arguments(mut program: Program, url: &Url) -> Program {
    // A redirect may lead from HTTP to HTTPS only. Other protocols, such as `ext`, run programs.
    let allowed = match url.scheme() {
        "http" => "http:https",
        "file" => "file",
        _ => "https",
    };
    program = program.arg("--no-pager");
    for setting in SETTINGS {
        program = program.args(["-c", setting]);
    }
    let (url, credentials) = UrlCredentials::split(url);
    if let Some(credentials) = credentials {
        program = with_credentials(program, &url, credentials);
    }
    let program = if redacted_url(&url) == url.as_str() {
        let arguments = ["ls-remote", "--quiet", "--tags", "--refs", "--"];
        program.args(arguments).arg(url.as_str())
    } else {
        with_secret_url(program, &url)
    };
    program
        // Outside any repository, so that no local configuration applies.
        .current_dir("/")
        .env("GIT_ALLOW_PROTOCOL", allowed)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("LC_ALL", "C")
        .max_stdout(MAX_LISTING_SIZE)
        .keep_stderr(KeptStderr::First(MAX_STDERR_SIZE))
}

/// Lists all references of a URL with a secret in its path.
///
/// `ls-remote` passes the URL as an argument, also to the program for its protocol. That program itself
/// reads it from the environment. It speaks version 0 of the protocol then, without a filter.
///
/// Source: gitremote-helpers(7).
fn with_secret_url(program: Program, url: &Url) -> Program {
    program
        .args(["-c", "protocol.version=0"])
        .args([format!("remote-{}", url.scheme()).as_str(), REMOTE])
        .stdin(b"list\n\n".to_vec())
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("remote.{REMOTE}.url"))
        .env("GIT_CONFIG_VALUE_0", url.as_str())
}

/// Passes the credentials of the URL in the environment, which other users cannot read as they can
/// arguments. They are for the URL's host alone, and no helper of the user stores them.
fn with_credentials(program: Program, url: &Url, credentials: UrlCredentials) -> Program {
    const ANSWER: &str =
        r#"!printf 'username=%s\npassword=%s\n' "$MIRROR_USERNAME" "$MIRROR_PASSWORD" #"#;
    let host = url.origin().ascii_serialization();
    program
        .args(["-c", "credential.helper=", "-c"])
        .arg(format!("credential.{host}.helper={ANSWER}"))
        .env("MIRROR_USERNAME", credentials.username)
        .env("MIRROR_PASSWORD", credentials.password)
}

/// Formats stderr as one line, without `fatal: `. Returns `None` if it is empty.
fn one_line(stderr: &[u8]) -> Option<String> {
    let stderr = String::from_utf8_lossy(stderr);
    let lines = stderr
        .lines()
        .map(|line| line.trim_start_matches("fatal: ").trim());
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let line = lines.join("; ").replace(|c: char| c.is_control(), " ");
    (!line.is_empty()).then(|| redact_urls(&line))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn only_tags_are_listed() {
        let listed = "1f\trefs/tags/v1.0\n2e refs/tags/api/v1.1\n4f refs/tags/v1.0^{}\n\
                      3d\trefs/heads/v2\n@refs/heads/v2 HEAD\nnonsense\n";
        assert_eq!(tags(listed).collect::<Vec<_>>(), ["v1.0", "api/v1.1"]);
    }

    #[tokio::test]
    async fn silent_server_is_an_error_at_the_deadline() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.git", silent.local_addr().unwrap());
        let url: Url = url.parse().unwrap();
        let git = GitSettings {
            program: program_runner::find(OsStr::new("/usr/local/bin:/usr/bin:/bin"), "git"),
            ..GitSettings::default()
        };
        let result = list(&git, &url, "it", Duration::from_millis(300)).await;
        assert!(
            matches!(result, Err(GitError::TimedOut { .. })),
            "{result:?}"
        );
    }
}
