//! What the shells are given to complete with.

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::place::Place;

#[tokio::test]
async fn each_shell_has_its_script() {
    for (shell, says) in [
        ("bash", "complete -F _cometapi cometapi"),
        ("zsh", "#compdef cometapi"),
        ("fish", "complete --command cometapi"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[cometapi]"),
    ] {
        let ended = Place::new().cometapi(["completions", shell]).ends(0).await;
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
        assert!(ended.stdout.contains("cometapi complete "), "{shell}");
    }
    let ended = Place::new().cometapi(["completions", "sh"]).ends(2).await;
    ended.says(&["[possible values: bash, zsh, fish, powershell, elvish]"]);
}

#[tokio::test]
async fn candidates_are_lines_with_their_help_after_a_tab() {
    let args = [
        "complete",
        "--word=black-forest-labs/flux-sch",
        "--",
        "cometapi",
        "run",
    ];
    let ended = Place::new().cometapi(args).ends(0).await;
    let (word, help) = ended.stdout.split_once('\t').unwrap();
    assert_eq!(word, "black-forest-labs/flux-schnell");
    assert!(help.starts_with("The quickest"), "{help}");
    let args = [
        "complete",
        "--word=",
        "--",
        "cometapi",
        "run",
        "acme/portrait",
    ];
    assert_eq!(Place::new().cometapi(args).ends(0).await.stdout, "");
}

/// The words as bash breaks them, with a | at each break that no blank makes, and what
/// readline is to put in place of the last piece.
const ROWS: [(&str, &[&str]); 16] = [
    ("cometapi ru", &["run"]),
    (
        "cometapi run black-forest-labs/flux-sch",
        &["black-forest-labs/flux-schnell"],
    ),
    ("cometapi run SCHNELL asp", &["aspect_ratio="]),
    (
        "cometapi run SCHNELL output_format|=",
        &["webp", "jpg", "png"],
    ),
    ("cometapi run SCHNELL output_format|=|w", &["webp"]),
    ("cometapi run SCHNELL aspect_ratio|=|16", &["16:9"]),
    // Only what follows the : is replaced.
    ("cometapi run SCHNELL aspect_ratio|=|16|:", &["9"]),
    ("cometapi run SCHNELL --aspect-ratio 16|:|9", &["9"]),
    ("cometapi run SCHNELL --aspect-ratio|=|16", &["16:9"]),
    (
        "cometapi run SCHNELL aspect_ratio|=|16|:|9 go",
        &["go_fast="],
    ),
    (
        "cometapi run --timeout 5m SCHNELL prompt|=|x --go-fast|=|f",
        &["false"],
    ),
    (
        "cometapi run black-forest-labs/flux-2-pro resolution|=|0",
        &["0.5\\ MP"],
    ),
    (
        "cometapi run black-forest-labs/flux-2-pro resolution|=|'0",
        &["0.5 MP"],
    ),
    // Of an @ the whole is replaced.
    (
        "cometapi run black-forest-labs/flux-dev image|=|@my",
        &["@my\\ cat.png"],
    ),
    ("cometapi run -o pic", &["pics/"]),
    ("cometapi run acme/portrait x", &[]),
];

#[cfg(unix)]
#[test]
fn bash_completes_what_is_typed() {
    let place = Place::new();
    place.write("my cat.png", "");
    std::fs::create_dir(place.path("pics")).unwrap();
    let mut script = String::from(
        r#"
eval "$(cometapi completions bash)" || exit 1
complete -p cometapi | grep -q -- '-F _cometapi cometapi' || exit 1
COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
typed() {
    COMP_LINE="$1" COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
    _cometapi cometapi
    printf '%s;' "${COMPREPLY[@]}"
    echo
}
"#,
    );
    for (typed, _) in ROWS {
        let typed = typed.replace("SCHNELL", crate::SCHNELL);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        write!(script, "typed {}", quoted(&typed.replace('|', ""))).unwrap();
        for word in typed.split([' ', '|']) {
            write!(script, " {}", quoted(word)).unwrap();
        }
        script.push('\n');
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_cometapi")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", &script])
        .current_dir(place.path(""))
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let replies = String::from_utf8(output.stdout).unwrap();
    assert_eq!(replies.lines().count(), ROWS.len(), "{replies}");
    for ((typed, expected), reply) in ROWS.iter().zip(replies.lines()) {
        let reply: Vec<_> = reply.split(';').filter(|word| !word.is_empty()).collect();
        assert_eq!(reply, *expected, "{typed}");
    }
}
