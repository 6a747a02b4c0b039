//! Media types of files, by content, claimed type and name; and the extensions that go with them.
//!
//! ```
//! use cometapi_models::media::{FileType, media_type};
//!
//! let png = b"\x89PNG\r\n\x1a\n...";
//! assert_eq!(media_type(png), "image/png");
//! // The content wins over what a host claims.
//! let file = FileType::of(png, Some("image/jpeg"), Some("/out.jpg"));
//! assert_eq!((&*file.media_type, &*file.extension), ("image/png", "png"));
//! ```

mod markup;

use self::markup::Markup;

/// Reads `type/subtype` from a Content-Type value: lower case, without parameters.
pub fn essence(value: &str) -> Option<String> {
    let essence = value.split(';').next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
    };
    (token(kind) && token(subtype)).then_some(essence)
}

/// How many bytes of a file usually decide its type.
pub const HEAD: usize = 1024;

/// How many bytes are read at most if a file begins with comments or whitespace.
const LONGEST_HEAD: usize = 64 * 1024;

/// Returns how many bytes of a file to read if `head` does not decide its type: at least
/// [`HEAD`], and more if a web page may begin after a long comment. `None` if it does.
pub fn bytes_needed(head: &[u8]) -> Option<usize> {
    match head.len() {
        ..HEAD => Some(HEAD),
        LONGEST_HEAD.. => None,
        // Twice as many, so that a long comment is not read again for each piece.
        len => (Markup::of(head) == Markup::Open).then_some(2 * len),
    }
}

/// Media types and the extensions that people expect for them. The crates that know the rest
/// lack these or prefer other names. The first row of an extension is its media type.
const EXTENSIONS: [(&str, &str); 42] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
    ("image/avif", "avif"),
    ("image/heic", "heic"),
    ("image/bmp", "bmp"),
    ("image/tiff", "tiff"),
    ("image/svg+xml", "svg"),
    ("image/jxl", "jxl"),
    ("image/x-exr", "exr"),
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/x-m4v", "m4v"),
    ("video/3gpp", "3gp"),
    ("video/3gpp2", "3g2"),
    ("video/mpeg", "mpg"),
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/ogg", "ogg"),
    ("audio/opus", "opus"),
    ("audio/flac", "flac"),
    ("audio/x-flac", "flac"),
    ("audio/mp4", "m4a"),
    ("audio/aac", "aac"),
    ("audio/midi", "mid"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/json", "json"),
    ("application/x-ndjson", "jsonl"),
    ("application/x-tar", "tar"),
    ("application/gzip", "gz"),
    ("model/gltf-binary", "glb"),
    ("text/plain", "txt"),
    ("text/csv", "csv"),
    ("text/vtt", "vtt"),
    ("text/markdown", "md"),
];

/// A media type, and the extension that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileType {
    /// The media type, such as `image/png`; `application/octet-stream` if it is not known.
    pub media_type: String,
    /// The extension, without a dot; `bin` if it is not known.
    pub extension: String,
}

impl FileType {
    /// Returns the type of a file that begins with `head`. In this order: by its content, because
    /// hosts often name a wrong type; by the media type that its host `claims`, if it is specific;
    /// by the extension of its URL's `path`.
    pub fn of(head: &[u8], claims: Option<&str>, path: Option<&str>) -> Self {
        let named = path.and_then(path_extension);
        if let Some(found) = sniff(head) {
            // Many formats are a zip or gzip file inside; the name tells them apart.
            let extension = match named {
                Some(named)
                    if is_container(found.media_type) && media_type_of(&named).is_none() =>
                {
                    named
                }
                _ => found
                    .extension
                    .or_else(|| extension(found.media_type))
                    .map_or_else(|| "bin".to_owned(), str::to_owned),
            };
            return Self {
                media_type: found.media_type.to_owned(),
                extension,
            };
        }
        // A page would have been found above, unless it is one by name only.
        let claims = claims.filter(|claim| *claim != "text/html" || is_text(head));
        let specific = claims
            .filter(|claim| !is_vague(claim))
            .and_then(|claim| Some((claim, extension(claim)?)));
        if let Some((claim, extension)) = specific {
            return Self::new(claim, extension);
        }
        if let Some(named) = named {
            let media_type = media_type_of(&named).or(claims);
            return Self::new(media_type.unwrap_or(UNKNOWN), &named);
        }
        match claims {
            Some(claim) => Self::new(claim, extension(claim).unwrap_or("bin")),
            None => Self::new(UNKNOWN, "bin"),
        }
    }

    /// Returns the type of text that is saved as `media_type`.
    pub fn of_text(media_type: &str) -> Self {
        Self::new(media_type, extension(media_type).unwrap_or("txt"))
    }

    /// Returns the type of a file with this extension.
    pub fn of_extension(extension: &str) -> Self {
        Self::new(media_type_of(extension).unwrap_or(UNKNOWN), extension)
    }

    fn new(media_type: &str, extension: &str) -> Self {
        Self {
            media_type: media_type.to_owned(),
            extension: extension.to_owned(),
        }
    }
}

const UNKNOWN: &str = "application/octet-stream";

/// Returns the media type of a file that begins with `head`, by its content alone.
pub fn media_type(head: &[u8]) -> &'static str {
    sniff(head).map_or(UNKNOWN, |found| found.media_type)
}

/// Whether a claimed media type says nothing that an extension could not say better.
fn is_vague(claim: &str) -> bool {
    matches!(
        claim,
        UNKNOWN
            | "binary/octet-stream"
            | "application/binary"
            | "application/download"
            | "application/force-download"
            | "application/x-download"
            | "application/unknown"
            | "text/plain"
    )
}

fn is_container(media_type: &str) -> bool {
    matches!(media_type, "application/zip" | "application/gzip")
}

fn extension(media_type: &str) -> Option<&'static str> {
    EXTENSIONS
        .iter()
        .find(|(known, _)| *known == media_type)
        .map(|(_, extension)| *extension)
        .or_else(|| mime2ext::mime2ext(media_type))
}

fn media_type_of(extension: &str) -> Option<&'static str> {
    EXTENSIONS
        .iter()
        .find(|(_, known)| *known == extension)
        .map(|(media_type, _)| *media_type)
}

/// Returns the extension of the last segment of a URL's path, lower case, if a file can have
/// it. Extensions of programs that generate responses are none.
fn path_extension(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let usable = !stem.is_empty()
        && is_extension(&extension)
        && !matches!(
            extension.as_str(),
            "php" | "asp" | "aspx" | "jsp" | "cgi" | "html" | "htm"
        );
    usable.then_some(extension)
}

/// Returns whether a file can have this extension: up to twelve ASCII letters and digits, not digits
/// only. `safetensors` has eleven.
pub fn is_extension(extension: &str) -> bool {
    (1..=12).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        && !extension.bytes().all(|b| b.is_ascii_digit())
}

/// Returns whether a name ends in an extension of a web page.
pub fn is_page_name(name: &str) -> bool {
    has_extension(name, &["html", "htm", "xhtml"])
}

/// Returns whether a name ends in an extension of text, data, weights or a document: of files that
/// models return, and that web pages may show, too.
pub fn is_data_file_name(name: &str) -> bool {
    const DATA: [&str; 28] = [
        "json",
        "jsonl",
        "csv",
        "tsv",
        "txt",
        "md",
        "markdown",
        "srt",
        "vtt",
        "tex",
        "mtl",
        "mid",
        "midi",
        "npy",
        "npz",
        "pkl",
        "bin",
        "dat",
        "pt",
        "pth",
        "ckpt",
        "onnx",
        "safetensors",
        "parquet",
        "7z",
        "docx",
        "pptx",
        "xlsx",
    ];
    has_extension(name, &DATA)
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && extensions
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
    })
}

/// Returns whether a name ends in an extension of an image, a video, a sound, a 3D model or an archive.
pub fn is_media_file_name(name: &str) -> bool {
    const MEDIA: [&str; 35] = [
        "png", "jpg", "jpeg", "webp", "gif", "avif", "heic", "bmp", "tif", "tiff", "svg", "mp4",
        "m4v", "mov", "webm", "mkv", "avi", "mp3", "wav", "flac", "ogg", "opus", "m4a", "aac",
        "glb", "gltf", "obj", "ply", "stl", "fbx", "usdz", "zip", "tar", "gz", "pdf",
    ];
    has_extension(name, &MEDIA)
}

/// What the content of a file says.
struct Sniffed {
    media_type: &'static str,
    /// Where it does not follow from the media type.
    extension: Option<&'static str>,
}

fn sniff(head: &[u8]) -> Option<Sniffed> {
    let own = iso_media(head)
        .or_else(|| matroska(head))
        .or_else(|| match Markup::of(head) {
            Markup::Page => Some("text/html"),
            Markup::Svg => Some("image/svg+xml"),
            Markup::Open | Markup::Other => None,
        })
        .or_else(|| head.starts_with(b"glTF").then_some("model/gltf-binary"));
    if let Some(media_type) = own {
        return Some(Sniffed {
            media_type,
            extension: None,
        });
    }
    let found = infer::get(head)?;
    let media_type = match found.mime_type() {
        // Two letters that text may begin with, too.
        "image/bmp" if head.get(6..10) != Some(&[0; 4]) => return None,
        "audio/x-wav" => "audio/wav",
        "audio/x-flac" => "audio/flac",
        "audio/m4a" => "audio/mp4",
        known => known,
    };
    let extension = match found.extension() {
        "tif" => "tiff",
        "midi" => "mid",
        known => known,
    };
    match found.matcher_type() {
        infer::MatcherType::Image
        | infer::MatcherType::Video
        | infer::MatcherType::Audio
        | infer::MatcherType::Archive
        | infer::MatcherType::Book
        | infer::MatcherType::Doc
            if media_type != UNKNOWN =>
        {
            Some(Sniffed {
                media_type,
                extension: Some(extension),
            })
        }
        // Programs and fonts are not outputs; two bytes are enough to be taken for one.
        _ => None,
    }
}

/// The media type of a file of the ISO base media format (ISO/IEC 14496-12): the first brand
/// that is known, the major one before the compatible ones.
fn iso_media(head: &[u8]) -> Option<&'static str> {
    let (size, rest) = head.split_first_chunk::<4>()?;
    let rest = rest.strip_prefix(b"ftyp")?;
    let (major, rest) = rest.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    // What follows the minor version, up to the end of the box.
    let compatible = rest.get(4..).unwrap_or_default();
    let compatible = &compatible[..compatible.len().min(size.saturating_sub(16))];
    let compatible = || compatible.as_chunks::<4>().0.iter().copied();
    // These brands only say that the file holds images; the coding is among the others.
    if matches!(major, b"mif1" | b"msf1" | b"miaf") {
        return compatible()
            .find_map(brand)
            .filter(|found| found.starts_with("image/"))
            .or(Some("image/heif"));
    }
    brand(*major)
        .or_else(|| compatible().find_map(brand))
        .or(Some("video/mp4"))
}

fn brand(brand: [u8; 4]) -> Option<&'static str> {
    Some(match &brand {
        b"avif" | b"avis" => "image/avif",
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => "image/heic",
        b"M4A " | b"M4B " | b"M4P " => "audio/mp4",
        b"M4V " | b"M4VH" | b"M4VP" => "video/x-m4v",
        b"qt  " => "video/quicktime",
        [b'3', b'g', b'p', _] => "video/3gpp",
        [b'3', b'g', b'2', _] => "video/3gpp2",
        [b'i', b's', b'o', _] | b"mp41" | b"mp42" | b"mp71" | b"avc1" | b"dash" | b"mmp4" => {
            "video/mp4"
        }
        _ => return None,
    })
}

/// The media type of an EBML file (RFC 8794), by its `DocType` element.
fn matroska(head: &[u8]) -> Option<&'static str> {
    const DOC_TYPE: [u8; 2] = [0x42, 0x82];
    let header = head.strip_prefix(b"\x1a\x45\xdf\xa3")?;
    let header = &header[..header.len().min(256)];
    let webm = header.windows(2).enumerate().any(|(at, id)| {
        // One byte of length follows the id.
        id == DOC_TYPE
            && header
                .get(at + 3..)
                .is_some_and(|text| text.starts_with(b"webm"))
    });
    Some(if webm {
        "video/webm"
    } else {
        "video/x-matroska"
    })
}

/// Whether `head` can be the start of text.
fn is_text(head: &[u8]) -> bool {
    !head
        .iter()
        .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != 0x1b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the ISO base media format with these brands, the major one first.
    fn iso(brands: &[&str]) -> Vec<u8> {
        let mut file = u32::try_from(8 + 4 + 4 * brands.len())
            .unwrap()
            .to_be_bytes()
            .to_vec();
        file.extend_from_slice(b"ftyp");
        for (position, brand) in brands.iter().enumerate() {
            file.extend_from_slice(brand.as_bytes());
            if position == 0 {
                file.extend_from_slice(&[0, 0, 2, 0]);
            }
        }
        // The next box; its bytes are no brands.
        file.extend_from_slice(b"\0\0\0\x08avif\0\0\0\0mdat");
        file
    }

    #[test]
    fn a_claim_is_read_without_its_parameters() {
        assert_eq!(essence("Image/PNG; q=1").as_deref(), Some("image/png"));
        for bad in ["", "png", "image/", "a/b/c", "image/../x", "a b/c"] {
            assert_eq!(essence(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_media_file_name_is_known_by_its_extension() {
        for name in ["out-0.png", "A.MP4", "mesh.ply", "out.tar.gz"] {
            assert!(is_media_file_name(name), "{name}");
        }
        for name in ["png", ".png", "out", "out.", "version 1.5", "e.g."] {
            assert!(!is_media_file_name(name), "{name}");
        }
    }

    #[test]
    fn a_page_is_known_by_its_extension() {
        for name in ["/report.html", "/a.b/Report.HTM", "out.xhtml"] {
            assert!(is_page_name(name), "{name}");
        }
        for name in ["/html", ".html", "/a.html/b", "/a.htmlx", "/a.png"] {
            assert!(!is_page_name(name), "{name}");
        }
    }

    #[test]
    fn a_data_file_is_known_by_its_extension() {
        for name in ["/out.json", "/a/lora.safetensors", "OUT.NPZ"] {
            assert!(is_data_file_name(name), "{name}");
        }
        for name in ["/json", "/a.json/b", "/out.png", "/article.html"] {
            assert!(!is_data_file_name(name), "{name}");
        }
    }

    #[test]
    fn the_first_known_brand_decides() {
        let files: [(&[&str], &str); 18] = [
            (&["heic", "mif1", "heic"], "image/heic"),
            (&["heix"], "image/heic"),
            (&["mif1", "heic"], "image/heic"),
            (&["mif1", "miaf", "avif"], "image/avif"),
            (&["avif", "mif1", "heic"], "image/avif"),
            (&["mif1"], "image/heif"),
            (&["mif1", "mp42"], "image/heif"),
            (&["msf1", "hevc"], "image/heic"),
            (&["avis", "msf1"], "image/avif"),
            (&["M4A ", "mp42", "isom"], "audio/mp4"),
            (&["M4V ", "M4A ", "mp42"], "video/x-m4v"),
            (&["qt  "], "video/quicktime"),
            (&["isom", "iso2", "avc1", "mp41"], "video/mp4"),
            (&["mp42", "M4A "], "video/mp4"),
            (&["3gp5", "isom"], "video/3gpp"),
            (&["3g2a"], "video/3gpp2"),
            (&["XAVC", "qt  "], "video/quicktime"),
            (&["XAVC", "????"], "video/mp4"),
        ];
        for (brands, expected) in files {
            assert_eq!(media_type(&iso(brands)), expected, "{brands:?}");
        }
        // Cut inside the box, or with a size that cannot be.
        assert_eq!(media_type(b"\0\0\0\x1cftypmif1"), "image/heif");
        assert_eq!(media_type(b"\0\0\0\0ftypheic\0\0\0\0"), "image/heic");
        assert_eq!(media_type(b"\xff\xff\xff\xffftypisom"), "video/mp4");
        assert_eq!(media_type(b"\0\0\0\x1cftyp"), UNKNOWN);
    }

    #[test]
    fn the_content_decides_by_itself() {
        let webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x02";
        let mkv = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska\x42\x87";
        let files: [(&[u8], &str); 24] = [
            (b"\x89PNG\r\n\x1a\n...", "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"RIFF....WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"BM\x3a\0\0\0\0\0\0\0\x36\0", "image/bmp"),
            (b"II*\0\x08\0\0\0\x0e\0\0\x01", "image/tiff"),
            (webm, "video/webm"),
            (mkv, "video/x-matroska"),
            (b"ID3\x04\0\0", "audio/mpeg"),
            (b"\xff\xfb\x90\x64", "audio/mpeg"),
            (b"fLaC\0\0\0\x22", "audio/flac"),
            (b"OggS\0\x02\0\0", "audio/ogg"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0", "application/zip"),
            (b"\x1f\x8b\x08\0\0\0", "application/gzip"),
            (b"glTF\x02\0\0\0", "model/gltf-binary"),
            (b"<svg xmlns='x'/>", "image/svg+xml"),
            (
                b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>",
                "image/svg+xml",
            ),
            (b" \n<!DOCTYPE HTML>", "text/html"),
            (b"BMW builds cars, and they", UNKNOWN),
            (b"\x64\x86\0\0\0\0\0\0{\"__metadata__\":", UNKNOWN),
            (b"what is this", UNKNOWN),
            (b"", UNKNOWN),
        ];
        for (head, expected) in files {
            assert_eq!(media_type(head), expected, "{head:?}");
        }
    }

    #[test]
    fn content_then_claim_then_name_decide() {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n...";
        const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0";
        const OCTETS: Option<&str> = Some(UNKNOWN);
        let rows = [
            (PNG, Some("image/webp"), "/a.jpg", "image/png", "png"),
            (b"\xff\xd8\xff\xe0", OCTETS, "/a.png", "image/jpeg", "jpg"),
            (b"abc", Some("image/webp"), "/a.png", "image/webp", "webp"),
            (b"abc", Some("text/csv"), "/a", "text/csv", "csv"),
            (b"abc", Some("model/obj"), "/a", "model/obj", "obj"),
            (b"ply\n", OCTETS, "/x/out.ply", UNKNOWN, "ply"),
            (b"abc", OCTETS, "/out.mp3", "audio/mpeg", "mp3"),
            (b"abc", OCTETS, "/out.TAR", "application/x-tar", "tar"),
            (b"a,b", Some("text/plain"), "/out.csv", "text/csv", "csv"),
            (
                b"a,b",
                Some("binary/octet-stream"),
                "/out.csv",
                "text/csv",
                "csv",
            ),
            (b"\x08\0", None, "/lora.safetensors", UNKNOWN, "safetensors"),
            (b"abc", Some("text/plain"), "/out", "text/plain", "txt"),
            (b"abc", Some("text/plain"), "/out.srt", "text/plain", "srt"),
            (
                b"abc",
                Some("chemical/x-unheard-of"),
                "/out.pdb",
                "chemical/x-unheard-of",
                "pdb",
            ),
            (
                b"abc",
                Some("chemical/x-unheard-of"),
                "/out",
                "chemical/x-unheard-of",
                "bin",
            ),
            (ZIP, OCTETS, "/weights.npz", "application/zip", "npz"),
            (ZIP, OCTETS, "/out", "application/zip", "zip"),
            (ZIP, OCTETS, "/out.png", "application/zip", "zip"),
            (b"\x1f\x8b\x08\0", None, "/a.tgz", "application/gzip", "tgz"),
            (b"abc", None, "/get.php", UNKNOWN, "bin"),
            (b"abc", None, "/v1.5", UNKNOWN, "bin"),
            (b"abc", None, "/.png", UNKNOWN, "bin"),
            (b"abc", None, "/a.b-c", UNKNOWN, "bin"),
            (b"abc", None, "/a.averyverylongone", UNKNOWN, "bin"),
            (b"abc", None, "/a.\u{fc}", UNKNOWN, "bin"),
            (b"Sign in", Some("text/html"), "/a.png", "text/html", "html"),
            (
                b"\0\x01",
                Some("text/html"),
                "/a.glb",
                "model/gltf-binary",
                "glb",
            ),
            (b"", None, "/", UNKNOWN, "bin"),
        ];
        for (head, claims, path, media_type, extension) in rows {
            assert_eq!(
                FileType::of(head, claims, Some(path)),
                FileType::new(media_type, extension),
                "{head:?} {claims:?} {path}"
            );
        }
    }
}
