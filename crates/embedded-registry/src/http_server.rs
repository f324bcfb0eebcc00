//! A plain HTTP/1.1 server on loopback. The test servers of the workspace share it.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// Maximum concurrent connections; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

/// Deadline for the head of a request, the idle time before it included. Clients close idle
/// connections earlier, so a request never meets a connection that the server is closing.
const HEAD_DEADLINE: Duration = Duration::from_secs(300);

/// The pause after a failed `accept`, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A bound port of 127.0.0.1 that does not serve yet.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A server that runs until it is dropped, or stopped with [`HttpServer::stop`].
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    task: JoinHandle<()>,
    /// The task ends when this is dropped.
    stop: oneshot::Sender<()>,
}

impl HttpListener {
    /// Binds a free port.
    ///
    /// # Errors
    ///
    /// When no port of the loopback interface is free.
    pub async fn bind() -> io::Result<Self> {
        Self::bind_to(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Binds one address.
    ///
    /// # Errors
    ///
    /// When the address is in use.
    pub async fn bind_to(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns the bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves with one handler for all requests, in the tokio runtime of the caller.
    pub fn serve<H, F, B, E>(self, handler: H) -> HttpServer
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, E>> + Send + 'static,
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        self.serve_connections(move |stream| (stream, handler.clone()))
    }

    /// Serves with a stream and a handler for each connection. An error of the handler closes the
    /// connection.
    pub fn serve_connections<C, S, H, F, B, E>(self, connect: C) -> HttpServer
    where
        C: Fn(TcpStream) -> (S, H) + Send + Sync + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, E>> + Send + 'static,
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let address = self.address;
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
            let mut connections = JoinSet::new();
            loop {
                let (stream, permit) = tokio::select! {
                    _ = &mut stopped => break,
                    accepted = self.accept(&permits) => accepted,
                };
                while connections.try_join_next().is_some() {}
                let (stream, handler) = connect(stream);
                connections.spawn(async move {
                    // The client sees a broken connection itself.
                    let _ = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(HEAD_DEADLINE)
                        .serve_connection(TokioIo::new(stream), service_fn(handler))
                        .await;
                    drop(permit);
                });
            }
            drop(self);
            connections.shutdown().await;
        });
        HttpServer {
            address,
            task,
            stop,
        }
    }

    async fn accept(&self, permits: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
        // The semaphore is never closed, so there is always a permit.
        let permit = Arc::clone(permits).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                // With Nagle's algorithm a small response waits for the acknowledgment of the
                // previous one.
                Ok((stream, _)) if stream.set_nodelay(true).is_ok() => return (stream, permit),
                Ok(_) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

impl HttpServer {
    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and all connections, and waits until they are closed.
    pub async fn stop(self) {
        drop(self.stop);
        // The task does not panic and is not aborted.
        let _ = self.task.await;
    }
}
