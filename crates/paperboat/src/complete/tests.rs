use super::*;

const SCHNELL: &str = "black-forest-labs/flux-schnell";

/// The completions of the last word of `line`.
fn after(line: &str) -> Vec<String> {
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    let word = words.pop().unwrap();
    let found = candidates(&words, &word);
    found.into_iter().map(|candidate| candidate.word).collect()
}

#[test]
fn commands_and_what_is_hidden() {
    assert_eq!(after("paperboat ru"), ["run"]);
    let all = after("paperboat ");
    assert!(all.contains(&"create".to_owned()) && all.contains(&"help".to_owned()));
    assert!(!all.contains(&"complete".to_owned()));
    assert_eq!(after("paperboat help mod"), ["models"]);
    assert_eq!(after("paperboat nope"), [""; 0]);
}

#[test]
fn models_fields_and_values() {
    let max = "black-forest-labs/flux-kontext-max";
    assert_eq!(
        after("paperboat run black-forest-labs/flux-kontext-m"),
        [max]
    );
    assert_eq!(
        after("paperboat schema black-forest-labs/flux-kontext-m"),
        [max]
    );
    for command in [
        "run",
        "create",
        "schema",
        "models",
        "list --model",
        "batch --model",
        "doctor --smoke --model",
    ] {
        let short = after(&format!("paperboat {command} flux-kontext-m"));
        assert_eq!(short, ["flux-kontext-max"], "{command}");
    }
    // Without a beginning, each model is shown once.
    let all = after("paperboat run ");
    assert!(all.iter().all(|name| name.contains('/')), "{all:?}");
    assert_eq!(after("paperboat run").len(), 1);
    for (line, found) in [
        ("run {} asp", ["aspect_ratio="].as_slice()),
        ("create --json {} num_o", &["num_outputs="]),
        (
            "run -o out {} num_outputs=",
            &[
                "num_outputs=1",
                "num_outputs=2",
                "num_outputs=3",
                "num_outputs=4",
            ],
        ),
        ("run {} aspect_ratio=16", &["aspect_ratio=16:9"]),
        ("run flux-schnell aspect_ratio=16", &["aspect_ratio=16:9"]),
        ("run flux-schnell --aspect", &["--aspect-ratio"]),
        ("run {} go_fast=", &["go_fast=true", "go_fast=false"]),
        ("run {} seed=", &[]),
        ("run {} nope=", &[]),
        ("run {} --aspect", &["--aspect-ratio"]),
        ("run {} --aspect-ratio 16", &["16:9"]),
        ("run {} --aspect-ratio=16", &["--aspect-ratio=16:9"]),
        ("run {} --go-fast=f", &["--go-fast=false"]),
        ("run {} --go-fast f", &["false"]),
        (
            "run {} --go-fast out",
            &["output_format=", "output_quality="],
        ),
        ("run {} --go-fast --go", &[]),
        ("run {} --no-g", &["--no-go-fast"]),
        ("run {} --no-go-fast --go", &[]),
        ("run {} --no-go-fast go", &[]),
        ("run {} --no-go-fast=", &[]),
        ("run {} go_fast=true --no-g", &[]),
        ("run {} -n", &["-n"]),
        ("run {} -n 4 --num-o", &[]),
        ("run {} -n ", &["1", "2", "3", "4"]),
        ("run {} fox pro", &[]),
        ("run {} --megapixels 1 mega", &[]),
        ("run {} megapixels:=1 --mega", &[]),
        ("run {} --mock --mo", &[]),
        ("run {} --js", &["--json"]),
        ("run {} -- asp", &["aspect_ratio="]),
        ("run acme/portrait asp", &[]),
        ("run acme/portrait --asp", &[]),
        ("get ab", &[]),
        ("completions f", &["fish"]),
        ("mock --fault bad-g", &["bad-gateway-page"]),
        ("mock --fault=bad-g", &["--fault=bad-gateway-page"]),
        ("mock --fault close --fault hal", &["half-surrogate"]),
    ] {
        let line = format!("paperboat {}", line.replace("{}", SCHNELL));
        assert_eq!(after(&line), found, "{line}");
    }
}

#[test]
fn a_list_may_go_on_and_a_file_begins_with_an_at() {
    let line = "paperboat run black-forest-labs/flux-2-pro input_images=a input_im";
    assert_eq!(after(line), ["input_images="]);
    let line = "paperboat run black-forest-labs/flux-2-pro input_images=";
    assert_eq!(after(line), ["input_images=@"]);
    // The tests run in the folder of the package.
    let line = "paperboat run black-forest-labs/flux-2-pro input_images=@Carg";
    assert_eq!(after(line), ["input_images=@Cargo.toml"]);
    assert_eq!(after("paperboat run a/b --input Carg"), ["Cargo.toml"]);
    assert_eq!(after("paperboat run a/b -o sr"), ["src/"]);
}

#[test]
fn the_values_say_which_is_the_default() {
    let words = ["paperboat", "run", SCHNELL].map(str::to_owned);
    let found = candidates(&words, "output_format=w");
    assert_eq!(found[0].to_string(), "output_format=webp\tthe default");
}

#[test]
fn no_line_is_too_odd_to_complete() {
    for line in [
        "",
        "paperboat",
        "paperboat run --",
        "paperboat run -- ",
        "x -",
        "paperboat run -o",
    ] {
        let _ = after(line);
    }
    assert!(candidates(&[], "").iter().any(|c| c.word == "run"));
}
