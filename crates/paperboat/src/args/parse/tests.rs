mod flags;
mod table;
mod used;

use std::fmt;

use cometapi::models::{Field, Kind, find, models};
use serde_json::{Map, Value};

use super::*;
use crate::args::What;
use crate::failure::Failure;
use crate::input;
use crate::stdin::Stdin;

const SCHNELL: &str = "black-forest-labs/flux-schnell";
const PRO_2: &str = "black-forest-labs/flux-2-pro";

/// As it is printed.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(help) => fmt::Display::fmt(help, f),
            Self::Topic(text) => f.write_str(text),
            Self::Refused(refusal) => {
                let failure = Failure::from(refusal.clone());
                let lines: Vec<_> = failure.lines().collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn what(words: &[&str]) -> Result<What, Stop> {
    let all = ["paperboat"].iter().chain(words).map(OsString::from);
    parse(all.collect()).map(|(cli, _)| match cli.command {
        crate::args::Command::Run(args) => args.what,
        crate::args::Command::Create(args) => args.what,
        _ => panic!("{words:?}"),
    })
}

/// The input that the arguments spell, without stdin.
fn input_of(what: &What) -> Result<Map<String, Value>, Failure> {
    input::given(what, &mut Stdin::new())?.single()
}

fn pairs_of(words: &[&str]) -> Vec<String> {
    what(words).map_or_else(|e| panic!("{words:?}: {e}"), |what| what.pairs)
}

fn refusal(words: &[&str]) -> String {
    match what(words) {
        Ok(what) => panic!("{words:?}: {:?}", what.pairs),
        Err(e) => e.to_string(),
    }
}

/// The fields that are flags.
fn own(model: &Model) -> impl Iterator<Item = &Field> {
    model
        .fields()
        .iter()
        .filter(|field| !field.is_gateway_only())
}

/// A value that the field takes.
fn sample(field: &Field) -> String {
    match field.kind() {
        Kind::Choice { values, .. } => values[values.len() - 1].to_owned(),
        Kind::IntegerChoice { values, .. } => values[0].to_string(),
        Kind::Integer { minimum, .. } => minimum.unwrap_or(-7).to_string(),
        Kind::Number { maximum, .. } => maximum.unwrap_or(0.5).to_string(),
        Kind::Boolean => "false".to_owned(),
        Kind::Image { .. } | Kind::Images { .. } => "https://example.com/a.png".to_owned(),
        Kind::Text | Kind::Strings { .. } => "1984".to_owned(),
        _ => "{}".to_owned(),
    }
}

#[test]
fn every_field_of_every_model_works_as_a_flag_as_it_does_as_a_pair() {
    for model in models() {
        for field in own(model) {
            let value = sample(field);
            let flag = format!("--{}", field::flag(field.name()));
            let mut others = vec![];
            if let Some(when) = field.only_with() {
                others.push(format!("{}={}", when.field, when.value));
            }
            let required = own(model).filter(|other| other.is_required());
            let required = required.filter(|other| other.name() != field.name());
            others.extend(required.map(|other| format!("{}={}", other.name(), sample(other))));
            let together = format!("{flag}={value}");
            let mut ways = vec![vec![together.as_str()]];
            ways.push(vec![&flag, &value]);
            let pair = format!("{}={value}", field.name());
            let read = |given: &[&str], command| {
                let mut words = vec![command, model.name()];
                words.extend(given);
                words.extend(others.iter().map(String::as_str));
                let what = what(&words).unwrap_or_else(|e| panic!("{words:?}: {e}"));
                input_of(&what).unwrap()
            };
            let expected = read(&[&pair], "create");
            assert!(expected.contains_key(field.name()));
            let checked = model.check(&expected);
            assert!(checked.is_ok(), "{} {pair}: {checked:?}", model.name());
            for way in ways {
                for command in field::COMMANDS {
                    assert_eq!(read(&way, command), expected, "{} {way:?}", model.name());
                }
            }
        }
    }
}

#[test]
fn every_field_is_in_its_models_help_with_what_it_takes() {
    for model in models() {
        let help = refusal(&["run", model.name(), "--help"]);
        let (_, fields) = help
            .split_once(&format!("Input of {}:", model.name()))
            .unwrap();
        let fields = fields.split_whitespace().collect::<Vec<_>>().join(" ");
        for field in own(model) {
            let flag = format!("--{}", field::flag(field.name()));
            assert!(fields.contains(&flag), "{} {flag}", model.name());
            if !matches!(field.kind(), Kind::Image { .. } | Kind::Images { .. }) {
                let takes = format!("[{}]", field.kind());
                assert!(fields.contains(&takes), "{} {takes}", model.name());
            }
            if let Some(default) = field.default() {
                let default = format!("[default: {default}]");
                assert!(fields.contains(&default), "{} {default}", model.name());
            }
            assert!(
                fields.contains(field.description()),
                "{}",
                field.description()
            );
        }
    }
}

#[test]
fn pairs_and_flags_keep_the_order_in_which_they_were_given() {
    let words = [
        "run",
        "--input-images",
        "a",
        PRO_2,
        "input_images=b",
        "--seed",
        "-1",
        "--input-images=c",
        "prompt=x",
    ];
    let expected = [
        "input_images=a",
        "input_images=b",
        "seed=-1",
        "input_images=c",
        "prompt=x",
    ];
    assert_eq!(pairs_of(&words), expected);
    let read = input_of(&what(&words).unwrap()).unwrap();
    assert_eq!(read["input_images"], serde_json::json!(["a", "b", "c"]));
}

#[test]
fn a_value_may_begin_with_a_hyphen() {
    for (flag, value) in [
        ("--prompt", "-dramatic light"),
        ("--prompt", "-dramatic"),
        ("--prompt", "--dramatic light"),
        ("--prompt", "--ar 16:9"),
        ("--prompt", "-"),
        ("--prompt", "-1"),
        ("--prompt", "-o is a letter"),
        ("--prompt", "- a list\n- of foxes"),
        ("--seed", "-1"),
        ("--seed", "-1e3"),
        ("--image", "-odd.png"),
        ("--guidance", "-.5"),
    ] {
        let model = "black-forest-labs/flux-dev";
        let pair = format!("{}={value}", &flag[2..]);
        for words in [["run", model, flag, value], ["run", flag, value, model]] {
            if value == "-odd.png" {
                // -o is a flag, and this would be its value.
                assert!(refusal(&words).contains("if it is the value: --image='-odd.png'"));
            } else {
                assert_eq!(pairs_of(&words), [pair.as_str()], "{words:?}");
            }
        }
        let together = format!("{flag}={value}");
        assert_eq!(pairs_of(&["run", model, &together]), [pair.as_str()]);
    }
    let words = ["run", SCHNELL, "--input", "-", "--max-file-size", "-1"];
    assert!(refusal(&words).contains("invalid value \"-1\" for --max-file-size <SIZE>"));
    let words = [
        "run", SCHNELL, "--key", "-secret", "-o", "-dir", "--prompt", "x",
    ];
    assert_eq!(pairs_of(&words), ["prompt=x"]);
}

#[test]
fn a_flag_is_not_taken_for_the_value_that_is_missing_before_it() {
    for next in [
        "--json",
        "-json",
        "--seed=1",
        "--seed",
        "--go_fast",
        "--help",
        "-h",
        "-o",
        "--jsno",
        "-oout",
        "--output=my images",
        "--",
    ] {
        for flag in ["--prompt", "--seed", "--timeout", "--input", "--key"] {
            let said = refusal(&["run", SCHNELL, flag, next, "x"]);
            assert!(said.contains(&format!("{flag} needs a value")), "{said}");
            assert!(
                said.contains(&format!("if it is the value: {flag}='{next}'")),
                "{said}"
            );
        }
    }
}

#[test]
fn a_switch_needs_no_value_and_takes_only_true_or_false_after_it() {
    let words = [
        "run",
        "--go-fast",
        SCHNELL,
        "--disable-safety-checker=false",
        "prompt=x",
    ];
    assert_eq!(
        pairs_of(&words),
        ["go_fast=true", "disable_safety_checker=false", "prompt=x"]
    );
    assert_eq!(pairs_of(&["run", SCHNELL, "--go_fast"]), ["go_fast=true"]);
    let words = ["run", SCHNELL, "--go-fast", "a red fox", "--no-go-fast"];
    assert_eq!(pairs_of(&words), ["a red fox", "go_fast=false"]);
    let words = ["run", SCHNELL, "--go-fast", "--", "false"];
    assert_eq!(pairs_of(&words), ["go_fast=true", "false"]);
    let said = refusal(&["run", SCHNELL, "--no-go-fast=true"]);
    assert!(said.contains("--no-go-fast"), "{said}");
}

#[test]
fn every_switch_of_every_model_is_turned_on_and_off_in_every_way() {
    let mut tried = 0;
    for model in models() {
        for field in own(model).filter(|field| field.kind() == Kind::Boolean) {
            let (name, flag) = (field.name(), field::flag(field.name()));
            for (words, value) in [
                (vec![format!("--{flag}")], true),
                (vec![format!("--{flag}"), "true".to_owned()], true),
                (vec![format!("--{flag}"), "False".to_owned()], false),
                (vec![format!("--{flag}=true")], true),
                (vec![format!("--{flag}=false")], false),
                (vec![format!("--{name}=false")], false),
                (vec![format!("--no-{flag}")], false),
                (vec![format!("--no_{name}")], false),
            ] {
                for command in field::COMMANDS {
                    let given = || words.iter().map(String::as_str);
                    let before = [command].into_iter().chain(given()).chain([model.name()]);
                    let after = [command, model.name()].into_iter().chain(given());
                    for line in [before.collect::<Vec<_>>(), after.collect()] {
                        let read = input_of(&what(&line).unwrap()).unwrap();
                        assert_eq!(Value::from(read), serde_json::json!({ name: value }));
                        tried += 1;
                    }
                }
            }
            let help = refusal(&["run", model.name(), "--help"]);
            let help: Vec<_> = help.split_whitespace().collect();
            let note = format!("[off: --no-{flag}]");
            assert!(help.join(" ").contains(&note), "{} {note}", model.name());
        }
    }
    assert!(tried > 0);
}

#[test]
fn the_number_of_outputs_has_a_short_flag_where_the_model_has_it() {
    for model in models() {
        let (name, field) = (model.name(), model.field("num_outputs"));
        for words in [
            ["run", name, "-n", "2"].as_slice(),
            &["create", "-n", "2", name],
            &["run", name, "-n2"],
            &["run", name, "-n=2"],
        ] {
            if field.is_some() {
                assert_eq!(pairs_of(words), ["num_outputs=2"], "{words:?}");
            } else {
                let said = refusal(words);
                assert!(said.contains("unknown flag -n"), "{said}");
                assert!(said.contains(&format!("{name} --help")), "{said}");
            }
        }
    }
    let said = refusal(&["run", "acme/portrait", "-n", "2"]);
    assert!(said.contains("give its fields as key=value"), "{said}");
    let said = refusal(&["run", "-n", "2"]);
    assert!(said.contains("name a model"), "{said}");
}

#[test]
fn only_a_list_may_be_given_twice() {
    for words in [
        ["create", SCHNELL, "--seed=1", "seed=2"].as_slice(),
        &["create", PRO_2, "input_images=a", "input_images:=3"],
        &["create", "a/b", "input_images=a", "input_images=b"],
        &["create", "a/b", "list=[1]", "list=[2]"],
    ] {
        assert!(input_of(&what(words).unwrap()).is_err(), "{words:?}");
    }
    let words = ["create", PRO_2, "--input-images=a", "--input-images=b"];
    let read = input_of(&what(&words).unwrap()).unwrap();
    assert_eq!(read["input_images"], Value::from(vec!["a", "b"]));
    let words = ["create", PRO_2, "input_images:=[\"a\"]", "input_images=b"];
    let read = input_of(&what(&words).unwrap()).unwrap();
    assert_eq!(read["input_images"], Value::from(vec!["a", "b"]));
}

#[test]
fn the_last_flag_of_a_field_counts_unless_it_takes_a_list() {
    for model in models() {
        for field in own(model) {
            let (name, flag) = (field.name(), field::flag(field.name()));
            let (first, last) = (format!("--{flag}=true"), format!("--{name}=false"));
            let found = pairs_of(&["run", &first, model.name(), &last]);
            let both = [format!("{name}=true"), format!("{name}=false")];
            let expected = if field::is_list(field) {
                &both[..]
            } else {
                &both[1..]
            };
            assert_eq!(found, expected, "{} {name}", model.name());
        }
    }
    let words = ["run", SCHNELL, "-n", "2", "x", "--num-outputs=3"];
    assert_eq!(pairs_of(&words), ["x", "num_outputs=3"]);
}

#[test]
fn own_flags_mean_what_they_did() {
    let words = [
        "create",
        SCHNELL,
        "--force",
        "--max-file-size",
        "2MB",
        "--prompt",
        "x",
    ];
    let what = what(&words).unwrap();
    assert!(what.force);
    assert_eq!(what.files.max_file_size, 2 * 1024 * 1024);
    assert_eq!(what.model.to_string(), SCHNELL);
    assert_eq!(what.pairs, ["prompt=x"]);
}

#[test]
fn a_flag_that_is_none_is_told_where_flags_come_from() {
    for (words, said) in [
        (
            ["run", "acme/portrait", "--aspect-ratio", "1:1"].as_slice(),
            "acme/portrait is not a model known here: give its fields as key=value",
        ),
        (
            &[
                "run",
                "--aspect-ratio",
                "1:1",
                "black-forest-labs/flux-schnel",
            ],
            "(did you mean black-forest-labs/flux-schnell?): give its fields as key=value",
        ),
        (
            &["run", SCHNELL, "--aspect-rato", "1:1"],
            "did you mean --aspect-ratio?",
        ),
        (
            &["create", SCHNELL, "--guidance", "3"],
            "paperboat create black-forest-labs/flux-schnell --help",
        ),
        (
            &["create", "--seed", "3"],
            "the fields of a known one are flags",
        ),
        (&["create", "--mock"], "the flags: paperboat create --help"),
        (
            &["run", "flux-schnel", "--seed", "1"],
            "did you mean black-forest-labs/flux-schnell?",
        ),
        (&["run", SCHNELL, "--seed"], "--seed needs a value"),
    ] {
        let refusal = refusal(words);
        assert!(refusal.contains(said), "{words:?}\n{refusal}");
    }
}

#[test]
fn a_short_name_makes_the_flags_of_its_model() {
    let words = ["run", "flux-schnell", "--aspect-ratio", "16:9", "prompt=x"];
    let what = what(&words).unwrap();
    assert_eq!(what.model.to_string(), SCHNELL);
    assert_eq!(what.pairs, ["aspect_ratio=16:9", "prompt=x"]);
    let help = refusal(&["run", "flux-schnell", "--help"]);
    assert!(help.contains(&format!("Input of {SCHNELL}:")), "{help}");
}

#[test]
fn only_a_model_that_is_named_makes_flags() {
    for words in [
        "",
        "--version",
        "run",
        "get flux-schnell",
        "models",
        "run acme/portrait",
    ] {
        let words: Vec<_> = ["paperboat"].into_iter().chain(words.split(' ')).collect();
        let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
        assert!(command_for(&words).1.is_none(), "{words:?}");
    }
    let words = ["paperboat", "run", "--json", SCHNELL].map(str::to_owned);
    assert_eq!(
        command_for(&words).1.unwrap().name(),
        find(SCHNELL).unwrap().name()
    );
}
