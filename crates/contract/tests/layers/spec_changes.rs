//! A change of `openapi.yaml`, generated anew, turns another layer than L1 red, and the
//! message says what to do.

use contract::{Options, SPEC, Workspace, check};

/// The layers that read the spec and need no compiling to see a change.
const LAYERS: [&str; 4] = ["L0", "L4", "L6", "L7"];

struct Change {
    what: &'static str,
    old: &'static str,
    new: &'static str,
    /// Where the finding points.
    place: &'static str,
    /// What it tells the maintainer to do.
    advice: &'static str,
}

const ACKNOWLEDGE: &str =
    "add an entry with pointer, reason and bump to crates/contract/data/changes.yaml";

const CHANGES: [Change; 10] = [
    Change {
        what: "a status word",
        old: "x-extensible-enum: [starting, processing, succeeded, failed, canceled, aborted]",
        new: "x-extensible-enum: [starting, processing, succeeded, failed, cancelled, aborted]",
        place: "#/components/schemas/PredictionStatus/x-extensible-enum",
        advice: "take the change back, or write `ours` and `why` there",
    },
    Change {
        what: "a required list",
        old: "required: [id, status]",
        new: "required: [id, status, created_at]",
        place: "#/components/schemas/Prediction/required",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "a type",
        old: "        data_removed:\n          type: boolean\n",
        new: "        data_removed:\n          type: string\n",
        place: "#/components/schemas/Prediction/properties/data_removed/type",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "a path",
        old: "  /predictions/{prediction_id}:",
        new: "  /prediction/{prediction_id}:",
        place: "#/paths",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "a header",
        old: "        Retry-After:\n          $ref: '#/components/headers/RetryAfter'\n",
        new: "",
        place: "#/components/responses/Error/headers",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "an error shape",
        old: "      required: [detail]\n",
        new: "      required: [title, detail]\n",
        place: "#/components/schemas/Problem/required",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "an example",
        old: "                    logs: seed 42\n",
        new: "                    logs: seed 43\n",
        place: "examples/bare_list/value/logs",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "security",
        old: "      scheme: bearer\n",
        new: "      scheme: basic\n",
        place: "#/components/securitySchemes/bearerAuth/scheme",
        advice: ACKNOWLEDGE,
    },
    Change {
        what: "a server",
        old: "  - url: https://api.cometapi.com/replicate/v1\n",
        new: "  - url: https://api.cometapi.com/v1\n",
        place: "#/servers/0/url",
        advice: "take the change back, or write `ours` and `why` there",
    },
    Change {
        what: "an operationId",
        old: "operationId: get_prediction\n",
        new: "operationId: read_prediction\n",
        place: "get/operationId",
        advice: ACKNOWLEDGE,
    },
];

#[test]
fn each_turns_a_layer_red_that_is_not_the_drift_check() {
    let own = Workspace::own();
    let yaml = own.read(SPEC).unwrap();
    std::thread::scope(|scope| {
        for change in &CHANGES {
            let (own, yaml) = (&own, &yaml);
            scope.spawn(move || turns_a_layer_red(own, yaml, change));
        }
    });
}

fn turns_a_layer_red(own: &Workspace, yaml: &str, change: &Change) {
    let what = change.what;
    assert_eq!(
        yaml.matches(change.old).count(),
        1,
        "{what}: one place in the spec"
    );
    let workspace = own.clone().with_spec(&yaml.replace(change.old, change.new));
    let options = Options::new(workspace);
    assert!(
        check("L1", &options).report.is_good(),
        "{what}: nothing has drifted"
    );
    let said: Vec<_> = LAYERS
        .iter()
        .filter(|layer| **layer != "L4")
        .flat_map(|layer| check(layer, &options).report.findings)
        .map(|finding| finding.to_string())
        .collect();
    assert!(
        said.iter()
            .any(|one| one.contains(change.place) && one.contains(change.advice)),
        "{what}: {} and {} in {said:#?}",
        change.place,
        change.advice
    );
}

#[test]
fn without_a_change_they_are_green() {
    let options = Options::new(Workspace::own());
    for layer in LAYERS {
        let ran = check(layer, &options);
        assert!(ran.report.is_good(), "{layer}: {:#?}", ran.report.findings);
        assert!(ran.report.total() > 0, "{layer} checked nothing");
    }
}

#[test]
fn words_for_people_may_change_without_asking() {
    let own = Workspace::own();
    let yaml = own.read(SPEC).unwrap();
    let changed = yaml.replacen("summary: Get a prediction", "summary: Show a prediction", 1);
    assert_ne!(yaml, changed);
    let options = Options::new(own.with_spec(&changed));
    for layer in ["L0", "L1", "L6", "L7"] {
        let ran = check(layer, &options);
        assert!(ran.report.is_good(), "{layer}: {:#?}", ran.report.findings);
    }
}

/// The library that compares documents gives up on this one; that must not pass for harmless.
#[test]
fn a_media_type_that_changes_is_seen() {
    let own = Workspace::own();
    let yaml = own.read(SPEC).unwrap();
    let changed = yaml.replacen("        text/html:\n", "        text/plain:\n", 1);
    assert_ne!(yaml, changed);
    let ran = check("L6", &Options::new(own.with_spec(&changed)));
    let said: Vec<_> = ran
        .report
        .findings
        .iter()
        .map(ToString::to_string)
        .collect();
    let place = "#/components/responses/Error/content/text~1html: unacknowledged-change:";
    assert!(said.iter().any(|one| one.starts_with(place)), "{said:#?}");
}

/// A harmless addition asks nothing of the last release, and a reason of the references.
#[test]
fn a_new_optional_field_needs_only_its_source() {
    let own = Workspace::own();
    let yaml = own.read(SPEC).unwrap();
    let field = "        deadline:\n          type: string\n          nullable: true\n          \
                 description: When it is given up.\n        data_removed:\n";
    let changed = yaml.replacen("        data_removed:\n", field, 1);
    assert_ne!(yaml, changed);
    let options = Options::new(own.with_spec(&changed));
    let said: Vec<_> = check("L6", &options).report.findings;
    assert!(
        said.iter().all(|one| one.message.contains("drift")),
        "only what the library has not judged: {said:#?}"
    );
    let asked = check("L7", &options).report.findings;
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|one| one.place.ends_with("/deadline")),
        "{asked:#?}"
    );
}
