//! A image from a prompt.

use std::fs;

use image::{GenericImageView, ImageFormat};

use crate::place::{Ended, KEY, Place};
use crate::{FOX, SCHNELL, fox, quick, server};

/// The paths on stdout are the files of `out`, each of this format; their sizes.
fn images(place: &Place, ended: &Ended, format: ImageFormat) -> Vec<(u32, u32)> {
    let names: Vec<_> = place.names("out");
    let printed: Vec<_> = ended
        .lines()
        .iter()
        .map(|line| line.strip_prefix("out/").unwrap().to_owned())
        .collect();
    assert_eq!(printed, names);
    names
        .iter()
        .map(|name| {
            let bytes = fs::read(place.path("out").join(name)).unwrap();
            assert_eq!(image::guess_format(&bytes).unwrap(), format);
            image::load_from_memory(&bytes).unwrap().dimensions()
        })
        .collect()
}

/// With nothing set, and with a key and an address set that must then not be used.
#[tokio::test]
async fn a_picture_without_key_or_network() {
    let (bare, set) = (Place::new(), Place::new());
    let server = server().await;
    let args = [
        "run",
        "--mock",
        SCHNELL,
        "prompt=A paper boat floating on calm water at sunrise.",
        "aspect_ratio=16:9",
        "output_format=png",
        "megapixels=0.25",
        "-o",
        "out",
    ];
    let calls = [
        (&bare, bare.paperboat(args)),
        (&set, set.paperboat(args).at(server.origin())),
    ];
    for (place, run) in calls.map(|(place, call)| (place, call.start())) {
        let ended = run.ends(0).await;
        let sizes = images(place, &ended, ImageFormat::Png);
        assert_eq!(sizes.len(), 1);
        let ratio = f64::from(sizes[0].0) / f64::from(sizes[0].1);
        assert!((ratio - 16.0 / 9.0).abs() < 0.03, "{sizes:?}");
        assert_eq!(place.names("out"), [format!("{}.png", ended.id())]);
        assert_eq!(place.names(""), ["out"]);
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}

#[tokio::test]
async fn every_format_and_number_comes_home_in_order() {
    let rows: [(&str, &[&str], ImageFormat, usize); 4] = [
        (
            SCHNELL,
            &["num_outputs=4", "output_format=png"],
            ImageFormat::Png,
            4,
        ),
        (SCHNELL, &["output_format=webp"], ImageFormat::WebP, 1),
        (SCHNELL, &["output_format=jpg"], ImageFormat::Jpeg, 1),
        // Its output is one address, not a list of them.
        (
            "black-forest-labs/flux-1.1-pro",
            &[
                "output_format=png",
                "aspect_ratio=custom",
                "width=256",
                "height=256",
            ],
            ImageFormat::Png,
            1,
        ),
    ];
    let server = server().await;
    let places = rows.map(|_| Place::new());
    let runs = rows.iter().zip(&places).map(|((model, pairs, ..), place)| {
        let small: &[&str] = if *model == SCHNELL { &FOX[2..3] } else { &[] };
        let args = ["run", model, FOX[1], "-o", "out"];
        let call = place.paperboat(args.iter().chain(*pairs).chain(small));
        call.at(server.origin()).start()
    });
    let runs: Vec<_> = runs.collect();
    for (run, ((_, _, format, count), place)) in runs.into_iter().zip(rows.iter().zip(&places)) {
        let ended = run.ends(0).await;
        assert_eq!(images(place, &ended, *format).len(), *count);
        let id = ended.id();
        for (position, line) in ended.lines().iter().enumerate() {
            assert!(
                line.starts_with(&format!("out/{id}{}.", ["", "__2", "__3", "__4"][position])),
                "{line}"
            );
        }
    }
    server.assert_no_violations();
}

/// The same when the gateway wraps its answers; and by hand, step by step.
#[tokio::test]
async fn the_steps_one_by_one_do_what_run_does() {
    let place = Place::new();
    let server = quick().wrapped().start().await.unwrap();
    let at = |args: &[&str]| place.paperboat(args).at(server.origin());

    let created = fox(&place, "create", &[]).at(server.origin()).ends(0).await;
    let id = created.lines()[0].to_owned();
    assert_eq!(created.stdout, format!("{id}\n"));
    assert_eq!(created.id(), id);

    let seen = at(&["get", &id]).ends(0).await;
    let url = format!("{}/xezq/{id}/out-0.webp", server.files_origin());
    assert_eq!(seen.lines(), ["succeeded", &url]);

    let ended = at(&["wait", &id, "-o", "out"]).ends(0).await;
    assert_eq!(images(&place, &ended, ImageFormat::WebP).len(), 1);

    assert_eq!(server.create_requests(), 1);
    server.assert_no_violations();
}

#[tokio::test]
async fn flags_win_over_the_environment_and_blanks_count_as_unset() {
    let place = Place::new();
    let server = server().await;
    let create = |more: &[&str]| fox(&place, "create", more);
    let wrong = "http://127.0.0.1:1";

    let flags = ["--key", KEY, "--base-url", server.origin()];
    let call = create(&flags).at(wrong).env("COMETAPI_KEY", "sk-other");
    call.ends(0).await;

    let spaces = ["--key", "", "--base-url", " "];
    create(&spaces).at(server.origin()).ends(0).await;

    let ended = create(&[]).at(" ").env("COMETAPI_KEY", " \n").ends(2).await;
    ended.says(&[
        "no API key: run `paperboat login`, or set COMETAPI_KEY (create one at https://www.cometapi.com/console/token)",
    ]);
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn without_waiting_the_id_is_printed() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["--no-wait", "-o", "out/{seed}.{ext}"]);
    let id = run.at(server.origin()).ends(0).await.id().to_owned();
    assert_eq!(place.names("out"), [""; 0]);
    // Where it was to be saved is known.
    let wait = place.paperboat(["wait", &id]).at(server.origin());
    wait.ends(0).await;
    assert_eq!(place.names("out").len(), 1);

    let json = fox(&place, "run", &["--no-wait", "--json"]);
    let json = json.at(server.origin()).ends(0).await.json();
    assert_eq!(json["status"], "starting");
    let several = fox(&place, "run", &["--no-wait", "--repeat", "2"]);
    let several = several.at(server.origin()).ends(2).await;
    several.says(&["--no-wait creates one prediction", "paperboat create"]);
    let again = ["again", &id, "seed=7", "--no-wait"];
    let again = place.paperboat(again).at(server.origin()).ends(0).await;
    assert_ne!(again.id(), id);
    assert_eq!(server.create_requests(), 3);
}
