//! An id is shown at once, also while another process holds the ledger.

use rusqlite::Connection;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::SCHNELL;
use crate::place::Place;

/// Answers one create request with the id `p1`, after `before`.
async fn answer(listener: &TcpListener, before: impl FnOnce()) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"}}") {
        assert!(stream.read_buf(&mut request).await.unwrap() > 0);
    }
    before();
    let body = json!({"id": "p1", "model": SCHNELL, "status": "starting"}).to_string();
    let response = format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn an_id_is_shown_while_another_process_holds_the_ledger() {
    let run = ["run", SCHNELL, "prompt=x", "-o", "out"];
    let create = ["create", SCHNELL, "prompt=x"];
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "rows"];
    for (args, said) in [
        (&run[..], "created p1"),
        (&create, "created p1"),
        (&batch, "created p1; it is not recorded yet"),
    ] {
        let place = Place::new();
        place.write("rows.jsonl", "{\"prompt\": \"x\"}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let mut call = place.paperboat(args).at(&base_url).start();
        let mut other = None;
        answer(&listener, || {
            let ledger = Connection::open(place.ledger()).unwrap();
            ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
            other = Some(ledger);
        })
        .await;
        call.says(said).await;
        // It was said before it could be recorded.
        let other = other.unwrap();
        let recorded: i64 = other
            .query_row(
                "SELECT count(*) FROM prediction WHERE id IS NOT NULL",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(recorded, 0, "{args:?}");
        other.execute_batch("ROLLBACK").unwrap();
        if args[0] == "create" {
            call.ends(0).await;
            assert_eq!(place.listed(&[]).await[0]["id"], "p1");
        } else {
            call.kill().await;
        }
    }
}
