//! YAML to JSON, refusing what a lenient reader would decide in silence.

use serde_json::Value;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use crate::error::Error;

/// Reads YAML strictly into JSON: a key given twice, a merge, an unknown tag are errors,
/// which name line and column.
pub fn read(yaml: &str) -> Result<Value, Error> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        // `on`, `off`, `yes` and `no` are words, as YAML 1.2 has it.
        strict_booleans: true,
        reject_unsupported_tags: true,
    };
    serde_saphyr::from_str_with_options(yaml, options).map_err(|error| Error::Yaml {
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_given_twice_is_refused_with_its_line() {
        let error = read("info:\n  title: a\n  version: '1'\n  title: b\n").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("line 4 column 3"), "{text}");
        assert!(text.contains("title"), "{text}");
    }

    #[test]
    fn what_depends_on_the_reader_is_refused() {
        for yaml in ["a: &x {b: 1}\nc:\n  <<: *x\n", "a: !custom 1\n"] {
            assert!(read(yaml).is_err(), "{yaml}");
        }
    }

    #[test]
    fn words_that_were_booleans_once_stay_words() {
        assert_eq!(
            read("a: [on, off, yes, no, true]\n").unwrap(),
            serde_json::json!({"a": ["on", "off", "yes", "no", true]})
        );
    }
}
