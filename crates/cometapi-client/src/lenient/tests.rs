//! What Python's `json.loads` or `JSON.parse` after `TextDecoder` accept.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(body: &[u8]) -> Option<Value> {
    from_slice(body).ok().map(|(value, _)| value)
}

fn paths(body: &[u8]) -> Vec<String> {
    let (_, ignored): (Value, _) = from_slice(body).unwrap();
    ignored.into_iter().map(|field| field.path).collect()
}

#[test]
fn half_a_surrogate_pair_is_replaced_and_named() {
    for (body, expected) in [
        (r#"{"a":"x \ud83d"}"#, "x \u{fffd}"),
        (r#"{"a":"x \ud83d y"}"#, "x \u{fffd} y"),
        (r#"{"a":"\udc00\ud83d\ud83e\udd8a"}"#, "\u{fffd}\u{fffd}🦊"),
        (r#"{"a":"\ud83d\n"}"#, "\u{fffd}\n"),
        (r#"{"a":"\ud83d\u0041"}"#, "\u{fffd}A"),
        (r#"{"a":"\\ud83d \uD83D"}"#, "\\ud83d \u{fffd}"),
        (r#"{"a":"\"\ud83d\""}"#, "\"\u{fffd}\""),
    ] {
        assert_eq!(
            read(body.as_bytes()),
            Some(json!({"a": expected})),
            "{body}"
        );
        assert_eq!(paths(body.as_bytes()), ["a"], "{body}");
    }
    assert_eq!(
        paths(br#"{"id":"x","a":{"b":["\ud83d","\ud83d"]},"c":1}"#),
        ["a"]
    );
    assert!(paths(br#"{"a":"\ud83e\udd8a"}"#).is_empty());
}

#[test]
fn a_mark_or_another_encoding_is_read() {
    let text = r#"{"a":"狐 🦊"}"#;
    let expected = Some(json!({"a": "狐 🦊"}));
    let utf16 =
        |unit: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(unit).collect() };
    let utf32 = |unit: fn(u32) -> [u8; 4]| -> Vec<u8> {
        text.chars().flat_map(|c| unit(u32::from(c))).collect()
    };
    let rows: [(&[u8], Vec<u8>); 8] = [
        (b"\xef\xbb\xbf", text.as_bytes().to_vec()),
        (b"\xff\xfe", utf16(u16::to_le_bytes)),
        (b"\xfe\xff", utf16(u16::to_be_bytes)),
        (b"", utf16(u16::to_le_bytes)),
        (b"", utf16(u16::to_be_bytes)),
        (b"\xff\xfe\0\0", utf32(u32::to_le_bytes)),
        (b"\0\0\xfe\xff", utf32(u32::to_be_bytes)),
        (b"", utf32(u32::to_be_bytes)),
    ];
    for (mark, bytes) in rows {
        let body = [mark, &bytes].concat();
        assert_eq!(read(&body), expected, "{mark:x?}");
        assert!(paths(&body).is_empty());
    }
    // Cut in the middle of a unit.
    let cut = [b"\xff\xfe", &utf16(u16::to_le_bytes)[..]].concat();
    assert_eq!(read(&cut[..cut.len() - 1]), None);
}

#[test]
fn bytes_that_are_not_text_are_replaced() {
    let body = b"{\"a\":\"x \xf0\x9f\xa6\",\"b\":1}";
    assert_eq!(read(body), Some(json!({"a": "x \u{fffd}", "b": 1})));
    assert_eq!(paths(body), [""]);
}

#[test]
fn numbers_beyond_json_are_null() {
    for number in ["NaN", "Infinity", "-Infinity", "1e999", "-1E+999"] {
        let body = format!(r#"{{"a": {number}, "b":[{number},2]}}"#);
        let expected = json!({"a": null, "b": [null, 2]});
        assert_eq!(read(body.as_bytes()), Some(expected), "{number}");
        assert_eq!(paths(body.as_bytes()), ["a", "b"]);
    }
    for number in [
        "nan",
        "+1",
        "01e999",
        "1.e999",
        "0x1",
        "Infinit",
        "NaNa",
        "--Infinity",
        "1e999e1",
    ] {
        assert_eq!(
            read(format!(r#"{{"a":{number}}}"#).as_bytes()),
            None,
            "{number}"
        );
    }
}

#[test]
fn what_is_nested_too_deeply_is_null() {
    for deep in [
        format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000)),
        format!("{}\"a]\\\"}}\"{}", "[".repeat(300), "]".repeat(300)),
    ] {
        let body = format!(r#"{{"input":{deep},"id":"x"}}"#);
        let value = read(body.as_bytes()).unwrap();
        assert_eq!(value["id"], "x");
        assert_eq!(paths(body.as_bytes()), ["input"]);
    }
    let deep = format!(
        r#"{{"input":{}1{},"id":"x"}}"#,
        "[".repeat(300),
        "]".repeat(299)
    );
    assert_eq!(read(deep.as_bytes()), None);
    let other = format!(
        r#"{{"input":{}}}{},"id":"x"}}"#,
        "[".repeat(300),
        "]".repeat(299)
    );
    assert_eq!(read(other.as_bytes()), None);
}

#[test]
fn the_structure_is_never_guessed() {
    for body in [
        "",
        "{",
        r#"{"a":"\ud83d"#,
        r#"{"a":"\ud83d}"#,
        r#"{"a":"\ud83d""}"#,
        r#"{"a":"\ud83d","b"}"#,
        r#"{"a":"\ud83d",}"#,
        r#"{"a":"\ud83d"]"#,
        r#"{"a":"\ud83"}"#,
        r#"{'a':"\ud83d"}"#,
        r#"{"a":"\ud83d"} x"#,
        "{\"a\":\"\\ud83d\n\"}",
        r#"{"a":"\ud83d","b":NaN"#,
        r"{a:NaN}",
        r#"{"a":"\x"}"#,
    ] {
        assert_eq!(read(body.as_bytes()), None, "{body}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(body: Vec<u8>) {
        let _ = read(&body);
    }

    #[test]
    fn nothing_panics_on_nearly_json(body in r#"[{}\[\]":,\\udDcC8a0eE.\-+ NI]{0,40}"#) {
        let _ = read(body.as_bytes());
    }

    #[test]
    fn text_that_is_json_is_not_changed(text: String, before in r"(\\ud83d| |x){0,3}") {
        let json = serde_json::to_string(&text).unwrap();
        let body = format!(r#"{{"a":"{before}","b":{json}}}"#);
        prop_assert_eq!(&read(body.as_bytes()).unwrap()["b"], &Value::from(text));
    }
}
