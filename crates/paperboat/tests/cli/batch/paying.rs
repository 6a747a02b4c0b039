//! A batch stops paying for what it cannot save, and ends when nothing gets better.

use cometapi_mock::Fault;

use super::{batch, files, foxes};
use crate::place::Place;
use crate::server;

#[tokio::test]
async fn files_that_were_not_saved_are_fetched_by_the_same_command() {
    let place = Place::new();
    let server = server().await;
    server.on_file(Fault::IndexPage);
    place.write("rows.jsonl", foxes(&["a"]));
    let ended = batch(&place, &server, &[]).ends(1).await;
    ended.says(&[
        "1 download",
        "the same command downloads files that were not saved",
    ]);
    assert!(!ended.stderr.contains("--retry-failed"), "{}", ended.stderr);
    batch(&place, &server, &[]).ends(0).await;
    assert_eq!(
        (server.create_requests(), place.names("out")),
        (1, files(&["a"]))
    );
}

#[tokio::test]
async fn a_service_that_does_not_come_back_ends_it_and_the_same_command_goes_on() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a"]));
    let limited = &["--give-up-after", "1ms"];
    server.on_create(Fault::EmptyTooManyRequests.always());
    let ended = batch(&place, &server, limited).ends(6).await;
    ended.says(&[
        "stopped early: the service is rate limiting, and no progress",
        "1 not created",
        "to continue, run the same command again",
    ]);
    server.clear_plans();
    batch(&place, &server, limited).ends(0).await;

    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let nobody = format!("http://{}", socket.local_addr().unwrap());
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        crate::SCHNELL,
        "-o",
        "other",
    ];
    let call = place.paperboat(args.iter().chain(limited)).at(&nobody);
    call.ends(1).await.says(&[
        "no connection to the service could be made",
        "to continue, run the same command again",
    ]);
}

/// Each row needs about four files at once; all of them would need 256.
#[cfg(unix)]
#[tokio::test]
async fn fewer_rows_run_where_few_files_may_be_open() {
    let place = Place::new();
    let server = server().await;
    let ids: Vec<String> = (100..180).map(|n| format!("r{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    place.write("rows.jsonl", foxes(&ids));
    let call = batch(&place, &server, &["--jobs", "64"]);
    let ended = call.open_files(100).ends(0).await;
    ended.says(&["rows at once instead of --jobs", "may open 100 files"]);
    assert_eq!(
        (server.create_requests(), place.names("out")),
        (80, files(&ids))
    );
}

/// Where even the owner of everything cannot write.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_in_which_nothing_can_be_written_is_not_paid_for() {
    let place = Place::new();
    let server = server().await;
    let run = crate::fox(&place, "run", &["-o", "/proc/self"]);
    let ended = run.at(server.origin()).ends(2).await;
    ended.says(&[
        "/proc/self cannot be a folder for files",
        "nothing was sent",
    ]);
    let wait = ["wait", "q4chw5rey9rmt0cww76t4h3ma4", "-o", "/proc/self"];
    place.paperboat(wait).at(server.origin()).ends(2).await;
    assert!(server.requests().is_empty());
}

/// The current folder is the one of the files where `-o` names none.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_current_folder_in_which_nothing_can_be_written_is_not_paid_for() {
    let place = Place::new();
    let server = server().await;
    let id = crate::created(&place, &server).await;
    let sent = server.requests().len();
    let in_proc = |args: &str| {
        let line = format!("cd /proc && exec \"$0\" {args}");
        place.shell(&line).at(server.origin())
    };
    for args in [
        "run flux-schnell 'a red fox'".to_owned(),
        format!("again {id}"),
    ] {
        let ended = in_proc(&args).ends(2).await;
        ended.says(&[". cannot be a folder for files", "nothing was sent"]);
    }
    assert_eq!(server.requests().len(), sent);
    in_proc("run flux-schnell 'a red fox' --no-wait")
        .ends(0)
        .await;
    // What is paid for can be saved elsewhere.
    let ended = in_proc(&format!("wait {id}")).ends(1).await;
    ended.says(&[&format!("to continue: paperboat wait {id} -o DIR")]);
}
