//! Generated bodies, changed in ways that must not matter and in ways that must not deceive.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;

use cometapi_client::ContentDecoder;
use fastrand::Rng;
use flate2::Compression;
use flate2::bufread::{GzEncoder, ZlibEncoder};
use http::header::CONTENT_ENCODING;
use serde_json::{Value, json};

use super::*;

const CASES: usize = 100_000;

/// What a body says that money depends on.
#[derive(Clone, Debug, PartialEq)]
struct Facts {
    id: String,
    status: String,
    urls: Vec<String>,
}

/// A generated body, with everything in it that may be found.
struct Sample {
    body: String,
    facts: Facts,
    ids: BTreeSet<String>,
    statuses: BTreeSet<String>,
}

fn word(rng: &mut Rng, letters: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    let length = rng.usize(4..24);
    (0..length).filter_map(|_| rng.choice(&letters)).collect()
}

fn an_id(rng: &mut Rng) -> String {
    word(rng, "abcdefghijklmnopqrstuvwxyz0123456789=+/:_-~.")
}

/// Text as it stands in logs and prompts; much of it looks like a part of a response.
fn prose(rng: &mut Rng) -> String {
    const PIECES: [&str; 16] = [
        "a fox",
        " ",
        "\"",
        "\\",
        "\n",
        "狐",
        "🦊",
        "{",
        "}",
        "[",
        ",",
        ":",
        "\"id\":\"deceived\",",
        "\"status\":\"succeeded\"",
        "https://deceived.example/x.png",
        "\"output\":[\"https://deceived.example/y.png\"]",
    ];
    let pieces = rng.usize(0..8);
    (0..pieces).filter_map(|_| rng.choice(PIECES)).collect()
}

/// A member's value that is JSON, of any type.
fn plain_value(rng: &mut Rng) -> String {
    match rng.u8(0..7) {
        0 => "null".to_owned(),
        1 => rng.bool().to_string(),
        2 => rng.i64(..).to_string(),
        3 => format!("{:e}", rng.f64()),
        4 => json!([prose(rng), {"id": "deceived", "status": "failed"}]).to_string(),
        5 => json!({"id": "deceived", "a": prose(rng)}).to_string(),
        _ => Value::from(prose(rng)).to_string(),
    }
}

/// A member's value that `serde_json` refuses and other parsers accept.
fn loose_value(rng: &mut Rng) -> String {
    let text = Value::from(prose(rng)).to_string();
    let text = &text[1..text.len() - 1];
    match rng.u8(0..8) {
        0 => format!(r#""{text}\ud83d""#),
        1 => format!(r#""\udd8a{text}""#),
        2 => format!(r#"["{text}\uD83D\ud83e\udd8a",1]"#),
        3 => "NaN".to_owned(),
        4 => "[1,-Infinity]".to_owned(),
        5 => "1e999".to_owned(),
        6 => format!("{}0{}", "[".repeat(200), "]".repeat(200)),
        _ => format!(r#"{}"{text}"{}"#, r#"{"a":"#.repeat(150), "}".repeat(150)),
    }
}

/// Members that decide nothing.
fn fillers(rng: &mut Rng, value: fn(&mut Rng) -> String) -> Vec<String> {
    const NAMES: [&str; 11] = [
        "logs",
        "input",
        "metrics",
        "urls",
        "model",
        "version",
        "source",
        "created_at",
        "completed_at",
        "deadline",
        "trace",
    ];
    let mut names: Vec<&str> = NAMES.to_vec();
    rng.shuffle(&mut names);
    names.truncate(rng.usize(0..5));
    names
        .iter()
        .map(|name| format!("\"{name}\":{}", value(rng)))
        .collect()
}

fn object(rng: &mut Rng, mut members: Vec<String>) -> String {
    rng.shuffle(&mut members);
    let comma = *rng.choice(&[",", " ,\n", ", "]).unwrap();
    format!("{{{}}}", members.join(comma))
}

fn member(name: &str, value: impl Into<Value>) -> String {
    format!("\"{name}\":{}", value.into())
}

fn sample(rng: &mut Rng, value: fn(&mut Rng) -> String) -> Sample {
    let id = an_id(rng);
    let status = *rng
        .choice(&[
            "starting",
            "processing",
            "succeeded",
            "failed",
            "canceled",
            "aborted",
        ])
        .unwrap();
    let urls: Vec<String> = (0..rng.usize(0..4))
        .map(|n| {
            format!(
                "https://files.example/{}/{n}.png?sig=a%2Fb",
                word(rng, "abc")
            )
        })
        .collect();
    let output = match &urls[..] {
        [] => Value::Null,
        [one] if rng.bool() => one.clone().into(),
        all => json!(all),
    };
    let mut ids = BTreeSet::from([id.clone()]);
    let mut statuses = BTreeSet::from([status.to_owned()]);
    let prediction = |rng: &mut Rng, id: &str, value: fn(&mut Rng) -> String| {
        let mut members = fillers(rng, value);
        members.extend([
            member("id", id),
            member("status", status),
            member("output", output.clone()),
        ]);
        object(rng, members)
    };
    let task = |rng: &mut Rng, inner: String| {
        let word = match status {
            "succeeded" => "SUCCESS",
            "starting" => "SUBMITTED",
            "processing" => "IN_PROGRESS",
            _ => "FAILURE",
        };
        let mut members = vec![
            member("task_id", id.as_str()),
            member("status", word),
            member("progress", "100%"),
            format!("\"data\":{inner}"),
        ];
        if rng.bool() {
            members.push(member("id", 90_211));
        }
        object(rng, members)
    };
    let body = match rng.u8(0..7) {
        0..=2 => prediction(rng, &id, value),
        3 => {
            let upstream = an_id(rng);
            ids.insert(upstream.clone());
            let inner = prediction(rng, &upstream, value);
            let task = task(rng, inner);
            let code = *rng.choice(&["\"success\"", "200", "0"]).unwrap();
            format!("{{\"code\":{code},\"message\":\"\",\"data\":{task}}}")
        }
        4 => {
            let upstream = an_id(rng);
            ids.insert(upstream.clone());
            let inner = prediction(rng, &upstream, value);
            task(rng, inner)
        }
        5 => format!(
            "{{\"code\":\"success\",\"data\":{}}}",
            prediction(rng, &id, value)
        ),
        _ => {
            // As text, and therefore strict: it is JSON inside a string.
            let inner = Value::from(prediction(rng, &id, plain_value));
            format!("{{\"code\":\"fail_to_fetch_task\",\"message\":{inner},\"data\":null}}")
        }
    };
    statuses.insert("SUCCESS".to_owned());
    statuses.insert("FAILURE".to_owned());
    Sample {
        body,
        facts: Facts {
            id,
            status: status.to_owned(),
            urls,
        },
        ids,
        statuses,
    }
}

/// The same text in another encoding of characters.
fn in_other_characters(rng: &mut Rng, body: &str) -> Vec<u8> {
    match rng.u8(0..6) {
        0 => [b"\xef\xbb\xbf", body.as_bytes()].concat(),
        1 => "\u{feff}"
            .encode_utf16()
            .chain(body.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect(),
        2 => body.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        3 => "\u{feff}"
            .chars()
            .chain(body.chars())
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect(),
        _ => body.as_bytes().to_vec(),
    }
}

/// Compressed and decoded again, as the transport does.
fn through_compression(rng: &mut Rng, body: Vec<u8>) -> Vec<u8> {
    let mut encoded = Vec::new();
    let name = match rng.u8(0..8) {
        0 => {
            GzEncoder::new(&body[..], Compression::fast())
                .read_to_end(&mut encoded)
                .unwrap();
            "gzip"
        }
        1 => {
            ZlibEncoder::new(&body[..], Compression::fast())
                .read_to_end(&mut encoded)
                .unwrap();
            "deflate"
        }
        _ => return body,
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, name.parse().unwrap());
    let decoder = ContentDecoder::from_headers(&headers).unwrap().unwrap();
    decoder.decode(&encoded, usize::MAX).unwrap().to_vec()
}

fn read(body: &[u8]) -> Body {
    let AttemptOutcome::Response(_, body) =
        AttemptOutcome::whole(StatusCode::OK, Bytes::copy_from_slice(body))
    else {
        unreachable!("a whole response is a response");
    };
    body
}

fn facts(prediction: &Prediction) -> Facts {
    Facts {
        id: prediction.id().to_owned(),
        status: prediction.status().as_str().to_owned(),
        urls: prediction
            .output()
            .urls()
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}

fn assert_found(sample: &Sample, body: &[u8]) {
    let Body::Prediction(prediction) = read(body) else {
        panic!("no prediction in {}", String::from_utf8_lossy(body));
    };
    let mut expected = sample.facts.clone();
    // Without an output the gateway's SUCCESS does not end it; no such pair is generated.
    expected.urls.sort();
    let mut found = facts(&prediction);
    found.urls.sort();
    assert_eq!(found, expected, "{}", String::from_utf8_lossy(body));
}

#[test]
fn what_matters_is_found_whatever_else_is_in_the_body() {
    let mut rng = Rng::with_seed(10);
    for case in 0..CASES {
        let value = if case % 4 == 0 {
            plain_value
        } else {
            loose_value
        };
        let sample = sample(&mut rng, value);
        let body = in_other_characters(&mut rng, &sample.body);
        let body = through_compression(&mut rng, body);
        assert_found(&sample, &body);
        // Bytes that are not text, inside a string of another member.
        if case % 16 == 0
            && let Some(at) = sample.body.find("\"logs\":\"")
        {
            let mut body = sample.body.clone().into_bytes();
            body.insert(at + 8, 0xf0);
            assert_found(&sample, &body);
        }
    }
}

/// Where the bytes are that structure the body: its quotes, and the rest outside of strings.
fn structure(body: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => {
                in_string = !in_string;
                places.push(at);
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' if !in_string => places.push(at),
            _ => {}
        }
    }
    places
}

/// A change of the structure, at any place.
fn broken(rng: &mut Rng, sample: &Sample) -> Vec<u8> {
    if rng.u8(0..3) == 0 {
        let mut body = sample.body.clone().into_bytes();
        let at = *rng.choice(&structure(&body)).unwrap();
        if rng.bool() {
            body.remove(at);
        } else {
            body[at] = *rng.choice(b"{}[],:\"").unwrap();
        }
        return body;
    }
    let mut body = in_other_characters(rng, &sample.body);
    let at = rng.usize(0..=body.len());
    match rng.u8(0..5) {
        0 => body.truncate(at),
        1 => body.insert(at, b'"'),
        2 => {
            let deep = rng.usize(1..400);
            body = [
                "[".repeat(deep).as_bytes(),
                &body,
                "]".repeat(deep).as_bytes(),
            ]
            .concat();
        }
        3 => {
            let around = ["input", "logs", "data", "error", "output", "x"];
            let around = rng.choice(around).unwrap();
            body = [format!("{{\"{around}\":").as_bytes(), &body, b"}"].concat();
        }
        _ => {
            let rest = body.split_off(at);
            body.splice(0..0, rest);
        }
    }
    body
}

#[test]
fn nothing_is_found_that_is_not_there() {
    let mut rng = Rng::with_seed(11);
    let mut seen = [0_usize; 3];
    for case in 0..CASES {
        let value = if case % 2 == 0 {
            plain_value
        } else {
            loose_value
        };
        let sample = sample(&mut rng, value);
        let body = broken(&mut rng, &sample);
        let shown = || {
            let mut shown = String::from_utf8_lossy(&body).into_owned();
            let _ = write!(shown, "\n  of {}", sample.body);
            shown
        };
        match read(&body) {
            Body::Prediction(prediction) => {
                seen[0] += 1;
                let found = facts(&prediction);
                assert!(sample.ids.contains(&found.id), "{found:?} in {}", shown());
                if prediction.status().is_terminal() {
                    let is_held = sample.statuses.contains(&found.status)
                        || sample.body.contains("FAILURE") && found.status == "failed"
                        || sample.body.contains("SUCCESS") && found.status == "succeeded";
                    assert!(is_held, "{found:?} in {}", shown());
                }
                for url in &found.urls {
                    assert!(sample.facts.urls.contains(url), "{found:?} in {}", shown());
                }
            }
            Body::Unreadable { id: Some(id), .. } => {
                seen[1] += 1;
                assert!(sample.ids.contains(id.as_str()), "{id} in {}", shown());
            }
            _ => seen[2] += 1,
        }
    }
    // Each kind of result is met often, or the test shows nothing.
    assert!(seen.iter().all(|count| *count > CASES / 100), "{seen:?}");
}

/// On a stack that a decoder which recurses without a bound would overflow.
#[test]
fn nesting_costs_neither_stack_nor_time() {
    let read_all = || {
        for (open, close) in [
            ("[", "]"),
            (r#"{"a":"#, "}"),
            (r#"{"code":"success","data":"#, "}"),
        ] {
            let deep = 200_000;
            for body in [
                open.repeat(deep),
                format!("{}1{}", open.repeat(deep), close.repeat(deep)),
                format!(
                    r#"{{"id":"a1","status":"starting","input":{}1{}}}"#,
                    open.repeat(deep),
                    close.repeat(deep)
                ),
            ] {
                let _ = read(body.as_bytes());
            }
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    thread.spawn(read_all).unwrap().join().unwrap();
}
