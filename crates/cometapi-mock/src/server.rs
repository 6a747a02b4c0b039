//! The guard that people hold.

use std::fmt::{self, Write as _};
use std::sync::{Arc, PoisonError};

use crate::builder::{Builder, StartError};
use crate::fault::Fault;
use crate::listen::Listening;
use crate::pace::{Ending, Script};
use crate::plan::Plan;
use crate::request_log::Received;
use crate::service::CREATE;
use crate::spec::Violation;
use crate::state::{Snapshot, State};

/// A running mock of the service. Dropping it ends it, with every connection and hung
/// answer.
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
/// assert_eq!(server.creates(), 0);
/// server.assert_no_violations();
/// # Ok(())
/// # }
/// ```
#[must_use = "the server ends when it is dropped"]
pub struct MockServer {
    origin: String,
    base_url: String,
    state: Arc<State>,
    listeners: [Listening; 2],
    _verdict: Verdict,
}

/// Speaks when the server goes. A part of it, so that `shutdown` can still take it apart.
struct Verdict(Arc<State>);

impl Drop for Verdict {
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

impl MockServer {
    /// Starts one with the defaults, on free ports of 127.0.0.1.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Settings to change before the start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(origin: String, state: Arc<State>, listeners: [Listening; 2]) -> Self {
        Self {
            base_url: format!("{origin}{}", state.spec.prefix()),
            origin,
            _verdict: Verdict(Arc::clone(&state)),
            state,
            listeners,
        }
    }

    /// `http://127.0.0.1:PORT`, where the API is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The origin and the path under which the operations are: what a client is given.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// `http://127.0.0.1:OTHER`, where the pictures are: never the API's origin.
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

    /// How many creates were **received**, whatever became of them. How many were carried
    /// out, and charged, is the length of [`predictions`](Self::predictions).
    pub fn creates(&self) -> usize {
        self.state.requests.count(CREATE)
    }

    /// The predictions that exist, in the order of their creates.
    pub fn predictions(&self) -> Vec<Snapshot> {
        self.state.held()
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

    /// Plans a fault for creates. Faults come one after another in the order in which they
    /// were planned; a request that is refused anyway uses up none.
    pub fn on_create(&self, fault: impl Into<Plan<Fault>>) {
        self.state.on_create.add(fault.into());
    }

    /// Plans a fault for polls. A poll whose answer a fault replaces does not count for
    /// [`Pace::Polls`](crate::Pace::Polls), unless it says
    /// [`after_accept`](Plan::after_accept).
    pub fn on_poll(&self, fault: impl Into<Plan<Fault>>) {
        self.state.on_poll.add(fault.into());
    }

    /// Plans a fault for downloads of files. Those that reshape a prediction do nothing here.
    pub fn on_file(&self, fault: impl Into<Plan<Fault>>) {
        self.state.on_file.add(fault.into());
    }

    /// Plans how coming predictions end; they succeed otherwise. Decided at the create, and
    /// not for those that follow a script.
    pub fn on_end(&self, ending: impl Into<Plan<Ending>>) {
        self.state.endings.add(ending.into());
    }

    /// Plans a script for coming predictions; they follow the server's pace otherwise.
    /// Decided at the create.
    pub fn on_run(&self, script: impl Into<Plan<Script>>) {
        self.state.scripts.add(script.into());
    }

    /// Forgets everything planned.
    pub fn clear_plans(&self) {
        for queue in [
            &self.state.on_create,
            &self.state.on_poll,
            &self.state.on_file,
        ] {
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
    /// test waits for when the answer will never come.
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
