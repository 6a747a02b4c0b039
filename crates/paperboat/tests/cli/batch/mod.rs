//! `paperboat batch`: a file of rows, each created once.

mod each;
mod ends;
mod failed;
mod force;
mod identity;
mod index;
mod paying;
mod refused;
mod rows;
mod several;
mod sheet;
#[cfg(unix)]
mod stops;

use std::fmt::Write as _;

use cometapi_mock::MockServer;
use serde_json::{Value, json};

use crate::SCHNELL;
use crate::place::{Call, Place};

/// A row for each id, on an image that is quickly drawn.
fn foxes(ids: &[&str]) -> String {
    ids.iter().fold(String::new(), |mut text, id| {
        let row = json!({"id": id, "prompt": format!("fox {id}"), "megapixels": "0.25"});
        writeln!(text, "{row}").unwrap();
        text
    })
}

/// `batch rows.jsonl -o out`, at a server, and `more`.
fn batch<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    batch_of(place, server, "rows.jsonl", more)
}

fn batch_of<'p>(place: &'p Place, server: &MockServer, file: &str, more: &[&str]) -> Call<'p> {
    let args = ["batch", file, "--model", SCHNELL, "-o", "out"];
    place.paperboat(args.iter().chain(more)).at(server.origin())
}

/// The inputs that were sent, by their prompts.
fn inputs(server: &MockServer) -> Vec<Value> {
    let creates = server
        .requests()
        .into_iter()
        .filter(|sent| sent.method == "POST");
    let mut inputs: Vec<Value> = creates
        .map(|sent| serde_json::from_slice::<Value>(&sent.body).unwrap()["input"].take())
        .collect();
    inputs.sort_by_key(|input| input["prompt"].to_string());
    inputs
}

/// The names of the files of rows with these ids.
fn files(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| format!("{id}.webp")).collect()
}
