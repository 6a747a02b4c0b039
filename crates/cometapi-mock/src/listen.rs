//! One listener: accepts connections and gives their requests to a handler.
//!
//! Hyper is driven by hand here, one connection at a time, because faults of the connection
//! itself (closed, reset, cut) need the socket.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::body::Outgoing;
use crate::builder::Settings;
use crate::response::{Delivery, Response};

/// What stands behind a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Responds to a request whose body has been read.
    fn respond(&self, request: Request<Read>) -> impl Future<Output = Response> + Send;

    /// Called with the reason when bytes are no HTTP request.
    fn invalid_http(&self, reason: String);

    /// The settings that matter to every response.
    fn settings(&self) -> &Settings;
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    Whole(Bytes),
    /// Over [`BODY_LIMIT`]; thrown away.
    TooLarge,
    /// The client went away in the middle of it; this much came.
    Broken(Bytes),
}

/// The largest body that is kept: more than any input the service takes (files in it may
/// have 256 kB each, documented by Replicate), far less than memory.
pub(crate) const BODY_LIMIT: usize = 16 << 20;

/// A running listener. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    task: Option<JoinHandle<()>>,
    abort: AbortHandle,
}

impl Listening {
    pub(crate) fn start(listener: TcpListener, handler: Arc<impl Handler>) -> Self {
        let task = tokio::spawn(accept(listener, handler));
        Self {
            abort: task.abort_handle(),
            task: Some(task),
        }
    }

    /// Ends it and waits until its socket is closed.
    pub(crate) async fn stop(mut self) {
        self.abort.abort();
        if let Some(task) = self.task.take() {
            // Cancelled, as was asked for.
            let _ = task.await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// `http://` and the address at which this machine reaches the listener.
pub(crate) fn origin(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// The connections live in the set: they end with this future.
async fn accept(listener: TcpListener, handler: Arc<impl Handler>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&handler)));
                }
                // Out of file descriptors, as a rule: let some connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, handler: Arc<impl Handler>) {
    // A mock's responses are small; without this, one may wait 40 ms for the other side.
    let _ = stream.set_nodelay(true);
    let reset = AtomicBool::new(false);
    let service = service_fn(|request| exchange(request, &*handler, &reset));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let served = (&mut connection).await;
    if reset.load(Ordering::Relaxed) {
        // Closing the stream then throws away what is unsent and sends RST.
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
    if let Err(error) = served
        && error.is_parse()
    {
        handler.invalid_http(error.to_string());
    }
}

/// Reads a request and carries out the delivery of its response; an error, which hyper wants, is
/// the planned end of the connection.
async fn exchange(
    request: Request<Incoming>,
    handler: &impl Handler,
    reset: &AtomicBool,
) -> io::Result<http::Response<Outgoing>> {
    let (parts, body) = request.into_parts();
    let settings = handler.settings();
    let watch = settings.observer.watch(&parts.method, parts.uri.path());
    let read = read(body).await;
    let planned = handler.respond(Request::from_parts(parts, read)).await;
    if !settings.latency.is_zero() {
        tokio::time::sleep(settings.latency).await;
    }

    match &planned.delivery {
        Delivery::Never => std::future::pending().await,
        Delivery::Dropped { reset: hard } => {
            reset.store(*hard, Ordering::Relaxed);
            return Err(io::Error::other("dropped as planned"));
        }
        Delivery::Cut { reset: hard } => reset.store(*hard, Ordering::Relaxed),
        Delivery::Delayed(delay) => tokio::time::sleep(*delay).await,
        Delivery::Held(hold) => hold.released().await,
        Delivery::Whole | Delivery::Slow(_) | Delivery::Stalled => {}
    }

    let mut response = http::Response::new(Outgoing::of(&planned));
    *response.status_mut() = planned.status;
    *response.headers_mut() = planned.headers;
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(planned.body.len()));
    watch.responded(response.status());
    Ok(response)
}

/// Reads a body to its end even when it is too large: a client that is still sending does
/// not read an early response.
async fn read(mut body: Incoming) -> Read {
    let mut kept = BytesMut::new();
    let mut large = false;
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        match frame.map(|frame| frame.map(hyper::body::Frame::into_data)) {
            None if large => return Read::TooLarge,
            None => return Read::Whole(kept.freeze()),
            Some(Err(_)) => return Read::Broken(kept.freeze()),
            Some(Ok(Ok(data))) if large || kept.len() + data.len() > BODY_LIMIT => {
                large = true;
                kept = BytesMut::new();
            }
            Some(Ok(Ok(data))) => kept.extend_from_slice(&data),
            // Trailers.
            Some(Ok(Err(_))) => {}
        }
    }
}
