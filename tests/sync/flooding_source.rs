//! A source that sends the maximum that the limits on single documents allow.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use registry_client::sha256_digest;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const MIB: usize = 1024 * 1024;

/// Time after which a request for content that does not exist is answered.
const DELAY: Duration = Duration::from_millis(700);

/// A kind of content that a source has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flood {
    /// Two pages of 16 MiB with digest tags in each repository.
    Tags,
    /// Lists of 7 MiB, of referrers that do not exist.
    Referrers,
    /// Indexes with 32 manifests of 2 MiB, whose configs do not exist.
    Children,
}

/// A running source. The repository `flood/N` has the tag `v1`.
pub(crate) struct FloodingSource {
    pub(crate) host: String,
}

struct Content {
    flood: Flood,
    /// By the last part of their paths, with the number of the repository before tags.
    manifests: HashMap<String, (&'static str, Bytes)>,
    /// Pages of tags or referrers.
    pages: [Bytes; 2],
}

struct Response {
    content_type: &'static str,
    link: Option<String>,
    digest: Option<String>,
    body: Bytes,
}

impl FloodingSource {
    /// Starts a source with a number of repositories.
    pub(crate) async fn start(flood: Flood, repositories: usize) -> Self {
        let content = Arc::new(Content::new(flood, repositories));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let content = Arc::clone(&content);
                // The client closes connections that it no longer needs.
                tokio::spawn(async move { content.serve(stream).await.ok() });
            }
        });
        Self { host }
    }
}

impl Content {
    fn new(flood: Flood, repositories: usize) -> Self {
        let mut manifests = HashMap::new();
        for number in 0..repositories {
            let children: Vec<String> = match flood {
                Flood::Children => (0..32)
                    .map(|child| {
                        let body = Bytes::from(large_image(number, child));
                        let digest = sha256_digest(&body).to_string();
                        let descriptor = descriptor(IMAGE, &digest, body.len(), "");
                        manifests.insert(digest, (IMAGE, body));
                        descriptor
                    })
                    .collect(),
                Flood::Tags | Flood::Referrers => Vec::new(),
            };
            let children = children.join(",");
            let root = Bytes::from(format!(
                r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{children}],"annotations":{{"n":"{number}"}}}}"#
            ));
            let digest = sha256_digest(&root).to_string();
            manifests.insert(digest, (INDEX, root.clone()));
            manifests.insert(format!("{number}/v1"), (INDEX, root));
        }
        let page = match flood {
            Flood::Tags => page_of_tags,
            Flood::Referrers => page_of_referrers,
            Flood::Children => |_| Bytes::new(),
        };
        Self {
            flood,
            manifests,
            pages: [page(0), page(1)],
        }
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut first = String::new();
            if stream.read_line(&mut first).await? == 0 {
                return Ok(());
            }
            let mut line = first.clone();
            while line.trim() != "" {
                line.clear();
                stream.read_line(&mut line).await?;
            }
            let mut words = first.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let response = self.response(target).await;
            let mut head = match &response {
                Some(response) => format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {}\r\n",
                    response.content_type
                ),
                None => "HTTP/1.1 404 Not Found\r\n".to_owned(),
            };
            let body = response
                .as_ref()
                .map_or(Bytes::new(), |response| response.body.clone());
            if let Some(Response { link, digest, .. }) = response {
                for (name, value) in [("link", link), ("docker-content-digest", digest)] {
                    let header = value.map(|value| format!("{name}: {value}\r\n"));
                    head += &header.unwrap_or_default();
                }
            }
            head += &format!("content-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            if method == "GET" {
                stream.write_all(&body).await?;
            }
        }
    }

    async fn response(&self, target: &str) -> Option<Response> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (_, last) = path.rsplit_once('/')?;
        let is_list = path.ends_with("/tags/list") && self.flood == Flood::Tags;
        let is_list = is_list || path.contains("/referrers/") && self.flood == Flood::Referrers;
        if is_list {
            let is_second = query.contains("second");
            let link = format!("<{path}?second=1>; rel=\"next\"");
            return Some(Response {
                content_type: INDEX,
                link: (!is_second).then_some(link),
                digest: None,
                body: self.pages[usize::from(is_second)].clone(),
            });
        }
        if path.ends_with("/v2/") || path.contains("/referrers/") {
            let body = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
            return Some(Response {
                content_type: INDEX,
                link: None,
                digest: None,
                body: body.into(),
            });
        }
        let repository = path.strip_prefix("/v2/flood/")?.split('/').next()?;
        let key = match last {
            "v1" => format!("{repository}/v1"),
            digest => digest.to_owned(),
        };
        let Some((content_type, body)) = self.manifests.get(&key) else {
            // The client keeps what it has while it waits.
            sleep(DELAY).await;
            return None;
        };
        Some(Response {
            content_type,
            link: None,
            digest: Some(sha256_digest(body).to_string()),
            body: body.clone(),
        })
    }
}

fn descriptor(media_type: &str, digest: &str, size: usize, annotation: &str) -> String {
    format!(
        r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size},"annotations":{{"a":"{annotation}"}}}}"#
    )
}

/// Returns an image of 2 MiB whose config does not exist.
fn large_image(repository: usize, child: usize) -> String {
    let missing = format!("sha256:{:064x}", (repository << 16) + child);
    let config = descriptor("application/vnd.oci.image.config.v1+json", &missing, 2, "");
    let filler = "x".repeat(2 * MIB);
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config},"layers":[],"annotations":{{"a":"{filler}"}}}}"#
    )
}

fn page_of_tags(page: usize) -> Bytes {
    let mut body = r#"{"tags":["v1""#.to_owned();
    let mut number = page << 32;
    while body.len() < 16 * MIB {
        number += 1;
        body += &format!(r#","sha256-{number:064x}.sig""#);
    }
    body += "]}";
    body.into()
}

/// Returns referrers that do not exist, with annotations of 100 KiB.
fn page_of_referrers(page: usize) -> Bytes {
    let annotation = "x".repeat(100 * 1024);
    let referrers: Vec<String> = (0..35)
        .map(|number| {
            let digest = format!("sha256:{:064x}", (page << 16) + number + 1);
            descriptor(IMAGE, &digest, 2, &annotation)
        })
        .collect();
    let referrers = referrers.join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{referrers}]}}"#).into()
}
