use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn doubt(seq: u64, hash: &str, sent: u64, given_up: u64) -> Doubt {
    Doubt {
        seq,
        model: "a/b".to_owned(),
        hash: hash.to_owned(),
        sent: at(sent),
        given_up: Some(at(given_up)),
    }
}

fn task(id: &str, submitted: u64) -> Task {
    let mut task = Task::new(id);
    task.model = Some("b".to_owned());
    task.submitted_at = Some(at(submitted));
    task
}

/// A task that the ledger does not know, whose input compares like this with that of each doubt.
fn unknown(id: &str, submitted: u64, inputs: &[(u64, InputMatch)]) -> Listed {
    Listed {
        task: task(id, submitted),
        known: None,
        inputs: inputs.to_vec(),
    }
}

/// A task of this ledger.
fn known(id: &str, sent: u64) -> Listed {
    Listed {
        task: task(id, sent),
        known: Some(Known {
            sent: at(sent),
            created: at(sent + 1),
        }),
        inputs: Vec::new(),
    }
}

use InputMatch::{Different, Same, Unknown};

/// Everything that one doubt, sent at 1000 s and given up at 1010 s, can meet.
#[test]
fn one_doubt_and_what_is_listed() {
    let one = [doubt(1, "x", 1000, 1010)];
    let (before, after) = (known("before", 900), known("after", 1020));
    let decided = |listed: Vec<Listed>| decide(&one[0], &one, &listed, true);

    let same = |submitted| unknown("t", submitted, &[(1, Same)]);
    assert_eq!(decided(vec![same(1005)]), Decision::Is(0));
    // The service's clock is a little off.
    assert_eq!(decided(vec![same(1100)]), Decision::Is(0));
    assert_eq!(decided(vec![same(890)]), Decision::Is(0));
    // Another time, so another request.
    assert_eq!(decided(vec![same(1200)]), Decision::Unproven);

    let removed = |id| unknown(id, 1005, &[(1, Unknown)]);
    assert_eq!(decided(vec![removed("t")]), Decision::MayBe(vec![0]));
    let two = vec![same(1003), same(1006)];
    assert_eq!(decided(two), Decision::MayBe(vec![0, 1]));
    // That the service no longer shows another's input says nothing against this one.
    let two = vec![same(1003), removed("u")];
    assert_eq!(decided(two), Decision::Is(0));

    let other = || unknown("o", 1004, &[(1, Different)]);
    assert_eq!(decided(vec![other(), same(1005)]), Decision::Is(1));
    assert_eq!(decided(vec![other()]), Decision::Unproven);
    let around = vec![after.clone(), before.clone()];
    let absent = Decision::Absent {
        before: 1,
        after: 0,
    };
    assert_eq!(decided(around.clone()), absent);
    // The service may have changed the input of a task between them.
    let between = vec![after.clone(), other(), before.clone()];
    assert_eq!(decided(between), Decision::MayBe(vec![1]));
    assert_eq!(decided(vec![other(), before.clone()]), Decision::Unproven);
    assert_eq!(decided(vec![after.clone(), other()]), Decision::Unproven);
    // A list with a hole proves nothing.
    assert_eq!(decide(&one[0], &one, &around, false), Decision::Unproven);
    let holed = decide(&one[0], &one, &[same(1005)], false);
    assert_eq!(holed, Decision::MayBe(vec![0]));
}

/// What keeps "not created" from being offered, and what does not.
#[test]
fn absence_counts_every_task_that_may_be_the_one() {
    let one = [doubt(1, "x", 1000, 1010), doubt(2, "y", 1001, 1011)];
    let decided = |between: Listed, is_complete: bool| {
        let listed = [known("before", 900), known("after", 1020), between];
        decide(&one[0], &one, &listed, is_complete)
    };
    let absent = Decision::Absent {
        before: 0,
        after: 1,
    };
    let task = |change: fn(&mut Listed)| {
        let mut it = unknown("t", 1005, &[(1, Different), (2, Different)]);
        change(&mut it);
        it
    };
    let may_be = [
        task(|_| {}),
        task(|it| it.task.model = None),
        task(|it| it.task.model = Some("A/B:5599ed30".into())),
        task(|it| it.task.model = Some("B".into())),
        task(|it| it.task.platform = Some("other".into())),
        task(|it| it.task.submitted_at = None),
        task(|it| it.inputs = vec![(1, Unknown), (2, Same)]),
        task(|it| it.inputs = Vec::new()),
    ];
    for it in may_be {
        assert_eq!(
            decided(it.clone(), true),
            Decision::MayBe(vec![2]),
            "{it:?}"
        );
        let is_listed = it.input(&one[0]) != Different;
        let expected = if is_listed {
            Decision::MayBe(vec![2])
        } else {
            Decision::Unproven
        };
        assert_eq!(decided(it, false), expected);
    }
    let others = [
        task(|it| it.task.model = Some("a/c".into())),
        task(|it| it.task.submitted_at = Some(at(800))),
        // It is exactly what the other request asked for.
        task(|it| it.inputs = vec![(1, Different), (2, Same)]),
        known("t", 1005),
    ];
    for it in others {
        assert_eq!(decided(it.clone(), true), absent, "{it:?}");
        assert_eq!(decided(it, false), Decision::Unproven);
    }
}

/// A task with the input and the model that must be offered, not taken.
#[test]
fn a_task_is_taken_only_with_its_time_and_its_platform() {
    let one = [doubt(1, "x", 1000, 1010)];
    let task = || unknown("t", 1005, &[(1, Same)]);
    let (mut timeless, mut elsewhere) = (task(), task());
    timeless.task.submitted_at = None;
    elsewhere.task.platform = Some("other".into());
    for it in [&timeless, &elsewhere] {
        let decided = decide(&one[0], &one, std::slice::from_ref(it), true);
        assert_eq!(decided, Decision::MayBe(vec![0]), "{it:?}");
    }
    // One of another platform that may be it makes the list incomplete.
    elsewhere.inputs = Vec::new();
    let decided = decide(&one[0], &one, &[task(), elsewhere.clone()], true);
    assert_eq!(decided, Decision::MayBe(vec![0, 1]));
    elsewhere.task.model = Some("song".into());
    let decided = decide(&one[0], &one, &[task(), elsewhere], true);
    assert_eq!(decided, Decision::Is(0));
}

/// The service's clock is ten minutes ahead: the task is out of time, and between the known ones.
#[test]
fn a_task_between_the_known_ones_is_never_taken_for_absent() {
    let one = [doubt(1, "x", 1000, 1010)];
    let mut listed = vec![known("before", 900), known("after", 1020)];
    for it in &mut listed {
        it.task.submitted_at = it.task.submitted_at.map(|time| time + 5 * SKEW);
    }
    listed.push(unknown("t", 1005 + 600, &[(1, Same)]));
    let decided = decide(&one[0], &one, &listed, true);
    assert_eq!(decided, Decision::MayBe(vec![2]));
}

#[test]
fn a_request_with_the_same_input_at_the_same_time_leaves_it_to_a_person() {
    let both = [doubt(1, "x", 1000, 1010), doubt(2, "x", 1001, 1011)];
    let listed = [unknown("t", 1005, &[(1, Same), (2, Same)])];
    for it in &both {
        assert_eq!(decide(it, &both, &listed, true), Decision::MayBe(vec![0]));
    }
    // One that a worker is sending now counts, too.
    let mut sending = doubt(2, "x", 1005, 0);
    sending.given_up = None;
    let both = [doubt(1, "x", 1000, 1010), sending];
    let decided = decide(&both[0], &both, &listed, true);
    assert_eq!(decided, Decision::MayBe(vec![0]));
    // At another time, or with another input, it does not.
    for other in [doubt(2, "x", 5000, 5010), doubt(2, "y", 1000, 1010)] {
        let both = [doubt(1, "x", 1000, 1010), other];
        let listed = [unknown("t", 1005, &[(1, Same), (2, Different)])];
        assert_eq!(decide(&both[0], &both, &listed, true), Decision::Is(0));
    }
}

#[test]
fn a_task_that_the_ledger_knows_or_of_another_model_is_no_candidate() {
    let one = [doubt(1, "x", 1000, 1010)];
    let mut other = unknown("t", 1005, &[(1, Same)]);
    other.task.model = Some("c".to_owned());
    for listed in [known("t", 1005), other] {
        assert_eq!(decide(&one[0], &one, &[listed], true), Decision::Unproven);
    }
}

#[derive(Clone, Debug)]
struct Request {
    sent: u64,
    took: u64,
    input: u8,
    accepted: bool,
    /// Whether its response was recorded.
    answered: bool,
    shown: Shown,
}

/// Its input, as the service shows it.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    AsSent,
    Changed,
    No,
}

fn request() -> impl Strategy<Value = Request> {
    let times = (0_u64..600, 0_u64..60);
    let shown = prop::sample::select(vec![Shown::AsSent, Shown::Changed, Shown::No]);
    let states = (any::<bool>(), any::<bool>(), shown);
    (times, 0_u8..3, states).prop_map(|((sent, took), input, (accepted, answered, shown))| {
        Request {
            sent,
            took,
            input,
            accepted,
            answered,
            shown,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Requests of one ledger with few inputs, some accepted, some answered; and tasks of other programs,
    /// with other inputs. What is decided is true.
    #[test]
    fn nothing_is_decided_wrongly(
        requests in prop::collection::vec(request(), 1..12),
        foreign in prop::collection::vec((0_u64..660, any::<bool>()), 0..3),
        skew in 0_u64..100,
    ) {
        let numbered: BTreeMap<u64, &Request> = (1..).zip(&requests).collect();
        let doubts: Vec<_> = numbered
            .iter()
            .filter(|(_, it)| !it.answered)
            .map(|(seq, it)| doubt(*seq, &it.input.to_string(), it.sent, it.sent + it.took))
            .collect();
        let compared = |input: Option<u8>, shown: bool| -> Vec<_> {
            doubts
                .iter()
                .map(|doubt| {
                    let is_same = input.is_some_and(|input| doubt.hash == input.to_string());
                    (doubt.seq, match (shown, is_same) {
                        (false, _) => Unknown,
                        (true, true) => Same,
                        (true, false) => Different,
                    })
                })
                .collect()
        };
        let mut listed = Vec::new();
        for (seq, it) in numbered.iter().filter(|(_, it)| it.accepted) {
            let mut one = unknown(&seq.to_string(), it.sent + it.took / 2 + skew, &[]);
            if it.answered {
                let created = at(it.sent + it.took);
                one.known = Some(Known { sent: at(it.sent), created });
            } else {
                one.inputs = compared(
                    (it.shown == Shown::AsSent).then_some(it.input),
                    it.shown != Shown::No,
                );
            }
            listed.push(one);
        }
        for (submitted, shown) in foreign {
            let inputs = compared(None, shown);
            listed.push(unknown("foreign", submitted, &inputs));
        }
        for one in &doubts {
            let truth = numbered[&one.seq];
            match decide(one, &doubts, &listed, true) {
                Decision::Is(index) => prop_assert_eq!(&listed[index].task.id, &one.seq.to_string()),
                Decision::Absent { .. } => prop_assert!(!truth.accepted),
                Decision::MayBe(indexes) => {
                    let is_among = indexes.iter().any(|it| listed[*it].task.id == one.seq.to_string());
                    prop_assert!(is_among || !truth.accepted || truth.shown == Shown::Changed);
                }
                Decision::Unproven => prop_assert!(!truth.accepted || truth.shown == Shown::Changed),
            }
        }
    }
}
