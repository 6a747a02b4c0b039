//! Images that are too large, scaled down and encoded anew. The same image gives the same bytes: they
//! identify the row of a batch.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as RowFilter, PngEncoder};
use image::imageops::FilterType;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, guess_format,
};

/// The longest side that is decoded, in pixels.
const MAX_SIDE: u32 = 65_535;

/// The most memory that a decoded image may take: a small file may claim to be any size.
const MAX_MEMORY: u64 = 512 << 20;

/// The qualities of JPEG that are tried before the image is made smaller.
const QUALITIES: [u8; 5] = [90, 80, 70, 60, 50];

/// The shortest longer side that is tried.
const MIN_SIDE: u32 = 64;

/// The largest colour profile that is kept: cameras' have a few hundred bytes, printers' a megabyte.
const MAX_PROFILE: usize = 16 << 10;

/// An image as it is sent.
pub(crate) struct Scaled {
    pub(crate) bytes: Vec<u8>,
    /// What was made of what.
    pub(crate) note: String,
}

/// Whether it can be scaled.
pub(crate) fn is_image(bytes: &[u8]) -> bool {
    format(bytes).is_some()
}

fn format(bytes: &[u8]) -> Option<ImageFormat> {
    let format = guess_format(bytes).ok();
    format.filter(|format| {
        matches!(
            format,
            ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP
        )
    })
}

/// Returns the image with at most `pixels` on its longer side and in at most `limit` bytes; `None` if
/// it fits as it is, or is not an image that can be scaled.
///
/// # Errors
///
/// It cannot be decoded, or not be made small enough.
pub(crate) fn fit(bytes: &[u8], pixels: u32, limit: usize) -> Result<Option<Scaled>, String> {
    let Some(format) = format(bytes) else {
        return Ok(None);
    };
    let is_light = bytes.len() <= limit;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let refused = |e: image::ImageError| format!("cannot be scaled down: {e}");
    let mut decoder = match reader.into_decoder() {
        Ok(decoder) => decoder,
        // What is wrong with a small file is for the service to say.
        Err(_) if is_light => return Ok(None),
        Err(e) => return Err(refused(e)),
    };
    let (width, height) = decoder.dimensions();
    if is_light && width.max(height) <= pixels {
        return Ok(None);
    }
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(format!(
            "is too large to be scaled down: {width}×{height} pixels"
        ));
    }
    let orientation = decoder.orientation().map_err(refused)?;
    let profile = decoder.icc_profile().map_err(refused)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    let before = describe(&image, bytes.len());
    let smaller = Encoder {
        profile: profile.filter(|profile| is_of_rgb(profile) && profile.len() <= MAX_PROFILE),
        limit,
    };
    let mut image = opaque(image);
    let mut side = pixels.min(width.max(height));
    while side >= MIN_SIDE.min(pixels) {
        if image.width().max(image.height()) > side {
            image = image.resize(side, side, FilterType::Lanczos3);
        }
        if let Some((bytes, kind)) = smaller.encode(&image).map_err(refused)? {
            let (width, height) = (image.width(), image.height());
            let note = format!(
                "{before}; sent as {width}×{height} {kind}, {}",
                size(bytes.len())
            );
            return Ok(Some(Scaled { bytes, note }));
        }
        side = side / 4 * 3;
    }
    Err(format!(
        "cannot be made smaller than {}, whatever its size",
        size(limit)
    ))
}

/// In eight bits a channel, with transparency only where there is some.
fn opaque(image: DynamicImage) -> DynamicImage {
    if image.color().has_alpha() {
        let image = image.into_rgba8();
        if image.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
            return DynamicImage::ImageRgba8(image);
        }
        return DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(image).into_rgb8());
    }
    DynamicImage::ImageRgb8(image.into_rgb8())
}

/// Whether a colour profile is of red, green and blue, as the pixels are after decoding.
fn is_of_rgb(profile: &[u8]) -> bool {
    profile.get(16..20) == Some(b"RGB ")
}

struct Encoder {
    profile: Option<Vec<u8>>,
    limit: usize,
}

impl Encoder {
    /// The image in at most the limit of bytes, and its format.
    fn encode(
        &self,
        image: &DynamicImage,
    ) -> Result<Option<(Vec<u8>, &'static str)>, image::ImageError> {
        if image.color().has_alpha() {
            let mut bytes = Vec::new();
            let encoder = PngEncoder::new_with_quality(
                &mut bytes,
                CompressionType::Best,
                RowFilter::Adaptive,
            );
            self.write(encoder, image)?;
            return Ok((bytes.len() <= self.limit).then_some((bytes, "PNG")));
        }
        for quality in QUALITIES {
            let mut bytes = Vec::new();
            self.write(JpegEncoder::new_with_quality(&mut bytes, quality), image)?;
            if bytes.len() <= self.limit {
                return Ok(Some((bytes, "JPEG")));
            }
        }
        Ok(None)
    }

    fn write(
        &self,
        mut encoder: impl ImageEncoder,
        image: &DynamicImage,
    ) -> Result<(), image::ImageError> {
        if let Some(profile) = &self.profile {
            // An encoder that cannot hold it leaves the colours a little off, and no more.
            _ = encoder.set_icc_profile(profile.clone());
        }
        image.write_with_encoder(encoder)
    }
}

fn describe(image: &DynamicImage, bytes: usize) -> String {
    format!("{}×{}, {}", image.width(), image.height(), size(bytes))
}

/// `241 kB`, `5.1 MB`; a kB has 1024 bytes, as it has in the flags.
fn size(bytes: usize) -> String {
    let kilobytes = bytes.div_ceil(1 << 10);
    if kilobytes < 1 << 10 {
        return format!("{kilobytes} kB");
    }
    let tenths = kilobytes.saturating_mul(10).div_ceil(1 << 10);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    /// Noise: nothing that an encoder could leave out.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 1_u32;
        ImageBuffer::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            Rgb([a, b, c])
        })
    }

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn jpeg(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn what_fits_and_what_is_no_image_is_sent_as_it_is() {
        let small = png(&noise(80, 60).into());
        assert!(fit(&small, 80, small.len()).unwrap().is_none());
        for other in [&b""[..], b"a red fox", b"GIF89a\x01\0\x01\0", b"%PDF-1.7"] {
            assert!(fit(other, 64, 4).unwrap().is_none());
        }
        // Nothing that the service would refuse is hidden from it.
        let cut = &small[..20];
        assert!(fit(cut, 64, 1000).unwrap().is_none());
        let refused = fit(cut, 64, 10).err().unwrap();
        assert!(refused.starts_with("cannot be scaled down"), "{refused}");
    }

    #[test]
    fn the_longer_side_and_the_size_are_kept_and_the_bytes_are_the_same_each_time() {
        for (width, height) in [(400, 300), (300, 400)] {
            let bytes = png(&noise(width, height).into());
            let limit = 20 << 10;
            let scaled = fit(&bytes, 200, limit).unwrap().unwrap();
            assert!(scaled.bytes.len() <= limit);
            let image = image::load_from_memory(&scaled.bytes).unwrap();
            assert!(image.width().max(image.height()) <= 200);
            let expected = format!(
                "{width}×{height}, {}; sent as {}×{} JPEG, {}",
                size(bytes.len()),
                image.width(),
                image.height(),
                size(scaled.bytes.len())
            );
            assert_eq!(scaled.note, expected);
            let again = fit(&bytes, 200, limit).unwrap().unwrap();
            assert_eq!(again.bytes, scaled.bytes);
            // What was sent is sent as it is.
            assert!(fit(&scaled.bytes, 200, limit).unwrap().is_none());
        }
        // Only too many bytes: it keeps its size, if a lower quality is enough.
        let bytes = png(&noise(200, 100).into());
        let scaled = fit(&bytes, 2048, bytes.len() - 1).unwrap().unwrap();
        assert!(
            scaled.note.contains("sent as 200×100 JPEG"),
            "{}",
            scaled.note
        );
    }

    #[test]
    fn transparency_is_kept_and_an_alpha_channel_without_it_is_not() {
        let half = RgbaImage::from_pixel(200, 100, Rgba([200, 10, 10, 128]));
        let scaled = fit(&png(&half.into()), 100, 1 << 20).unwrap().unwrap();
        assert!(
            scaled.note.contains("sent as 100×50 PNG"),
            "{}",
            scaled.note
        );
        let image = image::load_from_memory(&scaled.bytes).unwrap();
        assert_eq!(image.into_rgba8().get_pixel(5, 5).0[3], 128);
        let full = RgbaImage::from_pixel(200, 100, Rgba([200, 10, 10, 255]));
        let scaled = fit(&png(&full.into()), 100, 1 << 20).unwrap().unwrap();
        assert!(scaled.note.contains("JPEG"), "{}", scaled.note);
        let grey = GrayImage::from_pixel(200, 100, Luma([7]));
        assert!(fit(&png(&grey.into()), 100, 1 << 20).unwrap().is_some());
    }

    /// A camera's JPEG lies on its side, and says so.
    #[test]
    fn an_image_is_turned_upright() {
        let mut sideways = RgbImage::from_pixel(200, 100, Rgb([0, 0, 255]));
        for y in 0..100 {
            for x in 0..100 {
                sideways.put_pixel(x, y, Rgb([255, 0, 0]));
            }
        }
        let plain = jpeg(&sideways.into());
        // Orientation 6: turn it right by a quarter.
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let bytes = [&plain[..2], b"\xff\xe1", &length, exif, &plain[2..]].concat();
        let scaled = fit(&bytes, 100, 1 << 20).unwrap().unwrap();
        assert!(scaled.note.starts_with("100×200, "), "{}", scaled.note);
        let image = image::load_from_memory(&scaled.bytes).unwrap().into_rgb8();
        assert_eq!(image.dimensions(), (50, 100));
        let (top, bottom) = (image.get_pixel(25, 10).0, image.get_pixel(25, 90).0);
        assert!(top[0] > 200 && bottom[2] > 200, "{top:?} {bottom:?}");
    }

    #[test]
    fn a_colour_profile_of_these_colours_is_kept() {
        for (space, is_kept) in [(b"RGB ", true), (b"CMYK", false)] {
            let mut profile = vec![0; 128];
            profile[16..20].copy_from_slice(space);
            let mut bytes = Vec::new();
            let mut encoder = JpegEncoder::new(&mut bytes);
            encoder.set_icc_profile(profile.clone()).unwrap();
            noise(200, 100).write_with_encoder(encoder).unwrap();
            let scaled = fit(&bytes, 100, 1 << 20).unwrap().unwrap();
            let reader = ImageReader::with_format(Cursor::new(scaled.bytes), ImageFormat::Jpeg);
            let kept = reader.into_decoder().unwrap().icc_profile().unwrap();
            assert_eq!(kept.is_some(), is_kept);
        }
    }

    /// A few bytes that claim to be a large image.
    #[test]
    fn a_bomb_is_not_decoded() {
        let mut bytes = png(&noise(1, 1).into());
        for (width, height) in [(65_000_u32, 65_000_u32), (1_000_000, 1), (60_000, 9_000)] {
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            let crc = crc(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&crc.to_be_bytes());
            match fit(&bytes, 100, 10) {
                Err(why) => assert!(why.contains("scaled down"), "{why}"),
                Ok(_) => panic!("{width}×{height} is decoded"),
            }
        }
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
    }

    #[test]
    fn what_cannot_be_made_small_enough_is_refused() {
        let bytes = png(&noise(200, 100).into());
        let refused = fit(&bytes, 200, 100).err().unwrap();
        assert_eq!(
            refused,
            "cannot be made smaller than 1 kB, whatever its size"
        );
    }
}
