//! One prompt a line.

use super::*;

#[test]
fn each_line_is_a_prompt() {
    let text = "\u{feff}# a red fox\r\n\r\n  a \"paper\" boat, 16:9 \r\n@photo.jpg\n{\"prompt\": 1}\n \n一只猫";
    let expected = [
        (1, "# a red fox"),
        (3, "a \"paper\" boat, 16:9"),
        (4, "@photo.jpg"),
        (5, "{\"prompt\": 1}"),
        (7, "一只猫"),
    ]
    .map(|(line, prompt)| json!([line, null, "a/b", {"prompt": prompt}]));
    let rows = all(text, stated(Format::Text), Some("a/b")).unwrap();
    assert_eq!(shown(rows), expected);
    let rows = all(text, named("p.txt"), Some("a/b")).unwrap();
    assert_eq!(shown(rows), expected);
    // Words alone are a prompt, too.
    let rows = all("fox\nseed,style\n", named("p.txt"), Some("a/b")).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(
        all("\n \r\n", stated(Format::Text), None)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_line_that_is_no_prompt_is_named() {
    let rows = all(b"\xff\na\n", stated(Format::Text), Some("a/b")).unwrap();
    assert_eq!(
        shown(rows),
        [
            json!(["line 1: not UTF-8; save the file as UTF-8"]),
            json!([2, null, "a/b", {"prompt": "a"}])
        ]
    );
    let rows = all("a\n", stated(Format::Text), None).unwrap();
    assert_eq!(
        shown(rows),
        [json!([
            "line 1, model: there is none: give each row one, or one for all rows"
        ])]
    );
    let limited = |text| Rows::reader(text, Format::Text).max_row_size(4);
    let rows = all("abcde\nabcd\n", limited, Some("a/b")).unwrap();
    assert_eq!(
        shown(rows),
        [
            json!(["line 1: longer than 4 bytes; to allow longer rows: --max-row-size SIZE"]),
            json!([2, null, "a/b", {"prompt": "abcd"}])
        ]
    );
}

/// Spreadsheets save a table as text, too.
#[test]
fn a_table_and_json_that_are_named_as_text_are_no_prompts() {
    for text in [
        "id\tPrompt\tClient\nk\ta fox\tACME\n",
        "prompt\na fox\n",
        "\u{feff}\"prompt\";\"id\"\r\n\"a fox\";k\r\n",
        "{\"prompt\": \"a fox\"}\n",
        "[{\"prompt\": \"a fox\"}]",
    ] {
        let rows = all(text, named("p.txt"), Some("black-forest-labs/flux-schnell"));
        let rows = rows.unwrap();
        assert_eq!(rows.len(), 1, "{text}");
        assert_eq!(rows[0].as_ref().unwrap().input["prompt"], "a fox", "{text}");
        let stated = all(text, stated(Format::Text), Some("a/b")).unwrap();
        assert_eq!(stated.len(), text.lines().count(), "{text}");
    }
}
