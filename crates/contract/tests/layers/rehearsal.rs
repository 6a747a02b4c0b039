//! The live programme, against the mock.

use contract::{Live, Options, Workspace, check};
use serde_json::Value;

#[test]
fn the_programme_saves_the_id_first_and_writes_valid_redacted_papers() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(Workspace::own());
    options.live = Some(Live::rehearsal(folder.path()));
    let ran = check("L8", &options);
    assert!(ran.report.is_good(), "{:#?}", ran.report);
    let notes = ran.report.notes.join("\n");
    for said in [
        "cost: one create",
        "an unknown id gives 400",
        "a create is answered with 200",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
    assert!(notes.contains("were wrapped"), "{notes}");

    let id = std::fs::read_to_string(folder.path().join("last-id")).unwrap();
    assert_eq!(id.len(), 26, "{id}");
    let mut records = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("sk-"), "{text}");
            serde_json::from_str::<Value>(&text).unwrap();
            records += 1;
        }
    }
    assert!(
        records >= 4,
        "unknown id, create, and at least two states, not {records}"
    );
}

#[test]
fn without_leave_nothing_is_called() {
    let ran = check("L8", &Options::new(Workspace::own()));
    assert!(ran.report.skipped.is_some() && ran.report.total() == 0);
}
