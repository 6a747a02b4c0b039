//! URLs of files.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

/// Everything but what has no meaning in any part of a URL: not even a colon is left, so that no name
/// becomes a scheme.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The URL of a file for a page in a folder, which may have several names: relative if the file is below
/// it, so that both can be moved together.
pub(super) fn to(file: &Path, folder: &[PathBuf]) -> Option<String> {
    let relative = folder.iter().find_map(|folder| relative(file, folder));
    relative.or_else(|| Url::from_file_path(file).ok().map(String::from))
}

fn relative(file: &Path, folder: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in file.strip_prefix(folder).ok()?.components() {
        let Component::Normal(name) = part else {
            return None;
        };
        parts.push(percent_encode(name.as_encoded_bytes(), ENCODED).to_string());
    }
    Some(parts.join("/")).filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use percent_encoding::percent_decode_str;
    #[cfg(unix)]
    use proptest::prelude::*;

    use super::*;

    fn from(file: &str) -> Option<String> {
        to(Path::new(file), &["/out".into(), "/real/out".into()])
    }

    #[test]
    fn what_has_a_meaning_in_urls_is_encoded() {
        for (file, url) in [
            ("/out/fox.webp", "fox.webp"),
            ("/real/out/fox.webp", "fox.webp"),
            ("/out/a b/50% #1?.png", "a%20b/50%25%20%231%3F.png"),
            ("/out/javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("/out/\"><img>.png", "%22%3E%3Cimg%3E.png"),
            ("/out/狐.png", "%E7%8B%90.png"),
        ] {
            assert_eq!(from(file).as_deref(), Some(url));
        }
        assert_eq!(
            from("/out"),
            Url::from_file_path("/out").ok().map(String::from)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_elsewhere_has_an_absolute_url() {
        let url = from("/else where/fox#1.webp");
        assert_eq!(url.as_deref(), Some("file:///else%20where/fox%231.webp"));
        let up = from("/out/../fox.webp").unwrap();
        assert!(up.starts_with("file:///"), "{up}");
        assert_eq!(from("fox.webp"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_keeps_its_bytes() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let file = Path::new("/out").join(OsStr::from_bytes(b"fox\xff.png"));
        assert_eq!(to(&file, &["/out".into()]).as_deref(), Some("fox%FF.png"));
    }

    // Elsewhere, a backslash is no part of a name.
    #[cfg(unix)]
    proptest! {
        #[test]
        fn a_url_leads_back_to_its_file(name in "[^/\0]{1,20}(/[^/\0]{1,20}){0,3}") {
            let folder = Path::new("/out");
            let file = folder.join(&name);
            prop_assume!(file.components().all(|it| !matches!(it, Component::ParentDir)));
            prop_assume!(file.strip_prefix(folder).is_ok_and(|it| it.components().count() > 0));
            let url = to(&file, &[folder.to_owned()]).unwrap();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
            prop_assert!(url.chars().all(plain), "{}", url);
            let decoded = percent_decode_str(&url).decode_utf8().unwrap();
            prop_assert_eq!(folder.join(&*decoded), file.clone());
            // As a browser resolves it.
            let base = Url::parse("file:///out/index.html").unwrap();
            prop_assert_eq!(base.join(&url).unwrap().to_file_path().unwrap(), file);
        }
    }
}
