//! `paperboat mock`: the service for any language.

use crate::fox;
use crate::place::Place;

#[cfg(unix)]
#[tokio::test]
async fn it_serves_until_ctrl_c() {
    let place = Place::new();
    let mut mock = place
        .paperboat(["mock", "--port", "0", "--wrapped"])
        .start();
    let origin = mock.first_line().await;
    assert!(origin.starts_with("http://127.0.0.1:"), "{origin}");

    let run = fox(&place, "run", &["-o", "out"]).at(&origin);
    let ended = run.ends(0).await;
    assert_eq!(ended.lines().len(), 1);
    assert_eq!(place.names("out"), [format!("{}-0.webp", ended.id())]);

    mock.interrupt().await;
    let ended = mock.ends(0).await;
    // The origin was all of it; how to use it is for people.
    assert_eq!(ended.stdout, "");
    ended.says(&[
        &format!("export COMETAPI_BASE_URL={origin}"),
        "export COMETAPI_KEY=any",
        "paperboat run ",
    ]);
}

/// A script may press ctrl-c as soon as it has read the first line.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_is_heard_from_the_first_line_on() {
    let place = Place::new();
    for _ in 0..3 {
        let mut mock = place.paperboat(["mock", "--port", "0"]).start();
        mock.first_line().await;
        mock.interrupt().await;
        mock.ends(0).await;
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_a_way_on() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = place.paperboat(["mock", "--port", &port]).ends(1).await;
    ended.says(&[
        &format!("cannot listen on 127.0.0.1:{port}"),
        "in use",
        "--port 0",
    ]);
    assert_eq!(ended.stdout, "");

    let ended = place.paperboat(["mock", "--port", "70000"]).ends(2).await;
    ended.says(&["70000 is not in 0..=65535"]);
}
