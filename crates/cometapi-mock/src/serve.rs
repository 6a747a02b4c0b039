//! The server as a process of its own.

use std::future::Future;

use crate::builder::{Builder, StartError};
use crate::server::MockServer;

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
