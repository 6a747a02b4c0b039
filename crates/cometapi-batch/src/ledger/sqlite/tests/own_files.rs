//! Files that a batch saved while its ledger could not be written are its own.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use cometapi::{Client, ErrorKind as Kind};
use cometapi_mock::{MockServer, Pace};

use super::super::writer::Touch;
use crate::{Batch, Filter, Finish, Format, Ledger, Report, Rows, SqliteLedger};

const ROW: &str = r#"{"id": "fox", "model": "black-forest-labs/flux-schnell", "prompt": "x", "megapixels": "0.25"}"#;

async fn start() -> (MockServer, Client) {
    let server = MockServer::builder().pace(Pace::instant()).start().await;
    let server = server.unwrap();
    let client = Client::builder().key("sk-any").base_url(server.base_url());
    (server, client.build().unwrap())
}

async fn run(client: &Client, ledger: &Arc<SqliteLedger>, folder: &Path) -> Report {
    let rows = Rows::reader(Cursor::new(ROW), Format::JsonLines);
    let batch = Batch::new(client, Arc::clone(ledger) as _, folder);
    batch.run(rows).await.unwrap()
}

/// As a ledger is whose disk was full from the recording of the id on.
async fn forget_the_end(ledger: &SqliteLedger) {
    change(
        ledger,
        "UPDATE prediction SET state = 'running', outcome = NULL, ended_at = NULL, fetching = 0;
         DELETE FROM file",
    )
    .await;
}

async fn change(ledger: &SqliteLedger, sql: &'static str) {
    let changed = ledger.writer.ask(Touch::Ledger, move |writer| {
        Ok(writer.conn.execute_batch(sql)?)
    });
    changed.await.unwrap();
}

#[tokio::test]
async fn a_file_with_the_same_content_is_its_own_and_any_other_is_left() {
    let (server, client) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ledger = Arc::new(SqliteLedger::open(folder.path().join("ledger")).unwrap());
    assert!(run(&client, &ledger, &out).await.is_success());
    forget_the_end(&ledger).await;
    let report = run(&client, &ledger, &out).await;
    assert!(report.is_success(), "{report:?}");
    let listed = ledger.list(Filter::default()).await.unwrap();
    assert_eq!(listed[0].files.len(), 1);

    let path = out.join("fox.webp");
    fs::write(&path, "precious").unwrap();
    forget_the_end(&ledger).await;
    let report = run(&client, &ledger, &out).await;
    assert!(!report.is_success());
    let listed = ledger.list(Filter::default()).await.unwrap();
    let outcome = listed[0].outcome.as_ref().unwrap();
    assert_eq!(outcome.kind, Some(Kind::File));
    let message = outcome.message.as_deref().unwrap();
    assert!(message.contains("move it away"), "{message}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let names = fs::read_dir(&out)
        .unwrap()
        .map(|it| it.unwrap().file_name());
    // Beside the file that identifies the batch.
    let images = names.filter(|name| !name.to_string_lossy().starts_with('.'));
    assert_eq!(images.count(), 1);

    // An empty file holds no data: what a kill left on a file system without links.
    fs::write(&path, "").unwrap();
    assert!(run(&client, &ledger, &out).await.is_success());
    assert!(fs::metadata(&path).unwrap().len() > 0);
    assert_eq!(server.create_requests(), 1);
}

/// A ledger from elsewhere must not choose where files are written.
#[tokio::test]
async fn a_crafted_folder_is_not_followed() {
    let (_server, client) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ledger = Arc::new(SqliteLedger::open(folder.path().join("ledger")).unwrap());
    assert!(run(&client, &ledger, &out).await.is_success());
    forget_the_end(&ledger).await;
    change(
        &ledger,
        "UPDATE batch SET folder = folder || '/../elsewhere'",
    )
    .await;
    let other = folder.path().join("other");
    let report = Finish::new(&client, Arc::clone(&ledger) as _, &other)
        .on_event(|event| {
            if let crate::Event::Ended { outcome, .. } = event {
                let message = outcome.message.as_deref().unwrap();
                assert!(message.contains("which the ledger names"), "{message}");
                assert!(message.contains("save them elsewhere"), "{message}");
            }
        })
        .run()
        .await
        .unwrap();
    assert_eq!(report.tally.failed(), 1, "{report:?}");
    assert!(!folder.path().join("elsewhere").exists());
}
