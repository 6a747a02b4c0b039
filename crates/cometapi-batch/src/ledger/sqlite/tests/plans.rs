//! What statements read, and how often they are prepared.

use rusqlite::{StatementStatus, params_from_iter};

use super::super::claim::free_sql;
use super::super::fault::Fault;
use super::super::list::list_sql;
use super::super::writer::Touch;
use super::{loaded, row};
use crate::SqliteLedger;
use crate::ledger::{Filter, Ledger, LoadId, Plan, Want};

/// A claim that looked at all rows of a load would make a batch's cost grow with its square.
#[tokio::test]
async fn a_claim_begins_with_what_is_free() {
    let ledger = SqliteLedger::in_memory().unwrap();
    for of_load in [true, false] {
        let plan = ledger.writer.ask(Touch::Nothing, move |writer| {
            let sql = free_sql(of_load);
            let explained = writer
                .conn
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .and_then(|mut statement| {
                    let any = rusqlite::named_params! {
                        ":load": 1, ":state": "planned", ":worker": 1, ":most": 1,
                    };
                    let rows = statement.query_map(any, |row| row.get::<_, String>(3))?;
                    rows.collect::<Result<Vec<_>, _>>()
                });
            explained.map_err(Fault::from)
        });
        let plan = plan.await.unwrap();
        assert!(
            plan[0].starts_with("SEARCH p USING INDEX prediction_free (state=?"),
            "{plan:#?}"
        );
        assert!(
            !plan.iter().any(|step| step.contains("B-TREE")),
            "{plan:#?}"
        );
    }
}

/// A page costs what it returns, and a file is not looked for in every prediction.
#[tokio::test]
async fn a_list_begins_with_what_it_asks_for() {
    let ledger = SqliteLedger::in_memory().unwrap();
    let of_load = Filter {
        load: Some(LoadId(1)),
        ..Filter::default()
    };
    let after = Filter {
        after: Some(7),
        ..of_load.clone()
    };
    let all_after = Filter {
        load: None,
        ..after.clone()
    };
    let of_file = Filter {
        file: Some("/out/deep/fox.png".into()),
        ..Filter::default()
    };
    for (filter, begin) in [
        (
            of_load,
            "SEARCH s USING COVERING INDEX staged_seq (load=? AND seq>?)",
        ),
        (
            after,
            "SEARCH s USING COVERING INDEX staged_seq (load=? AND seq>?)",
        ),
        (all_after, "SEARCH p USING INTEGER PRIMARY KEY (rowid>?)"),
        (of_file, "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"),
    ] {
        let asked = filter.clone();
        let plan = ledger.writer.ask(Touch::Nothing, move |writer| {
            let (sql, values) = list_sql(&filter);
            let mut statement = writer.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let rows = statement.query_map(params_from_iter(values), |row| row.get(3))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?)
        });
        let plan = plan.await.unwrap();
        assert!(plan[0].starts_with(begin), "{asked:?}: {plan:#?}");
        let scans = plan.iter().any(|step| step.starts_with("SCAN"));
        assert!(!scans, "{asked:?}: {plan:#?}");
        if asked.file.is_none() {
            let sorts = plan.iter().any(|step| step.contains("B-TREE"));
            assert!(!sorts, "{asked:?}: {plan:#?}");
        }
    }
}

/// Statements that are prepared again at each run cost more than what they do.
#[tokio::test]
async fn a_claim_is_prepared_once() {
    let ledger = SqliteLedger::in_memory().unwrap();
    let rows = (1..4).map(|line| row(line, None, "x")).collect();
    let loader = loaded(&ledger, rows, Plan::default()).await;
    let worker = ledger.register(String::new()).await.unwrap();
    for left in [1, 1, 1, 0] {
        let want = Want::new(Some(loader.id()), 1, 1);
        let claimed = ledger.claim(worker, want).await.unwrap();
        assert_eq!(claimed.jobs.len(), left);
    }
    let status = ledger.writer.ask(Touch::Nothing, |writer| {
        let claim = writer.conn.prepare_cached(&free_sql(true))?;
        let run = claim.get_status(StatementStatus::Run);
        Ok((run, claim.get_status(StatementStatus::RePrepare)))
    });
    // Running rows and planned ones.
    assert_eq!(status.await.unwrap(), (8, 0));
}
