//! Tests of the window with a clock of their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use once_map::SharedValue;

use super::destination_pace::DestinationPace;
use super::window::{Chunk, Detached, GRACE, NextChunk, ReadPermits, Window};
use crate::blob::reader::Position;
use crate::digest::Hasher;
use crate::fair_share::FairShare;
use crate::transport::HostLimit;

const MS: Duration = Duration::from_millis(1);

struct Reads {
    window: Window,
    pace: Arc<DestinationPace>,
    now: Instant,
}

impl Reads {
    fn new() -> Self {
        let pace = Arc::new(DestinationPace::default());
        Self {
            window: Window::new(pace.open_read()),
            pace,
            now: Instant::now(),
        }
    }

    async fn join(&mut self, host: &str) -> u64 {
        let stream = SharedValue::default();
        let acquire = async || {
            let permit = FairShare::new(1, 1).acquire(host).await;
            permit.map(Arc::new).ok_or(())
        };
        let limit = Arc::new(HostLimit::new(1, 1));
        let source = SharedValue::default();
        let permit = async || limit.acquire("s", Duration::ZERO).await.map(Arc::new);
        let permits = ReadPermits {
            stream: stream.lease(acquire).await.unwrap(),
            source: source.lease(permit).await.unwrap(),
        };
        self.window.join(host, permits, self.now)
    }

    fn push(&mut self, text: &'static str) {
        let digest = crate::sha256_digest(b"").to_string();
        self.window.push(Chunk {
            bytes: Bytes::from_static(text.as_bytes()),
            position: Position::of(7, Hasher::for_digest(&digest.parse().unwrap())),
        });
    }

    fn take(&mut self, key: u64) -> Option<Bytes> {
        match self.window.take(key, false) {
            Some(NextChunk::Chunk(bytes)) => Some(bytes),
            _ => None,
        }
    }

    fn charge(&mut self, held: Duration) -> Vec<(u64, Detached)> {
        self.now += held;
        let pace = Arc::clone(&self.pace);
        let behind = |host: &str| pace.fall_behind(host);
        self.window.charge(held, self.now, behind)
    }
}

#[tokio::test]
async fn each_upload_takes_every_chunk_and_the_last_one_frees_it() {
    let mut reads = Reads::new();
    let (a, b) = (reads.join("a").await, reads.join("b").await);
    reads.push("one");
    reads.push("two");
    assert_eq!(reads.take(a).unwrap(), "one");
    assert_eq!(reads.take(a).unwrap(), "two");
    let both = reads.window.bytes();
    assert!(both > 0);
    assert_eq!(reads.take(b).unwrap(), "one");
    assert_eq!(reads.window.bytes() * 2, both);
    assert!(!reads.window.has_start());
    reads.window.leave(b, false);
    assert_eq!(reads.window.bytes(), 0);
    reads.window.finish(Ok(()));
    assert!(matches!(reads.window.take(a, false), Some(NextChunk::End)));
    assert!(reads.window.take(b, false).is_none());
}

#[tokio::test]
async fn upload_that_keeps_others_waiting_leaves_the_window_with_its_position() {
    let mut reads = Reads::new();
    let (fast, slow) = (reads.join("fast").await, reads.join("slow").await);
    reads.push("one");
    assert!(!reads.window.is_awaited());
    reads.take(fast);
    assert_eq!(reads.take(fast), None);
    assert!(reads.window.is_awaited());
    assert!(reads.charge(GRACE - MS).is_empty());
    let detached = reads.charge(2 * MS);
    let [(key, detached)] = &detached[..] else {
        panic!("{detached:?}");
    };
    assert_eq!((*key, detached.position.received()), (slow, 7));
    assert!(reads.pace.is_behind("slow") && !reads.pace.is_behind("fast"));
    reads.window.trim(false);
    assert_eq!(reads.window.bytes(), 0);
    assert!(reads.window.has_readers());
}

#[tokio::test]
async fn credit_returns_while_an_upload_keeps_up() {
    let mut reads = Reads::new();
    let (fast, slow) = (reads.join("fast").await, reads.join("slow").await);
    reads.push("one");
    reads.take(fast);
    reads.take(fast);
    assert!(reads.charge(GRACE - MS).is_empty());
    reads.now += 80 * MS;
    assert_eq!(reads.window.credit_left(reads.now), Some(11 * MS));
    assert!(reads.charge(10 * MS).is_empty());
    let detached = reads.charge(2 * MS);
    assert_eq!(detached.len(), 1, "{slow}");
}

#[tokio::test]
async fn start_is_kept_for_uploads_that_may_follow() {
    let mut reads = Reads::new();
    let a = reads.join("a").await;
    reads.push("one");
    assert!(matches!(
        reads.window.take(a, true),
        Some(NextChunk::Chunk(_))
    ));
    assert!(reads.window.has_start());
    let b = reads.join("b").await;
    reads.window.trim(false);
    assert_eq!(reads.take(b).unwrap(), "one");
    assert!(!reads.window.has_start());
}

#[tokio::test]
async fn tiny_chunks_fill_the_window() {
    let mut reads = Reads::new();
    reads.join("a").await;
    for _ in 0..1000 {
        reads.push("x");
    }
    assert!(reads.window.bytes() > 1_000_000);
}
