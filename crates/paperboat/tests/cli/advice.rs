//! Commands that are printed as advice, pasted as they stand.

use cometapi_mock::Fault;

use crate::place::{KEY, Place};
use crate::{FOX, server};

#[tokio::test]
async fn the_advice_to_wait_finds_the_service_the_ledger_and_the_folder() {
    let place = Place::new();
    let server = server().await;
    server.on_file(Fault::IndexPage);
    let url = server.base_url();
    let settings = [
        "-o",
        "it's here",
        "--base-url",
        url,
        "--base-url-as-is",
        "--ledger",
        "my ledger.db",
        "--allow-private-files",
    ];
    let run = ["run"].iter().chain(&FOX).chain(&settings);
    let run = place.paperboat(run).env("COMETAPI_KEY", KEY);
    let ended = run.ends(1).await;
    let id = ended.id().to_owned();
    let advice = format!(
        r"to continue: paperboat wait {id} -o 'it'\''s here' --allow-private-files --ledger 'my ledger.db' --base-url {url} --base-url-as-is"
    );
    ended.says(&[&advice]);
    let (_, command) = advice.split_once(": paperboat ").unwrap();
    let pasted = place.shell(&format!("\"$0\" {command}"));
    let ended = pasted.env("COMETAPI_KEY", KEY).ends(0).await;
    assert_eq!(ended.stdout, format!("it's here/{id}.webp\n"));
    assert_eq!(place.names("it's here"), [format!("{id}.webp")]);
    // The user's own ledger was not touched.
    assert!(!place.names(".").contains(&".local".to_owned()));
}
