//! What the shells are given to complete with.

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::place::Place;

#[tokio::test]
async fn each_shell_has_its_script() {
    for (shell, says) in [
        ("bash", "complete -F _paperboat paperboat"),
        ("zsh", "#compdef paperboat"),
        ("fish", "complete --command paperboat"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[paperboat]"),
    ] {
        let ended = Place::new().paperboat(["completions", shell]).ends(0).await;
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
        assert!(ended.stdout.contains("paperboat complete "), "{shell}");
    }
    let ended = Place::new().paperboat(["completions", "sh"]).ends(2).await;
    ended.says(&["write one of bash, zsh, fish, powershell, elvish"]);
}

#[tokio::test]
async fn a_script_is_installed_where_its_shell_looks() {
    for (shell, path) in [
        ("bash", ".local/share/bash-completion/completions/paperboat"),
        ("zsh", ".local/share/zsh/site-functions/_paperboat"),
        ("fish", ".config/fish/completions/paperboat.fish"),
    ] {
        let place = Place::new();
        let printed = place.paperboat(["completions", shell]).ends(0).await.stdout;
        let install = place.paperboat(["completions", "--install"]);
        let ended = install.env("SHELL", format!("/bin/{shell}")).ends(0).await;
        assert_eq!(ended.lines(), [place.path(path).to_str().unwrap()]);
        assert_eq!(std::fs::read_to_string(place.path(path)).unwrap(), printed);
    }
    for (args, shell) in [
        (&["elvish", "--install"][..], ""),
        (&["--install"], "/bin/sh"),
    ] {
        let place = Place::new();
        let call = place.paperboat(["completions"].iter().chain(args));
        call.env("SHELL", shell).ends(2).await;
        assert!(place.names("").is_empty());
    }
}

#[tokio::test]
async fn candidates_are_lines_with_their_help_after_a_tab() {
    let args = [
        "complete",
        "--word=black-forest-labs/flux-kontext-m",
        "--",
        "paperboat",
        "run",
    ];
    let ended = Place::new().paperboat(args).ends(0).await;
    let (word, help) = ended.stdout.split_once('\t').unwrap();
    assert_eq!(word, "black-forest-labs/flux-kontext-max");
    assert!(help.trim().ends_with('.'), "{help}");
    let args = [
        "complete",
        "--word=",
        "--",
        "paperboat",
        "run",
        "acme/portrait",
    ];
    assert_eq!(Place::new().paperboat(args).ends(0).await.stdout, "");
}

/// The words as bash breaks them, with a | at each break that no space makes, and what
/// readline is to put instead of the last piece.
const ROWS: [(&str, &[&str]); 18] = [
    ("paperboat ru", &["run"]),
    (
        "paperboat run black-forest-labs/flux-kontext-m",
        &["black-forest-labs/flux-kontext-max"],
    ),
    ("paperboat run SCHNELL asp", &["aspect_ratio="]),
    (
        "paperboat run SCHNELL output_format|=",
        &["webp", "jpg", "png"],
    ),
    ("paperboat run SCHNELL output_format|=|w", &["webp"]),
    ("paperboat run SCHNELL aspect_ratio|=|16", &["16:9"]),
    // Only what follows the : is replaced.
    ("paperboat run SCHNELL aspect_ratio|=|16|:", &["9"]),
    ("paperboat run SCHNELL --aspect-ratio 16|:|9", &["9"]),
    ("paperboat run SCHNELL --aspect-ratio|=|16", &["16:9"]),
    (
        "paperboat run SCHNELL aspect_ratio|=|16|:|9 go",
        &["go_fast="],
    ),
    (
        "paperboat run --timeout 5m SCHNELL prompt|=|x --go-fast|=|f",
        &["false"],
    ),
    (
        "paperboat run black-forest-labs/flux-2-pro resolution|=|0",
        &["0.5\\ MP"],
    ),
    (
        "paperboat run black-forest-labs/flux-2-pro resolution|=|'0",
        &["0.5 MP"],
    ),
    // Of an @ the whole is replaced.
    (
        "paperboat run black-forest-labs/flux-dev image|=|@my",
        &["@my\\ cat.png"],
    ),
    ("paperboat run -o pic", &["pics/"]),
    ("paperboat run SCHNELL --no-g", &["--no-go-fast"]),
    ("paperboat run SCHNELL --go-fast f", &["false"]),
    ("paperboat run acme/portrait x", &[]),
];

#[cfg(unix)]
#[test]
fn bash_completes_what_is_typed() {
    let place = Place::new();
    place.write("my cat.png", "");
    std::fs::create_dir(place.path("pics")).unwrap();
    let mut script = String::from(
        r#"
eval "$(paperboat completions bash)" || exit 1
complete -p paperboat | grep -q -- '-F _paperboat paperboat' || exit 1
COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
typed() {
    COMP_LINE="$1" COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
    _paperboat paperboat
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
    let bin = Path::new(env!("CARGO_BIN_EXE_paperboat")).parent().unwrap();
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
