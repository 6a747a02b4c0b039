//! From pixels to a file.

use bytes::Bytes;
use image::ExtendedColorType::Rgb8;
use image::ImageEncoder as _;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;

/// An image file's format, as `output_format` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Webp,
    Jpeg,
    Png,
}

impl Format {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "webp" => Self::Webp,
            "jpg" => Self::Jpeg,
            "png" => Self::Png,
            _ => return None,
        })
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// `quality` is JPEG's, 1 to 100; PNG and WebP are lossless.
pub(super) fn encode(image: &RgbImage, format: Format, quality: u8) -> Option<Bytes> {
    let mut file = Vec::new();
    let (pixels, width, height) = (image.as_raw(), image.width(), image.height());
    let written = match format {
        Format::Webp => {
            WebPEncoder::new_lossless(&mut file).write_image(pixels, width, height, Rgb8)
        }
        Format::Jpeg => JpegEncoder::new_with_quality(&mut file, quality)
            .write_image(pixels, width, height, Rgb8),
        Format::Png => {
            PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Up)
                .write_image(pixels, width, height, Rgb8)
        }
    };
    written.ok().map(|()| file.into())
}
