//! A running mock, and how it starts and ends.

use std::fmt::{self, Write as _};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};

use tokio::net::TcpListener;

use crate::account::amount::InvalidAmount;
use crate::builder::Builder;
use crate::fault::Fault;
use crate::files::Files;
use crate::listen::{self, Listening};
use crate::pace::{Ending, Script};
use crate::plan::Plan;
use crate::request_log::Received;
use crate::service::{Api, CREATE, POLL};
use crate::spec::{Spec, SpecError, Violation};
use crate::state::{Snapshot, State};

/// A running mock of the service. Dropping it ends it, with every open connection.
///
/// It lives in the tokio runtime that it was started in. A drop lets the runtime close the
/// sockets in its own time; [`shutdown`](Self::shutdown) waits for that.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cometapi_mock::StartError> {
/// use cometapi_mock::{Ending, Fault, MockServer, Pace};
///
/// let server = MockServer::builder().pace(Pace::instant()).start().await?;
/// server.on_create(Fault::EmptyTooManyRequests.times(2));
/// server.on_poll(Fault::BadGatewayPage);
/// server.on_end(Ending::nsfw());
///
/// // … point a client at server.base_url() …
///
/// assert_eq!(server.create_requests(), 0);
/// server.assert_no_violations();
/// # Ok(())
/// # }
/// ```
#[must_use = "the server ends when it is dropped"]
pub struct MockServer {
    origin: String,
    base_url: String,
    pub(crate) state: Arc<State>,
    listeners: [Listening; 2],
    _check: CheckOnDrop,
}

/// Checks for violations when the server is dropped. A field of it, so that `shutdown` can still
/// take it apart.
struct CheckOnDrop(Arc<State>);

impl Drop for CheckOnDrop {
    fn drop(&mut self) {
        if self.0.settings.verify_on_drop && !std::thread::panicking() {
            assert_none(&self.0);
        }
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockServer")
            .field("base_url", &self.base_url)
            .field("files_origin", &self.state.files_origin)
            .field("settings", &self.state.settings)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Starts the server in the tokio runtime that this is called in.
    ///
    /// # Errors
    ///
    /// When a port is taken, the shipped document cannot be compiled, or a price or balance cannot
    /// be counted exactly.
    pub async fn start(mut self) -> Result<MockServer, StartError> {
        if let Some((what, error)) = self.settings.account.invalid.take() {
            return Err(Cause::Amount(what, error).into());
        }
        let spec = match self.spec {
            Some(spec) => spec,
            None => Spec::shipped().map_err(Cause::Spec)?,
        };
        let api = bind(self.address, self.port).await?;
        let files = bind(self.address, self.files_port).await?;
        let origin = listen::origin(api.local_addr().map_err(Cause::Socket)?);
        let files_origin = listen::origin(files.local_addr().map_err(Cause::Socket)?);

        let state = Arc::new(State::new(self.settings, spec, files_origin));
        Ok(MockServer {
            base_url: format!("{origin}{}", state.spec.prefix()),
            origin,
            listeners: [
                Listening::start(api, Arc::new(Api(Arc::clone(&state)))),
                Listening::start(files, Arc::new(Files(Arc::clone(&state)))),
            ],
            _check: CheckOnDrop(Arc::clone(&state)),
            state,
        })
    }
}

async fn bind(address: IpAddr, port: u16) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(address, port);
    let bound = TcpListener::bind(address).await;
    Ok(bound.map_err(|error| Cause::Bind(address, error))?)
}

impl MockServer {
    /// The ids of the operations that the mock carries out; any other of its document
    /// gets a 501. Those of the account are in
    /// [`AccountEndpoint::ALL`](crate::AccountEndpoint::ALL).
    pub const OPERATIONS: &[&str] = &[CREATE, POLL];

    /// Starts one with the defaults, on free ports of 127.0.0.1.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Settings to change before the start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `http://127.0.0.1:PORT`, where the API is: the root of the account's endpoints, too.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The origin and the path under which the operations are: what a client is given.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// `http://127.0.0.1:OTHER`, where the images are: never the API's origin.
    pub fn files_origin(&self) -> &str {
        &self.state.files_origin
    }

    /// Every request that the API origin received, in order; the last 100 000.
    pub fn requests(&self) -> Vec<Received> {
        self.state.requests.entries()
    }

    /// Every request that the files origin received, in order; the last 100 000.
    pub fn file_requests(&self) -> Vec<Received> {
        self.state.file_requests.entries()
    }

    /// How many create requests were **received**, whatever their responses. How many were
    /// carried out, and charged, is the length of [`predictions`](Self::predictions).
    pub fn create_requests(&self) -> usize {
        self.state.requests.count(CREATE)
    }

    /// The predictions that exist, in the order of their create requests.
    pub fn predictions(&self) -> Vec<Snapshot> {
        self.state.snapshots()
    }

    /// Everything that was not allowed, on both origins.
    pub fn violations(&self) -> Vec<Violation> {
        let protocol = self.state.protocol.lock();
        let protocol = protocol.unwrap_or_else(PoisonError::into_inner).clone();
        self.requests()
            .into_iter()
            .chain(self.file_requests())
            .flat_map(|received| received.violations)
            .chain(protocol)
            .collect()
    }

    /// Panics with a list of the violations, if there are any: the last line of a test.
    ///
    /// # Panics
    ///
    /// When a request was not allowed.
    #[track_caller]
    pub fn assert_no_violations(&self) {
        assert_none(&self.state);
    }

    /// Plans a fault for create requests. Faults come one after another in the order in which they
    /// were planned; a request that is refused anyway uses up none.
    pub fn on_create(&self, fault: impl Into<Plan<Fault>>) {
        self.state.on_create.add(fault.into());
    }

    /// Plans a fault for polls. A poll whose response a fault replaces does not count for
    /// [`Pace::Polls`](crate::Pace::Polls), unless it says
    /// [`after_accept`](Plan::after_accept).
    pub fn on_poll(&self, fault: impl Into<Plan<Fault>>) {
        self.state.on_poll.add(fault.into());
    }

    /// Plans a fault for downloads of files. Those that reshape a prediction do nothing here.
    pub fn on_file(&self, fault: impl Into<Plan<Fault>>) {
        self.state.on_file.add(fault.into());
    }

    /// Plans how coming predictions end; they succeed otherwise. Decided by the create request, and
    /// not for those that follow a script.
    pub fn on_end(&self, ending: impl Into<Plan<Ending>>) {
        self.state.endings.add(ending.into());
    }

    /// Plans a script for coming predictions; they follow the server's pace otherwise.
    /// Decided by the create request.
    pub fn on_run(&self, script: impl Into<Plan<Script>>) {
        self.state.scripts.add(script.into());
    }

    /// Removes every plan.
    pub fn clear_plans(&self) {
        for queue in [
            &self.state.on_create,
            &self.state.on_poll,
            &self.state.on_file,
        ]
        .into_iter()
        .chain(&self.state.on_account)
        {
            queue.clear();
        }
        self.state.endings.clear();
        self.state.scripts.clear();
    }

    /// Removes a prediction's data as the service does after an hour: `data_removed`, null
    /// `output`, files gone. False for an id that does not exist.
    pub fn remove_data(&self, id: &str) -> bool {
        self.state.remove_data(id)
    }

    /// Waits until the API origin has received this many requests since its start. What a
    /// test waits for when the response will never come.
    pub async fn wait_for_requests(&self, total: u64) {
        self.state.requests.wait_for(total).await;
    }

    /// Waits until the files origin has received this many requests since its start.
    pub async fn wait_for_file_requests(&self, total: u64) {
        self.state.file_requests.wait_for(total).await;
    }

    /// Ends the server and waits until its ports are free.
    pub async fn shutdown(self) {
        for listener in self.listeners {
            listener.stop().await;
        }
    }
}

#[track_caller]
fn assert_none(state: &State) {
    let mut report = String::new();
    for received in state
        .requests
        .entries()
        .iter()
        .chain(&state.file_requests.entries())
    {
        for violation in &received.violations {
            // Writing to a string cannot fail.
            let _ = writeln!(
                report,
                "  {} {}: {violation}",
                received.method, received.target
            );
        }
    }
    let protocol = state.protocol.lock();
    for violation in protocol.unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = writeln!(report, "  {violation}");
    }
    assert!(
        report.is_empty(),
        "requests that are not allowed:\n{report}"
    );
}

/// Runs a server until `shutdown` is ready. `ready` is called once it listens, to report
/// its URLs.
///
/// ```no_run
/// # async fn ctrl_c() {}
/// # async fn run() -> Result<(), cometapi_mock::StartError> {
/// use cometapi_mock::{MockServer, serve};
///
/// let settings = MockServer::builder().port(8080);
/// serve(settings, ctrl_c(), |server| {
///     eprintln!("COMETAPI_BASE_URL={}", server.base_url());
/// })
/// .await
/// # }
/// ```
pub async fn serve(
    settings: Builder,
    shutdown: impl Future<Output = ()>,
    ready: impl FnOnce(&MockServer),
) -> Result<(), StartError> {
    let server = settings.start().await?;
    ready(&server);
    shutdown.await;
    server.shutdown().await;
    Ok(())
}

/// Why a server did not start: a port that is taken, a document that cannot be compiled, or an amount
/// that cannot be counted.
#[derive(Debug)]
pub struct StartError(Cause);

#[derive(Debug)]
enum Cause {
    Bind(SocketAddr, io::Error),
    Socket(io::Error),
    Spec(SpecError),
    /// What it is for, and the error.
    Amount(String, InvalidAmount),
}

impl From<Cause> for StartError {
    fn from(cause: Cause) -> Self {
        Self(cause)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Bind(address, _) => write!(f, "cannot listen on {address}"),
            Cause::Socket(_) => f.write_str("cannot read the address of a socket"),
            Cause::Spec(_) => f.write_str("cannot read the api document"),
            Cause::Amount(what, _) => write!(f, "cannot count {what}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Bind(_, error) | Cause::Socket(error) => Some(error),
            Cause::Spec(error) => Some(error),
            Cause::Amount(_, error) => Some(error),
        }
    }
}
