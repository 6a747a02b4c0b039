//! `--force` sends what does not fit.

use serde_json::json;

use super::{batch_of, inputs};
use crate::place::Place;

/// Whatever it is written in; and what the service says of it counts.
#[tokio::test]
async fn what_does_not_fit_is_sent_with_a_note() {
    for (name, text, sent) in [
        (
            "rows.jsonl",
            "{\"prompt\": \"x\", \"num_outputs\": 9}",
            json!({"prompt": "x", "num_outputs": 9}),
        ),
        (
            "rows.csv",
            "prompt,num_outputs\nx,many\n",
            json!({"prompt": "x", "num_outputs": "many"}),
        ),
    ] {
        let place = Place::new();
        let server = cometapi_mock::MockServer::builder()
            .key(crate::place::KEY)
            .start()
            .await
            .unwrap();
        place.write(name, text);
        let ended = batch_of(&place, &server, name, &["--force"]).ends(1).await;
        ended.says(&[
            "num_outputs is ",
            "it takes 1–4",
            "1 failed; 0 created",
            "1 refused",
        ]);
        assert!(ended.stderr.starts_with("note: line "), "{}", ended.stderr);
        assert_eq!(inputs(&server), [sent]);
    }
}
