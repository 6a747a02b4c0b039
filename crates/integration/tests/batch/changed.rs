//! Rows that are changed and run again.

use std::io::Cursor;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi_batch::{Entry, ErrorKind, Event, Filter, Format, Report, Rows};
use cometapi_mock::{Ending, Script, Step};

use crate::engine::{Bench, row};

/// One row for each prompt, with the same ids each time.
fn prompts(prompts: [&str; 2]) -> Rows {
    let rows = ["a", "b"].into_iter().zip(prompts);
    let text: String = rows
        .map(|(id, prompt)| {
            let prompt = format!("\"prompt\": \"{prompt}\"");
            row(id).replace(&format!("\"prompt\": \"{id}\""), &prompt)
        })
        .collect();
    Rows::reader(Cursor::new(text), Format::JsonLines)
}

async fn entries(bench: &Bench) -> Vec<Entry> {
    let mut filter = Filter::default();
    filter.after = Some(0);
    bench.ledger.list(filter).await.unwrap()
}

fn counts(report: &Report) -> (u64, u64, u64, u64) {
    let tally = &report.tally;
    (
        report.created,
        tally.succeeded,
        report.skipped,
        tally.total(),
    )
}

#[tokio::test]
async fn a_changed_row_is_shown_with_its_fields_and_created_anew_on_an_update() {
    let bench = Bench::new().await;
    let report = bench.batch().run(prompts(["a", "b"])).await.unwrap();
    assert!(report.is_success());
    let changed = || prompts(["a", "a wolf"]);

    let error = bench.batch().run(changed()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rows);
    let [problem] = error.problems() else {
        panic!("{error:?}")
    };
    assert!(problem.is_changed());
    assert_eq!(
        problem.to_string(),
        "line 2, id: \"b\" was created with another prompt: create it anew, which keeps its files, or \
         leave it as it is"
    );
    let skipping = bench.batch().skip_bad(true);
    let report = skipping.run(changed()).await.unwrap();
    assert_eq!(counts(&report), (0, 1, 1, 1));
    assert_eq!(bench.server.create_requests(), 2);

    let update = || bench.batch().update(true);
    let report = update().dry_run(changed()).await.unwrap();
    assert_eq!((report.tally.planned, report.skipped), (1, 0));
    let report = update().run(changed()).await.unwrap();
    assert_eq!(counts(&report), (1, 2, 0, 2));
    assert!(report.is_success());
    let [_, before, after] = &entries(&bench).await[..] else {
        panic!("three predictions")
    };
    let found = [before, after].map(|it| (it.row.as_deref(), it.superseded, it.retake));
    assert_eq!(found, [(Some("b"), true, 0), (Some("b"), false, 1)]);
    // Both files are there.
    let files = [before, after].map(|it| &it.files[0].path);
    assert_ne!(files[0], files[1]);
    assert!(files.iter().all(|path| path.exists()), "{files:?}");
    assert_eq!(bench.files().len(), 3);

    // Now it is that row, with an update or without.
    assert_eq!(update().run(changed()).await.unwrap().created, 0);
    assert_eq!(bench.batch().run(changed()).await.unwrap().created, 0);
    assert_eq!(bench.server.create_requests(), 3);
}

#[tokio::test]
async fn a_changed_row_that_runs_is_waited_for_before_it_is_created_anew() {
    for ending in [Ending::Succeeded, Ending::Failed("no".into())] {
        let bench = Bench::new().await;
        let steps = [
            Step::Processing,
            Step::Processing,
            Step::End(ending.clone()),
        ];
        bench.server.on_run(Script::new(steps));
        let short = bench.batch().limit(1).timeout(Duration::ZERO);
        let report = short.run(prompts(["a", "b"])).await.unwrap();
        assert_eq!((report.tally.running, report.tally.planned), (1, 1));
        let changed = || prompts(["a wolf", "b"]);
        let error = bench.batch().run(changed()).await.unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("\"a\" is running with another prompt"),
            "{said}"
        );

        let events = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&events);
        let update = bench.batch().update(true).retry_failed(true).limit(2);
        let update = update.on_event(move |event| match event {
            Event::Sending { row, .. } => {
                let id = row.id.clone().unwrap_or_default();
                noted.lock().unwrap().push(format!("send {id}"));
            }
            Event::Ended { row, .. } => {
                let id = row.id.clone().unwrap_or_default();
                noted.lock().unwrap().push(format!("end {id}"));
            }
            _ => {}
        });
        let report = update.concurrency(1).run(changed()).await.unwrap();
        assert_eq!(counts(&report), (2, 2, 0, 2), "{report:?}");
        // A row that is created anew comes after those that were planned before.
        assert_eq!(
            *events.lock().unwrap(),
            ["end a", "send b", "end b", "send a", "end a"]
        );
        assert_eq!(bench.server.create_requests(), 3);
        let found: Vec<_> = entries(&bench)
            .await
            .into_iter()
            .map(|it| (it.row, it.superseded, it.files.len(), it.retake))
            .collect();
        let has_files = usize::from(matches!(ending, Ending::Succeeded));
        let (a, b) = (Some("a".to_owned()), Some("b".to_owned()));
        assert_eq!(
            found,
            [
                (a.clone(), true, has_files, 0),
                (b, false, 1, 0),
                (a, false, 1, has_files as u64)
            ]
        );
    }
}

/// Another process follows it, and will save files of the input of before.
#[tokio::test]
async fn a_changed_row_that_another_process_has_is_skipped_by_an_update() {
    let bench = Bench::new().await;
    bench.server.on_run(Script::new([Step::Processing]));
    let short = bench.batch().limit(1).timeout(Duration::ZERO);
    let report = short.run(prompts(["a", "b"])).await.unwrap();
    assert_eq!((report.tally.running, report.tally.planned), (1, 1));
    let id = entries(&bench).await[0].id.clone().unwrap();
    let service = bench.server.base_url().to_owned();
    let worker = bench.ledger.register(service).await.unwrap();
    let adopted = bench.ledger.adopt(worker, id).await.unwrap();
    assert!(adopted.is_some());

    let problems = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&problems);
    let update = bench.batch().update(true).on_event(move |event| {
        if let Event::BadRow { problem, .. } = event {
            noted.lock().unwrap().push(problem.to_string());
        }
    });
    let report = update.run(prompts(["a wolf", "b"])).await.unwrap();
    assert_eq!(counts(&report), (1, 1, 1, 1));
    assert_eq!(
        *problems.lock().unwrap(),
        [
            "line 1, id: \"a\" is running with another prompt: wait for it and create it anew, or \
             leave it as it is"
        ]
    );
    assert_eq!(bench.server.create_requests(), 2);
}
