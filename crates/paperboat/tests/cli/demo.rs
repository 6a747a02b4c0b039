//! The tour on a mock.

use crate::place::{KEY, Place, TOKEN};

#[tokio::test]
async fn the_tour_needs_nothing_and_leaves_everything_in_its_folder() {
    let place = Place::new();
    // What a person has set is neither used nor sent.
    let demo = place
        .paperboat(["demo"])
        .env("COMETAPI_KEY", KEY)
        .env("COMETAPI_ACCESS_TOKEN", TOKEN)
        .env("COMETAPI_BASE_URL", "http://127.0.0.1:9");
    let ended = demo.ends(0).await;
    for shown in [
        "$ paperboat run flux-schnell 'a red fox' -o fox.webp\n",
        "$ paperboat again fox.webp 'a blue fox' -o blue-fox.webp\n",
        "prompt         a red fox\n",
        "paperboat-demo/boats/index.html\n",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}\n{}", ended.stdout);
    }
    ended.says(&[
        "3 rows: 3 succeeded; 3 created",
        "3 rows: 3 succeeded; 0 created",
    ]);
    assert_eq!(place.names(""), ["paperboat-demo"]);
    let names = place.names("paperboat-demo");
    for name in [
        "blue-fox.webp",
        "boats",
        "fox.webp",
        "ledger.sqlite3",
        "prompts.txt",
    ] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
    assert_eq!(place.names("paperboat-demo/boats").len(), 3);

    let again = place.paperboat(["demo"]).ends(2).await;
    again.says(&["paperboat-demo is there already", "-o DIR"]);
    let other = place.paperboat(["demo", "-o", "it's"]).ends(0).await;
    assert!(other.stdout.contains(r"$ cd 'it'\''s'"), "{}", other.stdout);
}

#[cfg(unix)]
#[tokio::test]
async fn a_tour_that_is_interrupted_leaves_no_process() {
    let place = Place::new();
    let mut demo = place.paperboat(["demo"]).start();
    demo.says("created ").await;
    demo.signal("TERM").await;
    demo.ends(143).await;
}
