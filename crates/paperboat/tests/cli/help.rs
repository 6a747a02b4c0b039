//! What it says of itself. A changed help is a changed interface: look at the diff, then
//! accept it with `INSTA_UPDATE=always`.

use insta::assert_snapshot;

use crate::place::Place;

async fn help(args: &[&str]) -> String {
    let ended = Place::new().paperboat(args).ends(0).await;
    assert_eq!(ended.stderr, "");
    ended.stdout
}

#[tokio::test]
async fn each_command_explains_itself() {
    assert_snapshot!("paperboat", help(&["--help"]).await);
    assert_snapshot!("run", help(&["run", "--help"]).await);
    assert_snapshot!("again", help(&["again", "--help"]).await);
    assert_snapshot!("create", help(&["create", "--help"]).await);
    assert_snapshot!("get", help(&["get", "--help"]).await);
    assert_snapshot!("wait", help(&["wait", "--help"]).await);
    assert_snapshot!("batch", help(&["batch", "--help"]).await);
    assert_snapshot!("list", help(&["list", "--help"]).await);
    assert_snapshot!("gallery", help(&["gallery", "--help"]).await);
    assert_snapshot!("show", help(&["show", "--help"]).await);
    assert_snapshot!("prune", help(&["prune", "--help"]).await);
    assert_snapshot!("prices", help(&["prices", "--help"]).await);
    assert_snapshot!("resolve", help(&["resolve", "--help"]).await);
    assert_snapshot!("models", help(&["models", "--help"]).await);
    assert_snapshot!("schema", help(&["schema", "--help"]).await);
    assert_snapshot!("completions", help(&["completions", "--help"]).await);
    assert_snapshot!("man", help(&["man", "--help"]).await);
    assert_snapshot!("login", help(&["login", "--help"]).await);
    assert_snapshot!("logout", help(&["logout", "--help"]).await);
    assert_snapshot!("doctor", help(&["doctor", "--help"]).await);
    assert_snapshot!("mock", help(&["mock", "--help"]).await);
}

#[tokio::test]
async fn a_model_brings_its_fields_into_the_help() {
    let schnell = ["run", "--mock", crate::SCHNELL, "--help"];
    assert_snapshot!("run_schnell", help(&schnell).await);
    let kontext = "black-forest-labs/flux-kontext-pro";
    let kontext = help(&["create", "-h", kontext]).await;
    assert!(kontext.contains("Input of black-forest-labs/flux-kontext-pro:"));
    let pro = help(&["create", "black-forest-labs/flux-pro", "-h"]).await;
    assert_snapshot!("create_pro", pro);
    assert_eq!(
        help(&["run", "acme/portrait", "-h"]).await,
        help(&["run", "-h"]).await
    );
}

#[tokio::test]
async fn short_and_long_help_are_one() {
    assert_eq!(help(&["-h"]).await, help(&["--help"]).await);
    for command in ["run", "wait", "batch", "list", "prune"] {
        let short = help(&[command, "-h"]).await;
        assert_eq!(short, help(&[command, "--help"]).await);
        assert_eq!(short, help(&["help", command]).await);
    }
}

#[tokio::test]
async fn the_version_is_the_packages() {
    let version = concat!("paperboat ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(help(&["--version"]).await, version);
    assert_eq!(help(&["-V"]).await, version);
}

#[tokio::test]
async fn without_arguments_the_help_is_on_stderr() {
    let ended = Place::new().paperboat([""; 0]).ends(2).await;
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, help(&["--help"]).await);
}

/// What the help of a batch shows of rows can be taken as it stands.
#[tokio::test]
async fn the_rows_in_the_help_of_a_batch_run() {
    let text = help(&["batch", "--help"]).await;
    let row = |before: &str, after: &str| {
        let (_, row) = text.split_once(before).unwrap();
        row.split_once(after).unwrap().0.to_owned()
    };
    let place = Place::new();
    let server = crate::server().await;
    let nested = row("JSONL  ", "\n").replace("OWNER/NAME", "acme/fox");
    let flat = row("or flat: ", ", with --model");
    place.write("rows.jsonl", format!("{nested}\n{flat}\n"));
    let args = ["batch", "rows.jsonl", "--model", "acme/fox", "-o", "out"];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn the_times_in_the_help_of_a_list_are_times() {
    let text = help(&["list", "--help"]).await;
    let (_, times) = text.split_once("created since TIME: ").unwrap();
    let times = times.lines().next().unwrap().replace("or ", "");
    let times: Vec<_> = times.split(", ").collect();
    assert_eq!(times.len(), 3);
    for time in times {
        Place::new()
            .paperboat(["list", "--since", time])
            .ends(0)
            .await;
    }
}
