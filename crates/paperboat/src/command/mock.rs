//! `paperboat mock`: a mock of the service on this machine.

use std::error::Error;
use std::io;

use cometapi_mock::{MockServer, StartError, serve};

use crate::args::Mock;
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::print;

pub(crate) async fn execute(args: Mock) -> Result<(), Failure> {
    let mut builder = MockServer::builder().bind(args.bind).port(args.port);
    if args.wrapped {
        builder = builder.wrapped();
    }
    let mut signals = Signals::listen();
    let mut ended_by = None;
    let shutdown = async { ended_by = Some(signals.next().await) };
    serve(builder, shutdown, announce).await.map_err(|error| {
        let failure = Failure::other("the mock cannot be started", &error);
        if is_taken(&error) {
            failure.with_advice("to take another port: --port N, or --port 0 for any free one")
        } else {
            failure
        }
    })?;
    match ended_by {
        // How people end it.
        None | Some(Signal::Interrupt) => Ok(()),
        Some(signal) => Err(Failure::ended_by(signal)),
    }
}

fn announce(server: &MockServer) {
    // A script reads the first line; the rest is for people.
    let _ = print::stdout(server.origin());
    print::stderr("the mock runs until ctrl-c; in another terminal:");
    print::stderr(format_args!(
        "  export COMETAPI_BASE_URL={}",
        server.origin()
    ));
    print::stderr("  export COMETAPI_KEY=any");
    print::stderr("  paperboat run black-forest-labs/flux-schnell prompt='a red fox' -o out");
}

fn is_taken(error: &StartError) -> bool {
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == io::ErrorKind::AddrInUse)
}
