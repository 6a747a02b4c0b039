//! L2: the wire types, generated and hand-written, against their specs.
//!
//! JSON Schema on the spec is the oracle, serde the subject. What the oracle allows, the type
//! must read, and give back whole. What the type reads beside that is a tolerance, and the
//! tolerances are a committed list with reasons: a new one, and one that is no more, fail.

mod subjects;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use cometapi_codegen::TARGETS;
use jsonschema::Validator;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::Deserialize;
use serde_json::Value;

use self::subjects::{SUBJECTS, Subject, Subjects};
use super::Options;
use crate::values::{mutants, valid};
use contract_spec::oracle::{Oracle, reference};
use contract_spec::report::Report;

const TOLERANCES: &str = "crates/contract/data/tolerances.yaml";

/// Values drawn for each type; each gives some dozens of mutants.
const VALUES: usize = 150;

/// Where a type reads more than the spec allows, and why that is meant.
#[derive(Deserialize)]
struct Tolerance {
    schema: String,
    /// Whose tolerance: `serde`, or the exported JSON `schema` of the type.
    by: String,
    at: BTreeMap<String, Vec<String>>,
    #[serde(rename = "why")]
    _why: String,
}

/// Type, judge, place and what stood there.
type Seen = (String, String, String, String);

pub(super) fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let listed: Vec<Tolerance> = options.workspace.data(TOLERANCES)?;
    let mut seen = BTreeSet::new();
    for target in TARGETS {
        let Some(subjects) = SUBJECTS.iter().find(|it| it.target.spec == target.spec) else {
            report.fail(
                target.spec,
                "no-subjects",
                "no types are examined for it; add a table to the contract's l2_types/subjects.rs",
            );
            continue;
        };
        let oracle = Oracle::new(options.workspace.spec_of(target)?);
        for subject in subjects.types {
            examine(&oracle, subject, &mut report, &mut seen)
                .with_context(|| format!("type for {}", subject.schema))?;
        }
        unexamined(&oracle, subjects, &mut report);
    }
    compare(&listed, &seen, &mut report);
    Ok(report)
}

/// A runner that draws the same every time.
pub(crate) fn runner(name: &str) -> TestRunner {
    let mut seed = [7_u8; 32];
    for (slot, byte) in seed.iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    TestRunner::new_with_rng(
        Config {
            failure_persistence: None,
            // A schema that no value fits shows soon.
            max_local_rejects: 2000,
            ..Config::default()
        },
        rng,
    )
}

fn examine(
    oracle: &Oracle,
    subject: &Subject,
    report: &mut Report,
    seen: &mut BTreeSet<Seen>,
) -> anyhow::Result<()> {
    let schema = reference(subject.schema);
    let judge = oracle.component(subject.schema)?;
    let exported = (subject.exported)()?;
    let strategy = valid(oracle, &schema, 4)?;
    let mut runner = runner(subject.schema);
    for _ in 0..VALUES {
        let Ok(mut tree) = strategy.new_tree(&mut runner) else {
            report.fail(
                format!("type for {}", subject.schema),
                "no-valid-value",
                "no value was found that its schema allows; fix the rules that contradict each \
                 other, or teach crates/contract/src/values.rs the rule that it does not know",
            );
            return Ok(());
        };
        let value = tree.current();
        if let Some(fault) = invalid_refusal(subject, &exported, &value) {
            let least = shrink(&mut tree, |value| {
                invalid_refusal(subject, &exported, value).is_some()
            });
            report.fail(
                format!("type for {}", subject.schema),
                "valid-value-refused",
                format!(
                    "the spec allows {}, and {fault}; fix the type, or the spec if it says too \
                     much",
                    contract_spec::oracle::short(&least.to_string())
                ),
            );
            return Ok(());
        }
        report.pass("values");
        for mutant in mutants(oracle, &schema, &value) {
            let valid = judge.is_valid(&mutant.value);
            let read = (subject.read)(&mutant.value);
            if valid && let Err(reason) = &read {
                report.fail_by(
                    format!("{} {}", subject.schema, mutant.at),
                    format!("type for {} at {:?}", subject.schema, mutant.at),
                    "valid-value-refused",
                    format!(
                        "the spec allows {} there, and the type says: {reason}; fix the type, \
                         or the spec if it says too much",
                        mutant.what
                    ),
                );
            }
            let mut tolerated = |by: &str| {
                seen.insert((
                    subject.schema.to_owned(),
                    by.to_owned(),
                    mutant.at.clone(),
                    mutant.what.to_owned(),
                ));
            };
            if !valid && read.is_ok() && !subject.takes_anything {
                tolerated("serde");
            }
            match (valid, exported.is_valid(&mutant.value)) {
                (false, true) if !subject.takes_anything => tolerated("schema"),
                (true, false) => report.fail_by(
                    format!("exported {} {}", subject.schema, mutant.at),
                    format!("exported schema of {} at {:?}", subject.schema, mutant.at),
                    "valid-value-refused",
                    format!(
                        "the spec allows {} there; fix its `JsonSchema`",
                        mutant.what
                    ),
                ),
                _ => {}
            }
            report.pass("mutants");
        }
    }
    report.pass("types");
    Ok(())
}

fn invalid_refusal(subject: &Subject, exported: &Validator, value: &Value) -> Option<String> {
    if !exported.is_valid(value) {
        return Some("the type's exported schema does not".to_owned());
    }
    match (subject.read)(value) {
        Err(reason) => Some(format!("the type says: {reason}")),
        Ok(None) => None,
        Ok(Some(again)) => {
            (plain(&again) != plain(value)).then(|| format!("the type makes of it {again}"))
        }
    }
}

/// The least value that still shows the fault.
fn shrink<T: ValueTree<Value = Value>>(tree: &mut T, fails: impl Fn(&Value) -> bool) -> Value {
    let mut least = tree.current();
    let mut steps = 0;
    let mut smaller = tree.simplify();
    while smaller && steps < 2000 {
        steps += 1;
        let value = tree.current();
        if fails(&value) {
            least = value;
            smaller = tree.simplify();
        } else {
            smaller = tree.complicate();
        }
    }
    least
}

/// The value without its nulls, each number as a float: an absent field and a null one, a 1
/// and a 1.0 mean the same here.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        other => other.clone(),
    }
}

/// A schema that no subject stands for would not be checked.
fn unexamined(oracle: &Oracle, subjects: &Subjects, report: &mut Report) {
    for (name, schema) in contract_spec::oracle::members(oracle.root.pointer("/components/schemas"))
    {
        let known = subjects.types.iter().any(|subject| subject.schema == name);
        if !known && schema.get("x-model").is_none() && name != "AnyError" {
            report.fail(
                format!("#/components/schemas/{name}"),
                "no-subject",
                "no type is examined for it; add a row to the contract's l2_types/subjects.rs",
            );
        }
    }
}

fn compare(listed: &[Tolerance], seen: &BTreeSet<Seen>, report: &mut Report) {
    let mut wanted = BTreeSet::new();
    for entry in listed {
        for (at, whats) in &entry.at {
            for what in whats {
                wanted.insert((
                    entry.schema.clone(),
                    entry.by.clone(),
                    at.clone(),
                    what.clone(),
                ));
            }
        }
    }
    for (schema, by, at, what) in seen.difference(&wanted) {
        report.fail_by(
            format!("{schema} {by} {at}"),
            format!("type for {schema} at {at:?}"),
            "new-tolerance",
            format!(
                "the {by} side reads {what} there and the spec does not allow it; fix one of \
                 the two, or list it with its reason in {TOLERANCES}"
            ),
        );
    }
    for (schema, by, at, what) in wanted.difference(seen) {
        report.fail_by(
            format!("{schema} {by} {at}"),
            format!("type for {schema} at {at:?}"),
            "stale-tolerance",
            format!(
                "the {by} side does not read {what} there any more, or the spec allows it now; \
                 take it out of {TOLERANCES}"
            ),
        );
    }
    report.passed_many("tolerances", seen.intersection(&wanted).count());
}
