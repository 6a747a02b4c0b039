//! Words of a shell's command line.

/// `id` as one word of a shell's command line. An id is the service's: one with a `;` in it must
/// not become a second command when the advice is pasted.
pub(crate) fn shell_word(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.~:=+/@%".contains(c);
    let quoted = if !id.is_empty() && id.chars().all(is_plain) {
        id.to_owned()
    } else {
        format!("'{}'", id.replace('\'', r"'\''"))
    };
    if id.starts_with('-') {
        return format!("-- {quoted}");
    }
    quoted
}
