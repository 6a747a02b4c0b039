//! What a fixture may not show: the key, the account behind it, request ids.

use serde_json::Value;

const PRIVATE: [&str; 8] = [
    "user_id",
    "username",
    "channel_id",
    "quota",
    "group",
    "platform",
    "submit_ip",
    "token",
];

/// `json` without what is private.
pub(super) fn redacted(json: &Value, key: &str) -> Value {
    match json {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::Number(_) if PRIVATE.contains(&name.as_str()) => 0.into(),
                    _ if PRIVATE.contains(&name.as_str()) => "redacted".into(),
                    value => redacted(value, key),
                };
                (name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| redacted(item, key)).collect(),
        Value::String(words) => text(words, key).into(),
        other => other.clone(),
    }
}

/// `words` without the key and without request ids.
pub(super) fn text(words: &str, key: &str) -> String {
    const MARK: &str = "(request id: ";
    let mut rest = words.replace(key, "redacted");
    let mut kept = String::new();
    while let Some((head, tail)) = rest.split_once(MARK) {
        kept.push_str(head);
        kept.push_str(MARK);
        kept.push_str("redacted");
        rest = tail
            .split_once(')')
            .map(|(_, tail)| format!("){tail}"))
            .unwrap_or_default();
    }
    kept + &rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn neither_key_nor_account_nor_request_id_is_left() {
        let json = json!({
            "message": "no sk-1 (request id: 2026AbC) (request id: 2026DeF)",
            "data": {"user_id": 12, "username": "me", "group": null, "status": "SUCCESS"},
        });
        assert_eq!(
            redacted(&json, "sk-1"),
            json!({
                "message": "no redacted (request id: redacted) (request id: redacted)",
                "data": {"user_id": 0, "username": "redacted", "group": "redacted", "status": "SUCCESS"},
            })
        );
    }
}
