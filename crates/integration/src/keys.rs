//! What a key stands for, in the processes that ask for it and in the test that starts them.

/// The model of most keys.
const MODEL: &str = "acme/painter";

/// The model whose create requests are accepted and never get a response.
pub const SILENT: &str = "acme/silent";

/// One in this many keys is of the silent model.
const ONE_IN: usize = 250;

/// The key of this number.
pub fn key(n: usize) -> String {
    format!("key-{n}")
}

/// Its prompt, which is no other key's.
pub fn prompt(n: usize) -> String {
    format!("image {n}")
}

/// Its model.
pub fn model(n: usize) -> &'static str {
    if n % ONE_IN == ONE_IN / 2 {
        SILENT
    } else {
        MODEL
    }
}
