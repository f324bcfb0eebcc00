//! Text files on web servers.

use registry_client::{Client, redacted_url};
use url::{Position, Url};

use super::collected::CollectedImages;
use super::source_problem::SourceProblem;
use super::text_files::{TextFiles, TextOptions};

/// Reads a file at a URL, without credentials. Hosts other than loopback need https.
pub async fn read_url(client: &Client, url: &Url, options: &TextOptions) -> CollectedImages {
    let name = redacted_url(url);
    match fetch(client, url).await {
        Ok(text) => {
            let mut files = TextFiles::new(options);
            files.read_named(&name, file_name(url), &text);
            files.finish().found
        }
        Err(problem) => {
            let mut found = CollectedImages::default();
            found.add_problem(&name, problem);
            found
        }
    }
}

async fn fetch(client: &Client, url: &Url) -> Result<String, SourceProblem> {
    let host = url.host_str().ok_or("the URL has no host")?;
    let is_loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    if url.scheme() != "https" && !is_loopback {
        return Err("only https:// is read: the file could be changed on the way".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("URLs with credentials are not read: download the file, and name it".into());
    }
    let address = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let api = client.host_api(&address)?;
    let target = url[Position::BeforePath..Position::AfterQuery].trim_start_matches('/');
    let response = api.get(target).await?;
    Ok(String::from_utf8_lossy(response.body()).into_owned())
}

/// Returns the last component of the path.
fn file_name(url: &Url) -> &str {
    let segments = url.path_segments();
    segments.and_then(Iterator::last).unwrap_or_default()
}
