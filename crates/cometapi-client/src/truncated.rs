//! The id in a body that breaks off: all that is needed to find a paid prediction again.

use crate::params::PredictionId;

/// The id that a response's JSON holds before it breaks off: `task_id`, or `id`, of the outermost
/// object, or of the object in its `data`.
///
/// Only what stands before the break is read, and each token up to there must be JSON in its
/// place. The service writes ids first, so a cut body has one as a rule.
///
/// ```
/// use cometapi_client::id_in_truncated_body;
///
/// let id = id_in_truncated_body(br#"{"id":"a1","model":"black-fo"#);
/// assert_eq!(id.as_ref().map(|id| id.as_str()), Some("a1"));
/// assert_eq!(id_in_truncated_body(br#"{"id":"a"#), None);
/// assert_eq!(id_in_truncated_body(br#"{"input":{"id":"a1"},"#), None);
/// ```
pub fn id_in_truncated_body(body: &[u8]) -> Option<PredictionId> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut found = Found::default();
    let mut reader = Reader { rest: body };
    // What was read before the break counts. An object that ends and has something behind it is
    // not cut: it may be a part of another, at whose middle the body begins.
    if object(&mut reader, &mut found, true).is_some() && reader.peek().is_some() {
        return None;
    }
    let id = [found.task_id, found.id, found.data_id]
        .into_iter()
        .flatten()
        .next()?;
    serde_json::from_slice::<String>(id).ok()?.parse().ok()
}

/// The ids that were read, each a JSON string with its quotes.
#[derive(Default)]
struct Found<'b> {
    task_id: Option<&'b [u8]>,
    /// A prediction's straight inside an envelope. A task's own `id` there is a number.
    data_id: Option<&'b [u8]>,
    id: Option<&'b [u8]>,
}

struct Reader<'b> {
    rest: &'b [u8],
}

/// Members of the outermost object, or of the one in its `data`. `None` at the break.
fn object<'b>(reader: &mut Reader<'b>, found: &mut Found<'b>, outermost: bool) -> Option<()> {
    reader.expect(b'{')?;
    loop {
        let key = reader.string()?;
        reader.expect(b':')?;
        match reader.peek()? {
            b'"' => {
                let value = reader.string()?;
                // With a quote too many the string would not end where a member does.
                if !matches!(reader.peek()?, b',' | b'}') {
                    return None;
                }
                match key {
                    b"\"task_id\"" => found.task_id = Some(value),
                    b"\"id\"" if outermost => found.id = Some(value),
                    b"\"id\"" => found.data_id = Some(value),
                    _ => {}
                }
            }
            b'{' if outermost && key == b"\"data\"" => object(reader, found, false)?,
            b'{' | b'[' => reader.skip_container()?,
            _ => reader.skip_scalar()?,
        }
        match reader.peek()? {
            b',' => reader.expect(b',')?,
            _ => return reader.expect(b'}'),
        }
    }
}

impl<'b> Reader<'b> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.rest = &self.rest[1..])
    }

    fn string(&mut self) -> Option<&'b [u8]> {
        if self.peek()? != b'"' {
            return None;
        }
        let mut end = 1;
        loop {
            match self.rest.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                0..0x20 => return None,
                _ => end += 1,
            }
        }
        let (string, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        Some(string)
    }

    fn skip_scalar(&mut self) -> Option<()> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.rest.iter().take_while(|byte| is_part(byte)).count();
        let scalar = &self.rest[..length];
        // One that ends where the body does may have been cut.
        if length == self.rest.len()
            || serde_json::from_slice::<serde::de::IgnoredAny>(scalar).is_err()
        {
            return None;
        }
        self.rest = &self.rest[length..];
        Some(())
    }

    fn skip_container(&mut self) -> Option<()> {
        let mut open = Vec::new();
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' => {
                    open.push(b'}');
                    self.expect(b'{')?;
                }
                b'[' => {
                    open.push(b']');
                    self.expect(b'[')?;
                }
                byte @ (b'}' | b']') => {
                    if open.pop()? != byte {
                        return None;
                    }
                    self.expect(byte)?;
                    if open.is_empty() {
                        return Some(());
                    }
                }
                byte @ (b',' | b':') => self.expect(byte)?,
                _ => self.skip_scalar()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(body: &str) -> Option<String> {
        id_in_truncated_body(body.as_bytes()).map(|id| id.to_string())
    }

    #[test]
    fn an_id_before_the_break_is_found() {
        for (body, expected) in [
            (r#"{"id":"abc123","model":"bl"#, "abc123"),
            ("{ \"id\" : \"abc\" ,", "abc"),
            ("\u{feff}{\"id\":\"abc\",", "abc"),
            (r#"{"model":"x","n":[1,{"a":"}"}],"id":"abc","lo"#, "abc"),
            (r#"{"code":"success","data":{"task_id":"t1","sta"#, "t1"),
            (
                r#"{"code":"success","data":{"id":90211,"task_id":"t1","#,
                "t1",
            ),
            (r#"{"code":"success","data":{"id":"p1","status":"#, "p1"),
            (r#"{"task_id":"t1","status":"SUBM"#, "t1"),
            (
                r#"{"id":"video_bGl0ZWxsbTpjdXN0b20=","sta"#,
                "video_bGl0ZWxsbTpjdXN0b20=",
            ),
            (r#"{"id":"abc"}"#, "abc"),
        ] {
            assert_eq!(id(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn an_id_is_never_guessed() {
        for body in [
            "",
            "<html>",
            r#"{"id":"abc12"#,
            r#"{"id":"abc12""#,
            r#"{"id":"ab"c12","status":"starting"}"#,
            r#"{"i"d":"abc","status":"starting"}"#,
            r#"{"model":"x","id":"abc"#,
            r#"{"input":{"id":"abc"},"st"#,
            r#"{"input":{"id":"abc","st"#,
            r#"{"logs":"x\"id\":\"abc\",","st"#,
            r#"{"logs":nul,"id":"abc","#,
            r#"["id","abc","#,
            r#"{"id":"..","#,
            r#"{"id":"a\u0007b","#,
            r#"{"id":"","#,
            r#"{"id":12"#,
            r#"{"data":{"data":{"id":"abc","#,
            r#"{"id":"abc"},"status":"starting"}"#,
        ] {
            assert_eq!(id(body), None, "{body}");
        }
    }
}
