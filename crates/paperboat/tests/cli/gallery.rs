//! `paperboat gallery`, and the page that each batch leaves.

use serde_json::json;

use crate::place::{Ended, Place};
use crate::{SCHNELL, fox, server};

const HOSTILE: &str = r#"<script>alert("1")</script> 'fox' & 🦊 ثعلب"#;
const ESCAPED: &str =
    "&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#39;fox&#39; &#38; 🦊 ثعلب";

/// A batch of two rows in `out`, recorded there.
async fn batch(place: &Place, more: &[&str]) -> Ended {
    let rows = [
        json!({"id": "a #1", "prompt": HOSTILE, "megapixels": "0.25", "seed": 7}),
        json!({"id": "sub/b", "prompt": "a boat", "megapixels": "0.25"}),
    ];
    place.write("rows.jsonl", rows.map(|row| row.to_string()).join("\n"));
    let args = ["batch", "rows.jsonl", "--model", SCHNELL, "--mock"];
    let args = args.iter().chain(&["-o", "out"]).chain(more);
    place.paperboat(args).ends(0).await
}

async fn gallery(place: &Place, args: &[&str], code: i32) -> Ended {
    let args = ["gallery"].iter().chain(args);
    place.paperboat(args).ends(code).await
}

fn page(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).unwrap()
}

/// What the images of a page show, in order.
fn images(page: &str) -> Vec<&str> {
    let images = page.split("<img src=\"").skip(1);
    images.map(|it| it.split('"').next().unwrap()).collect()
}

const IMAGES: [&str; 2] = ["a%20%231.webp", "sub/b.webp"];

#[tokio::test]
async fn a_batch_leaves_a_page() {
    let place = Place::new();
    batch(&place, &["--dry-run"]).await;
    assert!(!place.path("out").exists());
    batch(&place, &[]).await;
    let page = page(&place, "out/index.html");
    assert_eq!(images(&page), IMAGES);
    assert!(page.contains("<title>out</title>"));
    assert!(page.contains(&format!("alt=\"{ESCAPED}\"")), "{page}");
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("<span>seed 7</span>"));
    assert!(page.ends_with("</html>\n"));
}

#[tokio::test]
async fn a_page_of_a_folder_is_written_again() {
    let place = Place::new();
    let ledger = ["--ledger", "ledger"];
    batch(&place, &ledger).await;
    let written = page(&place, "out/index.html");
    for from in ["out", "elsewhere"] {
        if from == "elsewhere" {
            std::fs::rename(place.path("out"), place.path(from)).unwrap();
        }
        let path = format!("{from}/index.html");
        // With the ledger, and without: then from the index.
        for ledger in [&ledger[..], &[]] {
            std::fs::remove_file(place.path(&path)).unwrap();
            let args: Vec<_> = [from].iter().chain(ledger).copied().collect();
            let ended = gallery(&place, &args, 0).await;
            assert_eq!(ended.lines(), [&path]);
            let page = page(&place, &path);
            assert_eq!(images(&page), IMAGES);
            let cards = |page: &str| page.split_once("<main>").unwrap().1.to_owned();
            assert_eq!(cards(&page), cards(&written));
        }
    }
}

#[tokio::test]
async fn a_page_of_a_command_with_several_predictions() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["--repeat", "2", "-o", "out"]);
    run.at(server.origin()).ends(0).await;
    gallery(&place, &["out"], 0).await;
    assert_eq!(images(&page(&place, "out/index.html")).len(), 2);
}

#[tokio::test]
async fn a_page_of_what_was_saved_since_a_time() {
    let place = Place::new();
    let server = server().await;
    let ledger = ["--ledger", "ledger"];
    let since = async |args: &[&str]| {
        let args: Vec<_> = ["--since", "1h"]
            .iter()
            .chain(&ledger)
            .chain(args)
            .collect();
        let args: Vec<_> = args.into_iter().copied().collect();
        gallery(&place, &args, 0).await
    };
    let ended = since(&["-o", "none.html"]).await;
    ended.says(&["note: no recorded prediction since then has a saved file"]);

    batch(&place, &ledger).await;
    let run = fox(&place, "run", &["-o", "fox 1.webp", "--ledger", "ledger"]);
    run.at(server.origin()).ends(0).await;
    let created = fox(&place, "create", &ledger).at(server.origin());
    created.ends(0).await;
    // The newest first, and only what has files.
    let ended = since(&[]).await;
    assert_eq!((ended.lines(), &*ended.stderr), (vec!["gallery.html"], ""));
    let expected = ["fox%201.webp", "out/sub/b.webp", "out/a%20%231.webp"];
    let page = page(&place, "gallery.html");
    let mut shown = images(&page);
    assert_eq!(shown.remove(0), expected[0]);
    // Rows of a batch are planned together.
    shown.sort_unstable();
    assert_eq!(shown, ["out/a%20%231.webp", "out/sub/b.webp"]);

    std::fs::create_dir(place.path("pages")).unwrap();
    since(&["-o", "pages/all.html"]).await;
    let page = std::fs::read_to_string(place.path("pages/all.html")).unwrap();
    let all = images(&page);
    assert_eq!(all.len(), 3);
    for url in all {
        assert!(url.starts_with("file:///"), "{url}");
    }
    let future = [
        "--since",
        "2999-01-01",
        "--ledger",
        "ledger",
        "-o",
        "none.html",
    ];
    gallery(&place, &future, 0)
        .await
        .says(&["no recorded prediction"]);
}

#[tokio::test]
async fn a_page_of_other_people_is_left_alone() {
    let place = Place::new();
    let mine = "<!doctype html><title>Mine</title>";
    std::fs::create_dir(place.path("out")).unwrap();
    place.write("out/index.html", mine);
    place.write("gallery.html", mine);
    let ended = batch(&place, &["--ledger", "ledger"]).await;
    let why = "another file has its name; move it away, and run the same command again";
    ended.says(&[&format!("note: the gallery of out was not written: {why}")]);
    assert!(place.path("out/index.jsonl").exists());
    let refused = ["out", "--ledger", "ledger"];
    gallery(&place, &refused, 2)
        .await
        .says(&["error: out/index.html cannot be written", why]);
    gallery(&place, &["--since", "1h"], 2)
        .await
        .says(&["error: gallery.html cannot be written", why]);
    assert_eq!(page(&place, "out/index.html"), mine);
    assert_eq!(page(&place, "gallery.html"), mine);
}

#[tokio::test]
async fn what_has_no_gallery_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path("out")).unwrap();
    gallery(&place, &["none"], 2)
        .await
        .says(&["error: none cannot be read"]);
    gallery(&place, &["out"], 2).await.says(&[
        "error: no batch has its files in out",
        "for every file since a time: paperboat gallery --since 24h",
    ]);
    place.write("out/index.jsonl", "{\"prompt\": \"not an index\"}\n");
    gallery(&place, &["out"], 2)
        .await
        .says(&["index.jsonl is not an index of a batch"]);
    gallery(&place, &[], 2).await;
    gallery(&place, &["out", "--since", "1h"], 2).await;
    gallery(&place, &["out", "-o", "a.html"], 2).await;
    gallery(&place, &["--since", "soon"], 2).await;
    assert!(place.names("out").is_empty());
}
