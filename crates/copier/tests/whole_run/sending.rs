//! The ways in which a response is sent.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::behavior::Delivery;
use super::contents::Response;

/// The longest wait for the end of a connection: beyond every budget of a run.
const PATIENCE: Duration = Duration::from_secs(300);
const SPACES: [u8; 4096] = [b' '; 4096];

/// Sends a response. Returns `None` if the connection cannot be used again.
pub async fn send(
    stream: &mut TcpStream,
    method: &str,
    response: &Response,
    delivery: Delivery,
) -> Option<()> {
    match delivery {
        Delivery::Close => return None,
        Delivery::Silence => return silence(stream).await,
        Delivery::Garbage => {
            stream
                .write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
                .await
                .ok()?;
            return None;
        }
        Delivery::Late(time) => sleep(time).await,
        Delivery::InterimFlood => loop {
            stream
                .write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                .await
                .ok()?;
        },
        Delivery::HeaderFlood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok()?;
            loop {
                stream
                    .write_all(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
                    .await
                    .ok()?;
            }
        }
        _ => {}
    }
    let is_head = method == "HEAD";
    stream
        .write_all(&head(response, delivery, is_head))
        .await
        .ok()?;
    if is_head {
        return Some(());
    }
    send_body(stream, &response.body, delivery).await
}

fn head(response: &Response, delivery: Delivery, is_head: bool) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Status\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_length = response
        .headers
        .iter()
        .any(|(name, _)| name == "content-length");
    match delivery {
        Delivery::Endless if !is_head => head.push_str("transfer-encoding: chunked\r\n"),
        Delivery::Padded(spaces) => {
            head.push_str(&format!(
                "content-length: {}\r\n",
                response.body.len() + spaces
            ));
        }
        Delivery::Length(extra) => {
            let length = (response.body.len() as i64).saturating_add(extra);
            head.push_str(&format!("content-length: {}\r\n", length.max(0)));
        }
        _ if has_length => {}
        _ => head.push_str(&format!("content-length: {}\r\n", response.body.len())),
    }
    head.push_str("\r\n");
    head.into_bytes()
}

async fn send_body(stream: &mut TcpStream, body: &Bytes, delivery: Delivery) -> Option<()> {
    match delivery {
        Delivery::Drip(bytes, pause) => {
            for part in body.chunks(bytes.max(1)) {
                stream.write_all(part).await.ok()?;
                sleep(pause).await;
            }
            Some(())
        }
        Delivery::Cut(bytes) => {
            stream
                .write_all(&body[..bytes.min(body.len())])
                .await
                .ok()?;
            None
        }
        Delivery::Stall(bytes) => {
            stream
                .write_all(&body[..bytes.min(body.len())])
                .await
                .ok()?;
            silence(stream).await
        }
        Delivery::Endless => loop {
            stream.write_all(b"1000\r\n").await.ok()?;
            stream.write_all(&SPACES).await.ok()?;
            stream.write_all(b"\r\n").await.ok()?;
        },
        Delivery::Padded(spaces) => {
            stream.write_all(body).await.ok()?;
            for start in (0..spaces).step_by(SPACES.len()) {
                let size = SPACES.len().min(spaces - start);
                stream.write_all(&SPACES[..size]).await.ok()?;
            }
            Some(())
        }
        Delivery::Length(_) => {
            stream.write_all(body).await.ok()?;
            None
        }
        _ => stream.write_all(body).await.ok(),
    }
}

/// Waits until the client closes the connection.
async fn silence(stream: &mut TcpStream) -> Option<()> {
    let mut buffer = [0; 1024];
    while let Ok(Ok(1..)) = timeout(PATIENCE, stream.read(&mut buffer)).await {}
    None
}
