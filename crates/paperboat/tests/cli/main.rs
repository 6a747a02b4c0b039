//! The binary as people and scripts meet it: what it prints where, what it leaves behind,
//! what it sends, how it ends.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test are tests too, which clippy does not see"
)]

#[cfg(unix)]
mod advice;
mod again;
mod batch;
#[cfg(unix)]
mod busy;
mod closing;
mod completions;
mod demo;
mod destination;
mod discover;
mod doctor;
mod documented_server;
mod drawn_outputs;
mod exit_codes;
#[cfg(unix)]
mod flags;
mod formats;
mod gallery;
mod help;
mod inputs;
#[cfg(unix)]
mod keys;
mod ledger;
mod list;
#[cfg(unix)]
mod live;
mod log;
#[cfg(unix)]
mod login;
mod main_job;
mod mock_command;
mod network;
mod offline;
#[cfg(unix)]
mod once;
#[cfg(target_os = "linux")]
mod open;
mod output;
mod place;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod prices;
mod prompts;
mod prune;
#[cfg(unix)]
mod pseudo_terminal;
#[cfg(unix)]
mod readme;
mod resolve;
#[cfg(unix)]
mod resume;
mod secrets;
#[cfg(unix)]
mod show;
mod signals;
mod terminal;
mod usage;
mod values;
mod wait_many;

use cometapi_mock::{Builder, MockServer, Pace};

use crate::place::{Call, Place};

pub(crate) const SCHNELL: &str = "black-forest-labs/flux-schnell";

/// What a create takes: a prompt, and an image that is quickly drawn.
pub(crate) const FOX: [&str; 3] = [SCHNELL, "prompt=a red fox", "megapixels=0.25"];

/// A mock whose runs are over at the first poll, and which takes no key but the tests'.
pub(crate) async fn server() -> MockServer {
    quick().start().await.unwrap()
}

pub(crate) fn quick() -> Builder {
    MockServer::builder()
        .strict_headers()
        .verify_on_drop()
        .pace(Pace::instant())
        .key(place::KEY)
}

/// `command` on a fox, and `more`.
pub(crate) fn fox<'p>(place: &'p Place, command: &str, more: &[&str]) -> Call<'p> {
    place.paperboat([command].iter().chain(&FOX).chain(more))
}

/// A fox that has been created by a process of its own, for others to look at; its id.
pub(crate) async fn created(place: &Place, server: &MockServer) -> String {
    let ended = fox(place, "create", &[]).at(server.origin()).ends(0).await;
    ended.id().to_owned()
}
