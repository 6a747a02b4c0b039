//! A caller of an imported model: what it can write, what is sent, what is refused.

use cometapi::models::studio_portrait::{AspectRatio, Megapixels, StudioPortrait, Type};
use cometapi::models::{InputProblemKind, find};
use cometapi::models::Files;
use cometapi::{ModelInput, Run};
use serde_json::json;

#[expect(deprecated)]
fn everything() -> StudioPortrait {
    StudioPortrait::new("a red scarf", "https://files.example.com/face.png")
        .aspect_ratio(AspectRatio::MatchSitter)
        .megapixels(Megapixels::Quarter)
        .takes(2)
        .scale(4)
        .backdrops(["https://files.example.com/wall.png"])
        .softness(0.5)
        .type_(Type::NorthWindow)
        .seed(7)
        .sharpness(50)
        .negative(["hats"])
        .retouch(false)
        .camera(json!({"lens": 50}))
}

fn gives_a_list(client: &cometapi::Client) -> Run<Files> {
    client.run(everything())
}

fn main() {
    let client = cometapi::Client::builder().key("k").build().unwrap();
    drop(gives_a_list(&client));
    assert_eq!(StudioPortrait::MODEL, "acme/studio-portrait");
    let sent = json!({
        "prompt": "a red scarf",
        "sitter": "https://files.example.com/face.png",
        "aspect_ratio": "match_sitter",
        "megapixels": "0.25",
        "takes": 2,
        "scale": 4,
        "backdrops": ["https://files.example.com/wall.png"],
        "softness": 0.5,
        "type": "north window",
        "seed": 7,
        "sharpness": 50,
        "negative": ["hats"],
        "retouch": false,
        "camera": {"lens": 50},
    });
    assert_eq!(serde_json::to_value(everything()).unwrap(), sent);
    assert_eq!(everything().check().unwrap()[0].field(), "sharpness");

    let model = find("acme/studio-portrait").unwrap();
    assert_eq!(model.field("aspect_ratio").unwrap().default(), Some("4:5"));
    let wrong = json!({
        "promt": "a red scarf",
        "sitter": "https://files.example.com/face.png",
        "megapixels": 1,
        "takes": 5,
        "scale": 3,
        "type": null,
        "seed": null,
        "negative": "hats",
    });
    let refused = model.check(wrong.as_object().unwrap()).unwrap_err();
    let found: Vec<_> = refused.problems().iter().map(|p| (p.field(), p.kind())).collect();
    assert_eq!(
        found,
        [
            ("megapixels", InputProblemKind::WrongType),
            ("takes", InputProblemKind::OutOfRange),
            ("scale", InputProblemKind::NotInList),
            ("negative", InputProblemKind::WrongType),
            ("promt", InputProblemKind::UnknownField),
        ]
    );
    println!("all as it should be");
}
