//! Whether a response continues a file that was received in part, or is the whole file.
//!
//! The rules of RFC 9110, sections 13 to 15, read strictly: where a response does not prove that
//! its bytes belong behind those that are there, the whole file is asked for.

use cometapi_client::ContentDecoder;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, AsHeaderName, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    LAST_MODIFIED,
};
use reqwest::Url;

use cometapi_models::media;

/// The head of a response of a file's host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'r> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'r HeaderMap,
    /// The size of the body as it is transferred, where it is known beforehand.
    pub(crate) length: Option<u64>,
    /// The address that returned it, after redirects.
    pub(crate) url: &'r Url,
}

/// What tells a version of a file from others, from its first response.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// A strong entity tag. Weak ones allow other bytes, and a modification date is the same
    /// for two versions of one second.
    tag: HeaderValue,
    modified: Option<HeaderValue>,
    media_type: Option<String>,
    /// The size of the file.
    total: Option<u64>,
    url: Url,
}

/// What is there of a file: its first `offset` bytes, of this version.
#[derive(Clone, Debug)]
pub(crate) struct Resume {
    pub(crate) offset: u64,
    pub(crate) version: Version,
}

/// Which bytes of a file a response holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where in the file it begins.
    pub(crate) offset: u64,
    /// The size of its body as it is transferred.
    pub(crate) length: Option<u64>,
    /// The size of the file.
    pub(crate) total: Option<u64>,
}

/// What a response is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It continues what is there, at an offset that is not 0, or it is the file from its
    /// beginning, with the offset 0, and replaces what is there.
    Body(Extent),
    /// It does not continue what is there. Ask for the whole file.
    AskForWhole,
    /// It is a part that was not asked for.
    UnaskedPart,
    /// It is no file; its status says why.
    NoFile,
}

/// Decides what a response is good for. `resume` is what is there, if the rest was asked for.
/// [`Use::AskForWhole`] is returned only if it was.
pub(crate) fn decide(head: Head<'_>, resume: Option<&Resume>) -> Use {
    match (head.status, resume) {
        (StatusCode::OK, _) => Use::Body(Extent {
            offset: 0,
            length: head.length,
            total: head.length.filter(|_| !is_encoded(head.headers)),
        }),
        (StatusCode::PARTIAL_CONTENT, Some(resume)) => {
            rest(head, resume).map_or(Use::AskForWhole, Use::Body)
        }
        (StatusCode::PARTIAL_CONTENT, None) => match part(head) {
            Some(Extent {
                offset: 0,
                length,
                total: Some(total),
            }) if length == Some(total) => Use::Body(Extent {
                offset: 0,
                length,
                total: Some(total),
            }),
            _ => Use::UnaskedPart,
        },
        // Hosts use the second for a tag that they no longer know.
        (StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PRECONDITION_FAILED, Some(_)) => {
            Use::AskForWhole
        }
        _ => Use::NoFile,
    }
}

/// The rest of the file, or the beginning of the rest, if it is of the same version.
fn rest(head: Head<'_>, resume: &Resume) -> Option<Extent> {
    let Resume { offset, version } = resume;
    let part = part(head)?;
    // Without the size of the file nobody can say when it is complete.
    let total = part.total.or(version.total)?;
    let modified = head.headers.get(LAST_MODIFIED);
    let media_type = media_type(head.headers);
    let is_same = single(head.headers, ETAG) == Some(&version.tag)
        && version.total.is_none_or(|known| known == total)
        && agree(modified, version.modified.as_ref())
        && agree(media_type.as_ref(), version.media_type.as_ref())
        && is_same_place(head.url, &version.url);
    let is_inside = part
        .length
        .is_some_and(|length| length <= total.saturating_sub(*offset));
    (part.offset == *offset && is_inside && is_same).then_some(Extent {
        total: Some(total),
        ..part
    })
}

/// Whether two values do not contradict each other: a part need not repeat them.
fn agree<T: PartialEq>(now: Option<T>, first: Option<T>) -> bool {
    now.is_none() || first.is_none() || now == first
}

/// A tag is that of one address. The query is left out: it may be a signature that changes.
fn is_same_place(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin() && one.path() == other.path()
}

/// The part of the file that a response with status 206 says it is.
fn part(head: Head<'_>) -> Option<Extent> {
    let range = single(head.headers, CONTENT_RANGE)?.to_str().ok()?;
    let (unit, range) = range.trim().split_once(' ')?;
    let (range, total) = range.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let total = match total.trim() {
        "*" => None,
        total => Some(number(total)?),
    };
    let length = last.checked_sub(first)?.checked_add(1)?;
    let is_sound = unit.eq_ignore_ascii_case("bytes")
        && head.length.is_none_or(|announced| announced == length)
        // A part of an encoded file cannot be decoded by itself.
        && !is_encoded(head.headers);
    is_sound.then_some(Extent {
        offset: first,
        length: Some(length),
        total,
    })
}

/// Reads digits, and nothing else.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// The only value of a header; repeated, it has none that can be relied on.
fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn is_encoded(headers: &HeaderMap) -> bool {
    !matches!(ContentDecoder::from_headers(headers), Ok(None))
}

pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    media::essence(headers.get(CONTENT_TYPE)?.to_str().ok()?)
}

impl Version {
    /// Returns the version that a response holds, if the rest of it can be asked for later:
    /// its host must offer byte ranges and give a strong entity tag.
    pub(crate) fn of(head: Head<'_>, extent: Extent) -> Option<Self> {
        let tag = single(head.headers, ETAG)?;
        let offers_ranges = single(head.headers, ACCEPT_RANGES)?
            .as_bytes()
            .eq_ignore_ascii_case(b"bytes");
        let is_strong = tag.as_bytes().starts_with(b"\"");
        (offers_ranges && is_strong && !is_encoded(head.headers)).then(|| Self {
            tag: tag.clone(),
            modified: head.headers.get(LAST_MODIFIED).cloned(),
            media_type: media_type(head.headers),
            total: extent.total,
            url: head.url.clone(),
        })
    }

    /// The tag, for the header `If-Range`.
    pub(crate) fn tag(&self) -> &HeaderValue {
        &self.tag
    }

    /// The same version, of which a later response gave the size of the file.
    pub(crate) fn with_total(self, total: Option<u64>) -> Self {
        Self { total, ..self }
    }
}

impl Extent {
    /// Returns whether a body with this many bytes is longer than announced.
    pub(crate) fn is_exceeded(&self, received: u64) -> bool {
        self.length.is_some_and(|length| received > length)
    }

    /// Returns whether the file is complete when the body ends after this many bytes.
    pub(crate) fn is_complete(&self, received: u64) -> bool {
        self.length.is_none_or(|length| received == length)
            && self
                .total
                .is_none_or(|total| self.offset.saturating_add(received) == total)
    }
}

impl Extent {
    /// Says how much is missing of a file whose body ended after this many bytes.
    pub(crate) fn shortfall(&self, received: u64) -> String {
        let (received, expected) = match (self.length, self.total) {
            (_, Some(total)) => (self.offset.saturating_add(received), total),
            (length, None) => (received, length.unwrap_or(received)),
        };
        format!("the file broke off: {received} of {expected} bytes came")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url() -> Url {
        Url::parse("https://a/fox.png?sig=1").unwrap()
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            let name: http::HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    fn ask(
        status: u16,
        lines: &[(&str, &str)],
        length: Option<u64>,
        resume: Option<&Resume>,
    ) -> Use {
        let head = Head {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers(lines),
            length,
            url: &url(),
        };
        decide(head, resume)
    }

    /// 400 of 1000 bytes.
    fn resume() -> Resume {
        Resume {
            offset: 400,
            version: Version {
                tag: HeaderValue::from_static("\"v1\""),
                modified: Some(HeaderValue::from_static("Fri, 20 Mar 2026 08:15:40 GMT")),
                media_type: Some("image/png".to_owned()),
                total: Some(1000),
                url: url(),
            },
        }
    }

    const TAG: (&str, &str) = ("etag", "\"v1\"");

    #[test]
    fn the_rest_of_the_same_file_is_used() {
        let rest = |length| {
            Use::Body(Extent {
                offset: 400,
                length: Some(length),
                total: Some(1000),
            })
        };
        let resume = resume();
        let all = ("content-range", "bytes 400-999/1000");
        for lines in [
            vec![TAG, all],
            vec![TAG, ("content-range", "Bytes 400-999/*")],
            vec![TAG, all, ("content-type", "Image/PNG; a=b")],
            vec![TAG, all, ("content-encoding", "identity")],
            vec![TAG, all, ("last-modified", "Fri, 20 Mar 2026 08:15:40 GMT")],
        ] {
            assert_eq!(
                ask(206, &lines, Some(600), Some(&resume)),
                rest(600),
                "{lines:?}"
            );
            assert_eq!(
                ask(206, &lines, None, Some(&resume)),
                rest(600),
                "{lines:?}"
            );
        }
        let early = [TAG, ("content-range", "bytes 400-499/1000")];
        assert_eq!(ask(206, &early, Some(100), Some(&resume)), rest(100));
        // The first response did not say how large the file is.
        let mut unknown = resume;
        unknown.version.total = None;
        assert_eq!(ask(206, &[TAG, all], None, Some(&unknown)), rest(600));
        let lines = [TAG, ("content-range", "bytes 400-999/*")];
        assert_eq!(ask(206, &lines, None, Some(&unknown)), Use::AskForWhole);
    }

    #[test]
    fn a_part_that_may_be_of_another_file_is_not_used() {
        let resume = resume();
        let all = ("content-range", "bytes 400-999/1000");
        for lines in [
            vec![TAG],
            vec![all],
            vec![("etag", "\"v2\""), all],
            vec![("etag", "W/\"v1\""), all],
            vec![TAG, TAG, all],
            vec![TAG, all, all],
            vec![TAG, ("content-range", "bytes 0-999/1000")],
            vec![TAG, ("content-range", "bytes 399-999/1000")],
            vec![TAG, ("content-range", "bytes 401-999/1000")],
            vec![TAG, ("content-range", "bytes 400-999/1001")],
            vec![TAG, ("content-range", "bytes 400-1000/1000")],
            vec![TAG, ("content-range", "bytes 400-1000/*")],
            vec![TAG, ("content-range", "bytes 400-399/1000")],
            vec![TAG, ("content-range", "bytes +400-999/1000")],
            vec![TAG, ("content-range", "bytes 400-/1000")],
            vec![TAG, ("content-range", "bytes 400-18446744073709551615/*")],
            vec![TAG, ("content-range", "bytes */1000")],
            vec![TAG, ("content-range", "items 400-999/1000")],
            vec![TAG, all, ("content-encoding", "gzip")],
            vec![TAG, all, ("content-encoding", "br")],
            vec![TAG, all, ("content-type", "image/webp")],
            vec![TAG, all, ("last-modified", "Fri, 20 Mar 2026 08:15:41 GMT")],
            vec![TAG, ("content-type", "multipart/byteranges; boundary=x")],
        ] {
            assert_eq!(
                ask(206, &lines, None, Some(&resume)),
                Use::AskForWhole,
                "{lines:?}"
            );
        }
        // The length of the body contradicts the range.
        for length in [0, 599, 601] {
            assert_eq!(
                ask(206, &[TAG, all], Some(length), Some(&resume)),
                Use::AskForWhole
            );
        }
    }

    #[test]
    fn a_tag_of_another_address_says_nothing() {
        let rest = headers(&[TAG, ("content-range", "bytes 400-999/1000")]);
        for (url, is_same) in [
            ("https://a/fox.png?sig=2", true),
            ("https://a/cat.png?sig=1", false),
            ("https://b/fox.png?sig=1", false),
            ("http://a/fox.png", false),
            ("https://a:444/fox.png", false),
        ] {
            let head = Head {
                status: StatusCode::PARTIAL_CONTENT,
                headers: &rest,
                length: None,
                url: &Url::parse(url).unwrap(),
            };
            let is_used = decide(head, Some(&resume())) != Use::AskForWhole;
            assert_eq!(is_used, is_same, "{url}");
        }
    }

    #[test]
    fn other_responses_begin_anew_or_are_no_file() {
        let resume = resume();
        let whole = |length| {
            Use::Body(Extent {
                offset: 0,
                length,
                total: length,
            })
        };
        for resume in [None, Some(&resume)] {
            assert_eq!(ask(200, &[], Some(7), resume), whole(Some(7)));
            assert_eq!(ask(200, &[("etag", "\"v2\"")], None, resume), whole(None));
            let encoded = Use::Body(Extent {
                offset: 0,
                length: Some(7),
                total: None,
            });
            assert_eq!(
                ask(200, &[("content-encoding", "gzip")], Some(7), resume),
                encoded
            );
            for status in [204, 304, 400, 403, 404, 503] {
                assert_eq!(ask(status, &[], None, resume), Use::NoFile, "{status}");
            }
        }
        for status in [412, 416] {
            assert_eq!(ask(status, &[], None, Some(&resume)), Use::AskForWhole);
            assert_eq!(ask(status, &[], None, None), Use::NoFile);
        }
        for (range, expected) in [
            ("bytes 0-999/1000", whole(Some(1000))),
            ("bytes 0-998/1000", Use::UnaskedPart),
            ("bytes 1-999/1000", Use::UnaskedPart),
            ("bytes 0-999/*", Use::UnaskedPart),
            ("bytes 0-999", Use::UnaskedPart),
        ] {
            assert_eq!(
                ask(206, &[("content-range", range)], None, None),
                expected,
                "{range}"
            );
        }
        assert_eq!(ask(206, &[], None, None), Use::UnaskedPart);
    }

    #[test]
    fn a_version_needs_ranges_and_a_strong_tag() {
        let ranges = ("accept-ranges", "Bytes");
        for (lines, is_some) in [
            (vec![ranges, TAG], true),
            (vec![TAG], false),
            (vec![ranges], false),
            (vec![("accept-ranges", "none"), TAG], false),
            (vec![ranges, ("etag", "W/\"v1\"")], false),
            (vec![ranges, ("etag", "v1")], false),
            (vec![ranges, TAG, TAG], false),
            (vec![ranges, TAG, ("content-encoding", "gzip")], false),
            (
                vec![ranges, ("last-modified", "Fri, 20 Mar 2026 08:15:40 GMT")],
                false,
            ),
        ] {
            let head = Head {
                status: StatusCode::OK,
                headers: &headers(&lines),
                length: None,
                url: &url(),
            };
            let Use::Body(extent) = decide(head, None) else {
                panic!("{lines:?}");
            };
            assert_eq!(Version::of(head, extent).is_some(), is_some, "{lines:?}");
        }
    }

    /// One response of a host that says what it likes. Its bytes are those of one version of
    /// the file, from where its status and range say; no client could see through other lies.
    #[derive(Clone, Debug)]
    #[expect(
        clippy::struct_excessive_bools,
        reason = "each is a header that is there or not"
    )]
    struct Turn {
        status: u16,
        version: usize,
        first: u64,
        last: u64,
        /// The size that it claims instead of the true one: a larger one, or 0 for `*`. A
        /// smaller one cannot be seen through if no response before gave the size.
        total: Option<u64>,
        has_tag: bool,
        is_weak: bool,
        has_range: bool,
        offers_ranges: bool,
        length: Length,
        /// How many bytes arrive before the connection is reset.
        cut: Option<usize>,
        /// Bytes behind the announced end.
        more: usize,
    }

    #[derive(Clone, Copy, Debug)]
    enum Length {
        Right,
        None,
        Wrong(u64),
    }

    const VERSIONS: [&[u8]; 3] = [b"0123456789abcdef", b"0123456789ABCDEF", b"0123456789a"];

    fn turn() -> impl Strategy<Value = Turn> {
        let length = prop_oneof![
            4 => Just(Length::Right),
            4 => Just(Length::None),
            1 => (0..20u64).prop_map(Length::Wrong),
        ];
        let yes = || prop::bool::weighted(0.8);
        (
            (
                prop_oneof![4 => Just(206), 2 => Just(200), 1 => Just(416), 1 => Just(503)],
                prop_oneof![4 => Just(0usize), 1 => 1..3usize],
                0..16u64,
                prop_oneof![Just(15), 0..18u64],
                prop_oneof![4 => Just(None), 1 => Just(Some(0)), 1 => (17..20u64).prop_map(Some)],
            ),
            (yes(), prop::bool::weighted(0.1), yes(), yes(), length),
            (
                prop::option::of(0..12usize),
                prop_oneof![6 => Just(0), 1 => 1..4usize],
            ),
        )
            .prop_map(|(a, b, c)| Turn {
                status: a.0,
                version: a.1,
                first: a.2,
                last: a.3,
                total: a.4,
                has_tag: b.0,
                is_weak: b.1,
                has_range: b.2,
                offers_ranges: b.3,
                length: b.4,
                cut: c.0,
                more: c.1,
            })
    }

    impl Turn {
        /// The response to a request for the bytes from `offset`: head, bytes, and whether its
        /// body breaks off.
        fn respond(
            &self,
            offset: Option<u64>,
        ) -> (StatusCode, HeaderMap, Option<u64>, Vec<u8>, bool) {
            let content = VERSIONS[self.version];
            let size = content.len() as u64;
            // Often what was asked for.
            let first = offset.filter(|_| self.first < 10).unwrap_or(self.first);
            let mut lines = Vec::new();
            let tag = format!(
                "{}\"v{}\"",
                if self.is_weak { "W/" } else { "" },
                self.version
            );
            if self.has_tag {
                lines.push(("etag", tag.as_str()));
            }
            if self.offers_ranges {
                lines.push(("accept-ranges", "bytes"));
            }
            let total = match self.total {
                Some(0) => "*".to_owned(),
                claimed => claimed.unwrap_or(size).to_string(),
            };
            let range = format!("bytes {first}-{}/{total}", self.last);
            let mut body = match self.status {
                200 => content.to_vec(),
                206 => {
                    if self.has_range {
                        lines.push(("content-range", range.as_str()));
                    }
                    let end = (self.last + 1).min(size).max(first.min(size));
                    content
                        [usize::try_from(first.min(size)).unwrap()..usize::try_from(end).unwrap()]
                        .to_vec()
                }
                _ => b"no".to_vec(),
            };
            let announced = match (self.length, self.status) {
                (Length::None, _) => None,
                // A body without an end of its own that claims to be shorter cannot be seen
                // through.
                (Length::Wrong(length), 206) => Some(length),
                _ => Some(body.len() as u64),
            };
            // Not both: the two could agree.
            if self.status == 206 && self.total.is_none() {
                body.extend(std::iter::repeat_n(b'!', self.more));
            }
            let mut breaks = false;
            if let Some(cut) = self.cut {
                breaks = cut < body.len();
                body.truncate(cut);
            }
            // The transfer ends with the announced length, or is found too short.
            if let Some(announced) = announced {
                let announced = usize::try_from(announced).unwrap();
                breaks = body.len() < announced;
                body.truncate(announced);
            }
            let status = StatusCode::from_u16(self.status).unwrap();
            (status, headers(&lines), announced, body, breaks)
        }
    }

    /// Downloads as the product does: by [`decide`], [`Version`] and [`Extent`]. Returns the
    /// file, if it is complete, and the number of requests.
    fn download(turns: &[Turn], attempts: usize) -> (Option<Vec<u8>>, usize) {
        let mut turns = turns.iter().cycle();
        let mut requests = 0;
        let mut there: Vec<u8> = Vec::new();
        let mut version: Option<Version> = None;
        for _ in 0..attempts {
            let mut resume = version
                .clone()
                .filter(|_| !there.is_empty())
                .map(|version| Resume {
                    offset: there.len() as u64,
                    version,
                });
            let (extent, breaks, body, seen) = loop {
                requests += 1;
                let offset = resume.as_ref().map(|resume| resume.offset);
                let (status, headers, length, body, breaks) = turns.next().unwrap().respond(offset);
                let head = Head {
                    status,
                    headers: &headers,
                    length,
                    url: &url(),
                };
                match decide(head, resume.as_ref()) {
                    Use::AskForWhole => resume = None,
                    Use::Body(extent) => {
                        let seen = match resume.take() {
                            Some(resume) if extent.offset > 0 => {
                                Some(resume.version.with_total(extent.total))
                            }
                            _ => Version::of(head, extent),
                        };
                        break (Some(extent), breaks, body, seen);
                    }
                    Use::UnaskedPart | Use::NoFile => break (None, true, body, version.clone()),
                }
            };
            version = seen;
            let Some(extent) = extent else { continue };
            if extent.offset == 0 {
                there.clear();
            }
            if extent.is_exceeded(body.len() as u64) {
                version = None;
                continue;
            }
            there.extend_from_slice(&body);
            if !breaks && extent.is_complete(body.len() as u64) {
                return (Some(there), requests);
            }
        }
        (None, requests)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn a_complete_file_is_one_version_of_it(turns in prop::collection::vec(turn(), 1..8)) {
            let (file, requests) = download(&turns, 8);
            prop_assert!(requests <= 16);
            if let Some(file) = file {
                prop_assert!(VERSIONS.contains(&file.as_slice()), "{:?}", String::from_utf8(file));
            }
        }

        #[test]
        fn an_honest_host_that_breaks_off_gives_the_file(cuts in prop::collection::vec(1..5usize, 1..4)) {
            let turns: Vec<_> = cuts.iter().enumerate().map(|(n, cut)| Turn {
                status: if n == 0 { 200 } else { 206 },
                version: 0,
                first: 0,
                last: 15,
                total: None,
                has_tag: true,
                is_weak: false,
                has_range: true,
                offers_ranges: true,
                length: Length::None,
                cut: Some(*cut),
                more: 0,
            }).collect();
            let last = Turn { cut: None, status: 206, ..turns[0].clone() };
            let turns = [turns, vec![last]].concat();
            let (file, requests) = download(&turns, turns.len());
            prop_assert_eq!(file.as_deref(), Some(VERSIONS[0]));
            prop_assert_eq!(requests, turns.len());
        }
    }
}
