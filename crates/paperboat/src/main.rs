//! `paperboat`: CometAPI's Replicate-style predictions from the command line.
//!
//! stdout is data, stderr is for people, and the exit code says what happened.

#![warn(clippy::print_stderr, clippy::print_stdout)]

mod advice;
mod args;
mod check;
mod command;
mod complete;
mod connect;
mod draw;
mod exit;
mod failure;
mod file;
mod gallery;
mod input;
mod interrupt;
mod ledger;
mod live;
mod log;
mod messages;
mod money;
mod page;
mod pair;
mod pricing;
mod print;
mod printable;
mod progress;
mod prompt;
mod record;
mod recorded;
mod rows;
mod scale;
mod secrets;
mod sidecar;
mod stdin;
mod style;
mod viewer;
mod watched;
mod whole;

use std::process::ExitCode;

use crate::args::{Command, Stop};
use crate::failure::Failure;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    hide_memory();
    let (cli, matches) = match args::parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(stop) => return stopped(stop).into(),
    };
    advice::remember(&matches);
    log::begin(cli.messages);
    let outcome = execute(cli.command);
    live::close();
    log::end();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ended(&failure).into(),
    }
}

/// Prints what a command line asks for instead of being run, or why it is refused; the exit code.
fn stopped(stop: Stop) -> u8 {
    match stop {
        Stop::Shown(help) => {
            // A closed pipe is not a failure.
            let _ = help.print();
            if help.use_stderr() { exit::USAGE } else { 0 }
        }
        Stop::Topic(text) => match print::document(text) {
            Ok(()) => 0,
            Err(failure) => ended(&failure),
        },
        Stop::Refused(refusal) => ended(&refusal.into()),
    }
}

fn ended(failure: &Failure) -> u8 {
    print::failure(failure);
    failure.code()
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => block_on(command::run::execute(args)),
        Command::Again(args) => block_on(command::again::execute(args)),
        Command::Create(args) => block_on(command::create::execute(args)),
        Command::Get(args) => block_on(command::get::execute(args)),
        Command::Wait(args) => block_on(command::wait::execute(args)),
        Command::Batch(args) => block_on(command::batch::execute(args)),
        Command::List(args) => block_on(command::list::execute(args)),
        Command::Show(args) => block_on(command::show::execute(args)),
        Command::Open(args) => block_on(command::open::execute(args)),
        Command::Gallery(args) => block_on(command::gallery::execute(args)),
        Command::Prune(args) => block_on(command::prune::execute(args)),
        Command::Resolve(args) => block_on(command::resolve::execute(args)),
        Command::Prices(args) => block_on(command::prices::execute(args)),
        Command::Demo(args) => block_on(command::demo::execute(args)),
        Command::Mock(args) => block_on(command::mock::execute(args)),
        Command::Login(args) => block_on(command::login::execute(args)),
        Command::Logout(args) => command::logout::execute(&args),
        Command::Doctor(args) => block_on(command::doctor::execute(args)),
        // These print what is compiled in. A shell waits for the completions of each word, so
        // they start no threads.
        Command::Models(args) => command::models::execute(&args),
        Command::Schema(args) => command::models::print_schema(&args),
        Command::Completions(args) => command::completions::execute(&args),
        Command::Man(args) => command::man::execute(&args),
        // It is answered where the command line is read.
        Command::Help(_) => Ok(()),
        Command::Complete(args) => command::completions::complete(&args),
    }
}

/// Runs `work` on an asynchronous runtime, and closes the ledgers that it opened.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The work is to wait; one thread does, and a second renders the mock's images.
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Failure::other("the asynchronous runtime cannot be started", &e))?;
    let outcome = runtime.block_on(work);
    // A name that is still being looked up does not keep anybody waiting.
    runtime.shutdown_background();
    ledger::close();
    outcome
}

/// Keeps secrets out of core dumps, and other processes of the same user from reading it from
/// memory or from `/proc/PID/environ`.
#[cfg(target_os = "linux")]
fn hide_memory() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // A kernel or sandbox that refuses it leaves the process as it was.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn memory_is_hidden() {
        super::hide_memory();
        let behavior = dumpable_behavior().unwrap();
        assert!(matches!(behavior, DumpableBehavior::NotDumpable));
    }
}
