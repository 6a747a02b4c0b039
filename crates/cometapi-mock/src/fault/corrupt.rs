//! Faults that corrupt a valid response.

use std::io::Read;

use flate2::Compression;
use flate2::bufread::{GzEncoder, ZlibEncoder};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::fault::Fault;
use crate::response::{Delivery, Response};

/// Corrupts a response whose body already has the right shape.
pub(crate) fn response(fault: &Fault, mut good: Response) -> Response {
    match fault {
        Fault::BrokenJson => {
            good.status = StatusCode::OK;
            good.body = good.half();
            good
        }
        Fault::ShortBody => {
            good.body = good.half();
            good
        }
        Fault::ContentType(value) => {
            if let Ok(value) = HeaderValue::from_str(value) {
                good.headers.insert(CONTENT_TYPE, value);
            }
            good
        }
        Fault::ByteOrderMark => {
            good.body = [b"\xef\xbb\xbf", &good.body[..]].concat().into();
            good
        }
        Fault::Utf16 => {
            let text = String::from_utf8_lossy(&good.body).into_owned();
            let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
            good.body = units.flat_map(u16::to_le_bytes).collect::<Vec<_>>().into();
            good
        }
        Fault::HalfSurrogate => with_member(good, r#""trace":"a fox \ud83d""#),
        Fault::NotANumber => with_member(good, r#""score":NaN"#),
        Fault::Gzip => encoded(
            "gzip",
            GzEncoder::new(&good.body[..], Compression::fast()),
            &good,
        ),
        Fault::Deflate => encoded(
            "deflate",
            ZlibEncoder::new(&good.body[..], Compression::fast()),
            &good,
        ),
        Fault::Encoding(name) => {
            // Bytes that only a decoder for that encoding could read.
            good.body = good.body.iter().map(|byte| !byte).collect();
            good.with(CONTENT_ENCODING, name)
        }
        Fault::Delay(delay) => good.delivered(Delivery::Delayed(*delay)),
        Fault::Hold(hold) => good.delivered(Delivery::Held(hold.clone())),
        Fault::SlowBody(pause) => good.delivered(Delivery::Slow(*pause)),
        Fault::StallBody => good.delivered(Delivery::Stalled),
        Fault::CutBody => good.delivered(Delivery::Cut { reset: false }),
        Fault::ResetBody => good.delivered(Delivery::Cut { reset: true }),
        // Its shape is all that differs, or it means something elsewhere only.
        _ => good,
    }
}

/// Puts a member in front of the others of a JSON object.
fn with_member(mut good: Response, member: &str) -> Response {
    if let Some(rest) = good.body.strip_prefix(b"{") {
        good.body = [b"{", member.as_bytes(), b",", rest].concat().into();
    }
    good
}

fn encoded(name: &str, mut encoder: impl Read, good: &Response) -> Response {
    let mut body = Vec::new();
    // Reads from memory, which cannot fail.
    let _ = encoder.read_to_end(&mut body);
    let mut answer = good.clone().with(CONTENT_ENCODING, name);
    answer.body = body.into();
    answer
}
