//! Reads JSON whose types are not certain: a number may be a string, an object may be JSON inside a string.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use progenitor_client::{Error, ResponseValue};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::money;

/// A body of at least this many bytes is decoded on a thread of its own: of a list of 100,000 models, that
/// takes long enough to delay whatever else waits for its turn.
const LONG: usize = 256 * 1024;

/// Unix times from here on are in milliseconds: as seconds, it would be the year 5138.
const FIRST_IN_MILLISECONDS: i64 = 100_000_000_000;

/// And from here on neither: as milliseconds, it would be the year 5138.
const FIRST_UNKNOWN: i64 = FIRST_IN_MILLISECONDS * 1000;

/// Decodes the body of `response`, for the generated code. It reads a [`Value`] first, so that a duplicate
/// key is not an error.
pub(crate) async fn decode<T: DeserializeOwned + Send + 'static, E>(
    mut response: reqwest::Response,
) -> Result<ResponseValue<T>, Error<E>> {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
    let decoded = if body.len() < LONG {
        read(&body)
    } else {
        let body = body.clone();
        let decoded = tokio::task::spawn_blocking(move || read(&body)).await;
        // The runtime ends, and the caller with it.
        decoded.unwrap_or_else(|e| Err(serde::de::Error::custom(e)))
    };
    match decoded {
        Ok(decoded) => Ok(ResponseValue::new(decoded, status, headers)),
        Err(error) => Err(Error::InvalidResponsePayload(body, error)),
    }
}

/// The body, perhaps behind a byte order mark, as a `T`.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    value(body).and_then(serde_json::from_value)
}

/// Any JSON. A number that JSON does not have or that is too large becomes null, and half of a surrogate pair a
/// replacement character: one value in one row does not fail a list.
fn value(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body).or_else(|_| cometapi_client::json_from_slice(body))
}

/// The object or list in `value`, also if it is JSON inside a string.
pub(crate) fn unwrapped(value: &Value) -> Cow<'_, Value> {
    let Value::String(text) = value else {
        return Cow::Borrowed(value);
    };
    match self::value(text.as_bytes()) {
        Ok(inner @ (Value::Object(_) | Value::Array(_))) => Cow::Owned(inner),
        _ => Cow::Borrowed(value),
    }
}

/// The list in `value`: itself, or the first of `names` that holds one.
pub(crate) fn rows(value: Value, names: &[&str]) -> Option<Vec<Value>> {
    let mut value = match unwrapped(&value) {
        Cow::Owned(inner) => inner,
        Cow::Borrowed(_) => value,
    };
    if let Value::Array(rows) = value {
        return Some(rows);
    }
    let mut held = names.iter().filter_map(|name| {
        let held = value.get_mut(*name)?.take();
        rows(held, &[])
    });
    held.next()
}

/// A string that is not empty, or a number as one.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim())
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, or a number in a string, exactly as it is written.
pub(crate) fn decimal(value: Option<&Value>) -> Option<Decimal> {
    match value? {
        Value::String(text) => money::decimal(text.trim()),
        // The shortest form that is read as the same number, or the digits that came.
        Value::Number(number) => money::decimal(&number.to_string()),
        _ => None,
    }
}

/// A whole number that is not negative.
pub(crate) fn count(value: Option<&Value>) -> Option<u64> {
    decimal(value).filter(Decimal::is_integer)?.to_u64()
}

/// A Unix time in seconds or milliseconds, to the second, or a time of RFC 3339 in UTC. 0 means that it is not
/// set.
pub(crate) fn time(value: Option<&Value>) -> Option<SystemTime> {
    let Some(time) = decimal(value) else {
        return humantime::parse_rfc3339(&text(value)?).ok();
    };
    let time = time.trunc().to_i64()?;
    let seconds = match time {
        1..FIRST_IN_MILLISECONDS => time,
        FIRST_IN_MILLISECONDS..FIRST_UNKNOWN => time / 1000,
        _ => return None,
    };
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for (value, read) in [
            (json!(0.24), Some("0.24")),
            (json!("0.24"), Some("0.24")),
            (json!(" 0.240 "), Some("0.240")),
            (json!(314.32), Some("314.32")),
            (json!(1e-7), Some("0.0000001")),
            (json!("2.4E-1"), Some("0.24")),
            (json!(500_000), Some("500000")),
            (json!(u64::MAX), Some("18446744073709551615")),
            (json!(-1), Some("-1")),
            (json!(null), None),
            (json!(true), None),
            (json!(""), None),
            (json!("free"), None),
            (json!("NaN"), None),
            (json!("0,24"), None),
            (json!([0.24]), None),
            (json!(1e300), None),
        ] {
            let expected = read.map(|it| it.parse::<Decimal>().unwrap());
            assert_eq!(decimal(Some(&value)), expected, "{value}");
        }
        assert_eq!(decimal(None), None);
    }

    #[test]
    fn a_time_is_in_seconds_or_milliseconds() {
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        for value in [
            json!(1_774_000_001),
            json!("1774000001"),
            json!(1_774_000_001.9),
            json!(1_774_000_001_999_i64),
            json!("1774000001000"),
            json!("2026-03-20T09:46:41Z"),
            json!("2026-03-20T09:46:41.000Z"),
        ] {
            assert_eq!(time(Some(&value)), at(1_774_000_001), "{value}");
        }
        for value in [
            json!(0),
            json!(-5),
            json!(null),
            json!("2026-03-20T09:46:41"),
            json!("2026-03-20T09:46:41+08:00"),
            json!("2026-03-20"),
            json!("soon"),
            json!(1_774_000_001_000_000_i64),
            json!(i64::MAX),
            json!({}),
        ] {
            assert_eq!(time(Some(&value)), None, "{value}");
        }
    }

    #[test]
    fn a_list_is_found_in_what_holds_it() {
        let names = ["items", "data"];
        for value in [
            json!([1, 2]),
            json!("[1, 2]"),
            json!({"items": [1, 2]}),
            json!({"items": null, "data": [1, 2]}),
            json!({"data": "[1, 2]"}),
            json!("{\"items\": [1, 2]}"),
        ] {
            let found = rows(value.clone(), &names);
            assert_eq!(found, Some(vec![json!(1), json!(2)]), "{value}");
        }
        for value in [json!(null), json!("x"), json!({"rows": []}), json!(3)] {
            assert_eq!(rows(value, &names), None);
        }
    }

    #[test]
    fn a_member_that_is_there_twice_and_a_byte_order_mark_are_no_errors() {
        let body = b"\xef\xbb\xbf{\"success\": true, \"success\": false}";
        let read: crate::wire::types::ModelList = read(body).unwrap();
        assert_eq!(read.success, Some(json!(false)));
    }

    #[test]
    fn a_value_that_is_not_json_does_not_fail_a_list() {
        for odd in [r#""\ud83d""#, "1e400", "NaN", "-Infinity"] {
            let list = format!(r#"[{{"task_id": "a", "quota": {odd}}}, {{"task_id": "b"}}]"#);
            let body = format!(r#"{{"data": {list}}}"#);
            let inside = json!({"data": list}).to_string();
            for body in [body, inside] {
                let read: crate::wire::types::TaskList = read(body.as_bytes()).unwrap();
                let rows = rows(read.data.unwrap(), &[]).unwrap();
                let ids: Vec<_> = rows.iter().map(|row| text(row.get("task_id"))).collect();
                assert_eq!(ids, [Some("a".to_owned()), Some("b".to_owned())], "{odd}");
                assert_eq!(decimal(rows[0].get("quota")), None, "{odd}");
            }
        }
        for body in ["", "{", "[1, 2", r#"{"data": [}"#, "<html>"] {
            assert!(read::<Value>(body.as_bytes()).is_err(), "{body}");
        }
    }

    proptest! {
        /// Money goes through JSON without a change, as a string and as a number.
        #[test]
        fn a_decimal_comes_back(mantissa in -999_999_999_999_i64..999_999_999_999, scale in 0_u32..12) {
            let exact = Decimal::new(mantissa, scale);
            prop_assert_eq!(decimal(Some(&json!(exact.to_string()))), Some(exact));
            let number: Value = serde_json::from_str(&exact.to_string()).unwrap();
            prop_assert_eq!(decimal(Some(&number)), Some(exact));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let value = json!(text);
            let _ = (decimal(Some(&value)), time(Some(&value)), rows(value.clone(), &["data"]));
        }
    }
}
