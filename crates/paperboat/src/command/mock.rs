//! `paperboat mock`: a mock of the service on this machine.

use std::error::Error;
use std::{fmt, io};

use cometapi_mock::{AccountEndpoint, MockServer, Served, StartError, serve};

use crate::args::Mock;
use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::print;

pub(crate) async fn execute(args: Mock) -> Result<(), Failure> {
    let mut builder = MockServer::builder()
        .bind(args.bind)
        .port(args.port)
        .pace(args.pace)
        .on_response(|served| print::stderr(Line(served)));
    if args.wrapped {
        builder = builder.wrapped();
    }
    let has_key = args.key.is_some();
    if let Some(key) = args.key {
        builder = builder.key(key);
    }
    if let Some(latency) = args.latency {
        builder = builder.latency(latency);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    for (model, price) in args.price {
        builder = builder.price(model, price);
    }
    if let Some(balance) = args.balance {
        builder = builder.balance(&balance).enforce_balance();
    }
    let mut signals = Signals::listen();
    let mut ended_by = None;
    let shutdown = async { ended_by = Some(signals.next().await) };
    let ready = |server: &MockServer| {
        for fault in &args.fault {
            if fault.is_of_files() {
                server.on_file(fault.plan());
            } else {
                server.on_create(fault.plan());
                server.on_poll(fault.plan());
                for endpoint in AccountEndpoint::ALL {
                    server.on_account(endpoint, fault.plan());
                }
            }
        }
        announce(server, has_key);
    };
    serve(builder, shutdown, ready).await.map_err(|error| {
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

/// A request, on a line.
struct Line<'s>(&'s Served);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Served {
            method,
            path,
            elapsed,
            ..
        } = self.0;
        write!(f, "{method} {path} ")?;
        match self.0.status {
            Some(status) => write!(f, "{}", status.as_u16())?,
            None => f.write_str("no response")?,
        }
        write!(f, " {} ms", elapsed.as_millis())
    }
}

fn announce(server: &MockServer, has_key: bool) {
    // A script reads the first line; the rest is for people.
    let _ = print::stdout(server.origin());
    print::stderr("the mock runs until ctrl-c; in another terminal:");
    print::stderr(format_args!(
        "  export COMETAPI_BASE_URL={}",
        server.origin()
    ));
    print::stderr(format_args!(
        "  export COMETAPI_ACCOUNT_URL={}",
        server.origin()
    ));
    // A key is secret, even a mock's: it is on the screen that it was typed on, and on no other.
    print::stderr(if has_key {
        "  export COMETAPI_KEY=...  # as given with --key"
    } else {
        "  export COMETAPI_KEY=any"
    });
    print::stderr("  paperboat run black-forest-labs/flux-schnell prompt='a red fox' -o out");
}

fn is_taken(error: &StartError) -> bool {
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == io::ErrorKind::AddrInUse)
}
