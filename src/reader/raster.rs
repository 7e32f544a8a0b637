//! Images into grey frames: PNG, JPEG, GIF, BMP, WebP, and TIFF with its pages.
//!
//! Does: checks the size before decoding, turns as EXIF says, lays transparency on white, finds the resolution.
//! Limits: pixels of one image, pages.

use super::{Limits, format::Format, tiff::read_tiff};
use crate::model::finding::{Finding, Severity};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Luma, Rgba};
use std::io::{self, Cursor};

/// A page of pixels, dark ink on light paper.
pub(super) struct Frame {
    pub(super) gray: GrayImage,
    /// Dots per inch across; as the file says, or guessed from a page of usual size.
    pub(super) dpi_x: f32,
    /// Dots per inch down.
    pub(super) dpi_y: f32,
}

impl Frame {
    /// The resolution is believed only if the page then has a size that paper has.
    pub(super) fn new(gray: GrayImage, dpi: Option<(f32, f32)>) -> Self {
        let (width, height) = (gray.width() as f32, gray.height() as f32);
        let believable = |(x, y): &(f32, f32)| {
            let (w, h) = (width / x, height / y);
            w.is_finite() && h.is_finite() && (4.0..24.0).contains(&w.max(h)) && (0.4..2.6).contains(&(x / y))
        };
        let guess = width.max(height) / LONG_SIDE_IN;
        let (dpi_x, dpi_y) = dpi.filter(believable).unwrap_or((guess, guess));
        Self { gray, dpi_x, dpi_y }
    }

    /// Whether there is nothing but pure black and white.
    pub(super) fn is_bilevel(&self) -> bool {
        self.gray.pixels().all(|p| p.0 == [0] || p.0 == [255])
    }
}

/// The widest picture that is drawn.
const PICTURE_WIDTH_PX_MAX: u32 = 8_000;

pub(super) const CENTIMETRES_PER_INCH: f32 = 2.54;

/// The long side of A4 in inches, for images that do not tell their resolution.
const LONG_SIDE_IN: f32 = 11.69;

pub(super) fn broken(what: impl std::fmt::Display) -> Finding {
    let message =
        format!("The image is damaged and could not be read ({what}); ask the sender for it again.");
    Finding::new("broken_file", Severity::Problem, message)
}

pub(super) fn too_many_pixels(width: u32, height: u32, limits: &Limits) -> Option<Finding> {
    let pixels = u64::from(width) * u64::from(height);
    (pixels > limits.image_pixels || pixels == 0).then(|| {
        let message = format!(
            "The image has {width} x {height} pixels, more than the limit of {}.",
            limits.image_pixels
        );
        Finding::new("pixel_limit", Severity::Problem, message)
    })
}

/// Decodes the frames one by one; `each` says whether to go on.
pub(super) fn read_frames(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    each: &mut dyn FnMut(Result<Frame, Finding>) -> io::Result<bool>,
) -> io::Result<()> {
    if format == Format::Tiff {
        read_tiff(bytes, limits, each)
    } else {
        each(read_image(bytes, limits)).map(|_| ())
    }
}

/// Draws one frame as a grey PNG of the given width, as upright as the file says it is.
pub(super) fn draw_png(
    bytes: &[u8],
    format: Format,
    number: u32,
    width_px: u32,
    limits: &Limits,
) -> Result<Vec<u8>, Finding> {
    let mut found = None;
    let mut at = 0;
    let mut pick = |frame: Result<Frame, Finding>| {
        at += 1;
        if at == number {
            found = Some(frame);
        }
        Ok(at < number)
    };
    read_frames(bytes, format, limits, &mut pick).map_err(broken)?;
    let missing =
        || Err(Finding::new("no_such_page", Severity::Check, format!("The document has no page {number}.")));
    let frame = found.unwrap_or_else(missing)?;
    // Fax dots are not square: the shape on paper counts.
    let (width_in, height_in) =
        (frame.gray.width() as f32 / frame.dpi_x, frame.gray.height() as f32 / frame.dpi_y);
    let width = width_px.clamp(1, PICTURE_WIDTH_PX_MAX);
    let height = (width as f32 * height_in / width_in.max(f32::EPSILON)).round().max(1.0) as u32;
    if let Some(finding) = too_many_pixels(width, height, limits) {
        return Err(finding);
    }
    let small = image::imageops::resize(&frame.gray, width, height, image::imageops::FilterType::Triangle);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, image::ImageFormat::Png).map_err(broken)?;
    Ok(png.into_inner())
}

fn read_image(bytes: &[u8], limits: &Limits) -> Result<Frame, Finding> {
    Ok(Frame::new(decode_gray(bytes, limits)?, find_dpi(bytes)))
}

/// The pixels of one image.
pub(super) fn decode_gray(bytes: &[u8], limits: &Limits) -> Result<GrayImage, Finding> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(broken)?;
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if let Some(finding) = too_many_pixels(width, height, limits) {
        return Err(finding);
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(to_gray(picture))
}

fn to_gray(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let rgba = picture.into_rgba8();
    GrayImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let Rgba([r, g, b, a]) = *rgba.get_pixel(x, y);
        let luma = (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000;
        Luma([((luma * u32::from(a) + 255 * (255 - u32::from(a))) / 255) as u8])
    })
}

/// Resolution from the JFIF header of a JPEG or the `pHYs` chunk of a PNG.
fn find_dpi(bytes: &[u8]) -> Option<(f32, f32)> {
    const METRES_PER_INCH: f32 = 0.0254;
    let head = bytes.get(..4096).unwrap_or(bytes);
    if bytes.starts_with(b"\x89PNG") {
        let at = head.windows(4).position(|w| w == b"pHYs")? + 4;
        let [a, b, c, d, e, f, g, h, 1] = *head.get(at..at + 9)? else { return None };
        let per_metre = |n: [u8; 4]| u32::from_be_bytes(n) as f32 * METRES_PER_INCH;
        return Some((per_metre([a, b, c, d]), per_metre([e, f, g, h])));
    }
    if bytes.starts_with(b"\xff\xd8") {
        let at = head.windows(5).position(|w| w == b"JFIF\0")? + 7;
        let [unit, a, b, c, d] = *head.get(at..at + 5)? else { return None };
        let (x, y) = (f32::from(u16::from_be_bytes([a, b])), f32::from(u16::from_be_bytes([c, d])));
        return match unit {
            1 => Some((x, y)),
            2 => Some((x * CENTIMETRES_PER_INCH, y * CENTIMETRES_PER_INCH)),
            _ => None,
        };
    }
    None
}
