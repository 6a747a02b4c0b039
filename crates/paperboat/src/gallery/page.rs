//! The page, written card by card.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::card::Card;
use crate::record::Record;

/// What a gallery holds near its beginning, and no other page does.
pub(super) const MARKER: &str = r#"<meta name="generator" content="paperboat gallery">"#;

const STYLE: &str = include_str!("../../templates/gallery/page.css");
const SCRIPT: &str = include_str!("../../templates/gallery/page.js");
const FOOT: &str = include_str!("../../templates/gallery/foot.html");

#[derive(Template)]
#[template(path = "gallery/head.html")]
struct Head<'a> {
    marker: &'a str,
    title: &'a str,
    /// When the page was written: as a machine reads it, and as people do.
    written: [&'a str; 2],
    style: &'a str,
    script: &'a str,
    style_hash: String,
    script_hash: String,
}

/// A page that is being written.
pub(super) struct Page<W> {
    out: W,
    /// Where the page is, under each name of that folder.
    folder: Vec<PathBuf>,
    count: u64,
}

impl<W: Write> Page<W> {
    /// Begins a page.
    pub(super) fn begin(
        mut out: W,
        folder: Vec<PathBuf>,
        title: &str,
        now: SystemTime,
    ) -> io::Result<Self> {
        let time = humantime::format_rfc3339_seconds(now).to_string();
        let minute = time.get(..16).unwrap_or(&time).replace('T', " ");
        let shown = format!("{minute} UTC");
        let head = Head {
            marker: MARKER,
            title,
            written: [&time, &shown],
            style: STYLE,
            script: SCRIPT,
            style_hash: hash(STYLE),
            script_hash: hash(SCRIPT),
        };
        head.write_into(&mut out)?;
        Ok(Self {
            out,
            folder,
            count: 0,
        })
    }

    /// Adds the card of a record whose file is below `folder`.
    pub(super) fn add(&mut self, record: &Record, folder: &Path) -> io::Result<()> {
        self.count += 1;
        Card::new(record, folder, &self.folder, self.count).write_into(&mut self.out)?;
        self.out.write_all(b"\n")
    }

    /// How many cards it has.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        self.out.write_all(FOOT.as_bytes())?;
        Ok(self.out)
    }
}

/// What a content security policy knows an inline style or script by.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn page(records: &[Record]) -> String {
        let now = UNIX_EPOCH + Duration::from_secs(1_773_994_530);
        let mut page = Page::begin(Vec::new(), vec!["/out".into()], "out", now).unwrap();
        for record in records {
            page.add(record, Path::new("/out")).unwrap();
        }
        String::from_utf8(page.end().unwrap()).unwrap()
    }

    fn read(line: serde_json::Value) -> Record {
        Record::read(&line.to_string()).unwrap()
    }

    /// The page without its style and script.
    fn content(page: &str) -> String {
        let page = page.replace(STYLE, "").replace(SCRIPT, "");
        page.replace(&hash(STYLE), "STYLE")
            .replace(&hash(SCRIPT), "SCRIPT")
    }

    #[test]
    fn a_small_page() {
        let fox = read(json!({
            "row": "fox", "id": "q4ch", "file": "animals/fox 1.webp", "model": "acme/painter",
            "prompt": "a \"red\" fox & a <b>boat</b>", "seed": 7, "status": "succeeded", "seconds": 72.5,
            "cost": "0.003", "version": 2, "labels": {"client": "ACME", "none": ""},
        }));
        let failed = read(json!({
            "id": "z9", "model": "acme/painter", "status": "maybe_accepted", "reason": "<NSFW>",
        }));
        let clip = read(json!({"file": "a.mp4", "model": "a/b", "status": "succeeded"}));
        let sound = read(json!({"file": "a.wav", "model": "a/b", "status": "succeeded"}));
        let chart = read(json!({"file": "a.html", "model": "a/b", "status": "succeeded"}));
        insta::assert_snapshot!(content(&page(&[fox, failed, clip, sound, chart])));
    }

    #[test]
    fn a_policy_allows_the_script_and_the_style_of_the_page_alone() {
        let page = page(&[]);
        let [style, script] = [("style", STYLE), ("script", SCRIPT)].map(|(tag, text)| {
            assert!(page.contains(&format!("<{tag}>{text}</{tag}>")));
            format!("{tag}-src '{}'", hash(text))
        });
        assert!(page.contains(&format!("{style}; {script};")));
        assert!(!page.contains("unsafe"));
        // What the hash of an empty text is known to be.
        assert_eq!(
            hash(""),
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }

    /// What a parser makes of text in HTML.
    fn parsed(html: &str) -> String {
        let mut text = String::new();
        let mut rest = html;
        while let Some(at) = rest.find('&') {
            text.push_str(&rest[..at]);
            let end = at + rest[at..].find(';').unwrap();
            let number = rest[at..end].strip_prefix("&#").unwrap();
            let character = number.parse().ok().and_then(char::from_u32);
            text.push(character.unwrap());
            rest = &rest[end + 1..];
        }
        text + rest
    }

    /// The text between two markers. Escaped text does not hold the second.
    fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
        let start = page.find(before).unwrap() + before.len();
        &page[start..start + page[start..].find(after).unwrap()]
    }

    proptest! {
        #[test]
        fn a_prompt_is_text(prompt in "([<>&\"'/a;#0-9-]|script|<!--|&lt;|\\PC){1,40}") {
            let file = json!("fox.png");
            let record = read(json!({
                "file": file, "model": "a/b", "status": "succeeded", "prompt": prompt, "id": prompt,
                "row": prompt, "labels": {"l": prompt}, "seed": prompt,
            }));
            let page = page(&[record]);
            for (before, after) in [
                ("<p class=\"prompt\" id=\"p1\" dir=\"auto\">", "<"),
                (" alt=\"", "\""),
                (" data-id=\"", "\""),
                ("<span>seed ", "<"),
                ("<span>l</span> ", "<"),
                ("<dt>Row</dt><dd dir=\"auto\">", "<"),
            ] {
                prop_assert_eq!(parsed(between(&page, before, after)), prompt.clone(), "{}", before);
            }
        }
    }
}
