//! `paperboat prune`: which records it removes.

use cometapi_mock::Fault;
use rusqlite::Connection;

use crate::place::Place;
use crate::{fox, server};

#[tokio::test]
async fn old_records_of_ended_predictions_are_removed() {
    let place = Place::new();
    let server = server().await;
    let run = || fox(&place, "run", &["-o", "out"]).at(server.origin());
    run().ends(0).await;
    let running = fox(&place, "create", &[]).at(server.origin());
    let running = running.ends(0).await.id().to_owned();
    server.on_create(Fault::Close.after_accept());
    run().ends(7).await;
    let prune = |more: &[&str]| {
        let args = ["prune", "--older-than", "30d"];
        place.paperboat(args.iter().chain(more))
    };
    prune(&[]).ends(0).await.says(&["removed 0 records"]);

    let conn = Connection::open(place.ledger()).unwrap();
    let month = 31_i64 * 24 * 3600 * 1000;
    let sql = "UPDATE prediction SET planned_at = planned_at - ?1, ended_at = ended_at - ?1";
    assert_eq!(conn.execute(sql, [month]).unwrap(), 3);
    drop(conn);
    run().ends(0).await;
    let ended = prune(&[]).ends(0).await;
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "removed 1 record\n");
    let ended = prune(&["--json"]).ends(0).await;
    assert_eq!(ended.stdout, "{\"removed\":0}\n");

    let listed = place.listed(&[]).await;
    let states: Vec<_> = listed.iter().map(|it| it["state"].as_str()).collect();
    assert_eq!(states, ["ended", "unresolved", "running"].map(Some));
    assert_eq!(listed[2]["id"], *running);
    // Saved files are left where they are.
    assert_eq!(place.names("out").len(), 2);
}

#[tokio::test]
async fn without_a_ledger_it_removes_nothing_and_creates_none() {
    let place = Place::new();
    let prune = ["prune", "--older-than", "1s"];
    let ended = place.paperboat(prune).ends(0).await;
    assert_eq!(ended.stderr, "removed 0 records\n");
    assert!(place.names("").is_empty());
}

#[tokio::test]
async fn the_age_is_required_and_is_a_duration() {
    let place = Place::new();
    place.paperboat(["prune"]).ends(2).await;
    let prune = ["prune", "--older-than", "soon"];
    let ended = place.paperboat(prune).ends(2).await;
    ended.says(&["write it as 90s, 5m or 1h30m"]);
}
