//! The options of one call, and the exchange that it results in.
//!
//! A generated method takes the parameters of its operation and returns a decoded value or
//! an error that has dropped half of what was known. The context carries the rest past it,
//! in both directions, in a task-local slot: no lock, no second read, no copy.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pin_project_lite::pin_project;

/// What a caller asks of one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the attempt may take, from the first byte sent to the last received; 60 s by
    /// default.
    pub timeout: Option<Duration>,
    /// Whether the request is sent on a connection of its own, as what is not safe to repeat
    /// always is ([`Transport::with_unpooled_client`](crate::Transport::with_unpooled_client)).
    pub own_connection: bool,
}

impl CallOptions {
    /// Limits the attempt to `timeout`.
    #[must_use]
    pub fn with_timeout(timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..Self::default()
        }
    }

    /// Sends the request on a connection of its own.
    #[must_use]
    pub fn own_connection(mut self, own: bool) -> Self {
        self.own_connection = own;
        self
    }
}

/// One response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// The body, as far as it was read, decoded where it came as gzip or deflate.
    pub body: Bytes,
    /// How much of the body that is.
    pub state: BodyState,
}

/// How much of a body was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyState {
    /// All of it.
    Complete,
    /// The connection ended, or time ran out, before it did.
    Truncated,
    /// It was larger than the transport reads.
    TooLarge,
    /// It came in a content encoding that is not decoded here, or one that is and is damaged.
    Undecoded,
}

#[derive(Default)]
struct Context {
    options: CallOptions,
    /// Boxed, because each poll of the call moves the context in and out of its slot.
    exchange: Option<Box<Exchange>>,
}

tokio::task_local! {
    static CONTEXT: RefCell<Context>;
}

/// Runs one call of a generated method and returns the exchange beside its result.
///
/// The exchange is `None` if no response arrived. When the call is repeated inside `call`, it
/// is the last one. It has the headers of the response; the result has none.
///
/// ```no_run
/// # async fn example(client: cometapi_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use cometapi_client::{CallOptions, observe};
///
/// let id = "q4chw5rey9rmt0cww76t4h3ma4".parse()?;
/// let options = CallOptions::with_timeout(Duration::from_secs(60));
/// let (result, exchange) = observe(options, client.get_prediction(&id)).await;
/// if let Some(exchange) = exchange {
///     println!("{} {} bytes", exchange.status, exchange.body.len());
/// }
/// # let _ = result;
/// # Ok(())
/// # }
/// ```
pub fn observe<F: Future>(
    options: CallOptions,
    call: F,
) -> impl Future<Output = (F::Output, Option<Exchange>)> {
    let context = RefCell::new(Context {
        options,
        exchange: None,
    });
    CONTEXT.scope(context, Observed { call })
}

pin_project! {
    /// A call in its context. An `async` block would have room for the call twice.
    struct Observed<F> {
        #[pin]
        call: F,
    }
}

impl<F: Future> Future for Observed<F> {
    type Output = (F::Output, Option<Exchange>);

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(task).map(|output| {
            let exchange = CONTEXT.with(|context| context.borrow_mut().exchange.take());
            (output, exchange.map(|exchange| *exchange))
        })
    }
}

/// The options of the call this task is in; the default outside of one.
pub(crate) fn options() -> CallOptions {
    CONTEXT
        .try_with(|context| context.borrow().options.clone())
        .unwrap_or_default()
}

/// Keeps `exchange` for the caller, if one observes, and returns the headers for the result. They
/// are in one of the two: a second map would be made for every response, and hardly ever read.
pub(crate) fn record(exchange: Exchange) -> HeaderMap {
    let mut exchange = Some(exchange);
    // Outside of `observe` nothing is observed.
    let _ = CONTEXT.try_with(|context| {
        context.borrow_mut().exchange = exchange.take().map(Box::new);
    });
    exchange
        .map(|exchange| exchange.headers)
        .unwrap_or_default()
}
