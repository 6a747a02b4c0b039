//! The list of tasks.

use std::time::{Duration, UNIX_EPOCH};

use cometapi_mock::{AccountEndpoint, Ending, MockServer, Pace, Script, Step, TaskForm};
use serde_json::{Value, json};

use super::{data_of, get, rows};
use crate::client::{SCHNELL, created, hold_clock, polled};

fn ids(rows: &[Value]) -> Vec<&str> {
    let ids = rows.iter().map(|row| row["task_id"].as_str().unwrap());
    ids.collect()
}

#[tokio::test(start_paused = true)]
async fn a_prediction_is_a_task_from_its_create_request_to_long_after_its_end() {
    let _held = hold_clock();
    let pace = Pace::clock(Duration::from_secs(10), Duration::from_secs(20));
    let server = MockServer::builder().pace(pace).start().await.unwrap();
    let id = created(&server).await;
    // The clock stands still unless it is moved, so these times are exact.
    let submitted = server.requests()[0].at;
    let submitted = submitted.duration_since(UNIX_EPOCH).unwrap();
    let ended = (submitted + Duration::from_secs(30)).as_secs();
    for (later, status, progress, finish_time) in [
        (0, "SUBMITTED", "10%", 0),
        (10, "IN_PROGRESS", "30%", 0),
        (20, "SUCCESS", "100%", ended),
        // Its data is gone by then.
        (7_200, "SUCCESS", "100%", ended),
    ] {
        tokio::time::advance(Duration::from_secs(later)).await;
        assert_eq!(
            rows(&server, &[]).await,
            [json!({
                "created_at": submitted.as_secs(),
                "task_id": id,
                "platform": "replicate",
                "action": "generate",
                "status": status,
                "model_name": SCHNELL,
                "progress": progress,
                "quota": 1_500,
                "submit_time": submitted.as_secs(),
                "finish_time": finish_time,
            })]
        );
    }
    // To list it is no poll.
    assert_eq!(server.predictions()[0].polls, 0);
    server.assert_no_violations();
}

#[tokio::test]
async fn the_status_is_that_of_the_last_poll_where_polls_set_the_pace() {
    let server = MockServer::start().await.unwrap();
    server.on_run(Script::new([
        Step::Word("queued".to_owned()),
        Step::Word("reticulating".to_owned()),
        Step::Processing,
        Step::End(Ending::Canceled),
    ]));
    let id = created(&server).await;
    for status in ["SUBMITTED", "QUEUED", "UNKNOWN", "IN_PROGRESS", "FAILURE"] {
        let found = rows(&server, &[("status", status)]).await;
        assert_eq!(ids(&found), [id.as_str()], "{status}");
        assert_eq!(rows(&server, &[("status", "SUCCESS")]).await.len(), 0);
        polled(&server, &id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn they_come_newest_first_in_pages_and_between_two_times() {
    let _held = hold_clock();
    let server = MockServer::start().await.unwrap();
    let mut created_at = Vec::new();
    for _ in 0..5 {
        let id = created(&server).await;
        let row = &rows(&server, &[("task_id", &id)]).await[0];
        created_at.push((id, row["submit_time"].to_string()));
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    created_at.reverse();
    let newest_first: Vec<_> = created_at.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids(&rows(&server, &[]).await), newest_first);
    assert_eq!(
        ids(&rows(&server, &[("platform", "replicate")]).await),
        newest_first
    );
    assert!(rows(&server, &[("platform", "suno")]).await.is_empty());

    for (page, wanted) in [
        ("1", &newest_first[..2]),
        ("2", &newest_first[2..4]),
        ("3", &newest_first[4..]),
        ("4", &[]),
    ] {
        let found = rows(&server, &[("p", page), ("page_size", "2")]).await;
        assert_eq!(ids(&found), wanted, "{page}");
    }
    let (from, to) = (&created_at[3].1, &created_at[1].1);
    let between = [
        ("start_timestamp", from.as_str()),
        ("end_timestamp", to.as_str()),
    ];
    assert_eq!(ids(&rows(&server, &between).await), newest_first[1..4]);
    server.assert_no_violations();
}

#[tokio::test]
async fn the_list_has_three_forms() {
    for form in [TaskForm::List, TaskForm::Items, TaskForm::Data] {
        let server = MockServer::builder().task_form(form).start().await.unwrap();
        created(&server).await;
        let id = created(&server).await;
        let request = get(&server, AccountEndpoint::Tasks);
        let data = data_of(request.query(&[("page_size", "1")])).await;
        let (list, total) = match form {
            TaskForm::List => (&data, None),
            TaskForm::Items => (&data["items"], data["total"].as_u64()),
            TaskForm::Data => (&data["data"], data["total"].as_u64()),
            _ => panic!("another form"),
        };
        assert_eq!(ids(list.as_array().unwrap()), [id.as_str()]);
        assert_eq!(total, (form != TaskForm::List).then_some(2));
    }
}
