//! Images into grey frames: TIFF with its pages, PNG, JPEG, GIF, BMP, WebP.
//!
//! Does: checks the size before decoding, turns as EXIF says, lays transparency on white, finds the resolution.
//! Fax pages (CCITT G3 and G4) are decoded here, because TIFF libraries know only a part of them.
//! Limits: pixels of one image, pages.

use super::{Limits, format::Format};
use crate::model::finding::{Finding, Severity};
use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Luma, Rgba};
use std::io::{self, Cursor};
use tiff::{
    ColorType,
    decoder::{Decoder, DecodingResult, ifd::Value},
    tags::Tag,
};

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
    fn new(gray: GrayImage, dpi: Option<(f32, f32)>) -> Self {
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

const CENTIMETRES_PER_INCH: f32 = 2.54;

/// The long side of A4 in inches, for images that do not tell their resolution.
const LONG_SIDE_IN: f32 = 11.69;

fn broken(what: impl std::fmt::Display) -> Finding {
    let message =
        format!("The image is damaged and could not be read ({what}); ask the sender for it again.");
    Finding::new("broken_file", Severity::Problem, message)
}

fn too_many_pixels(width: u32, height: u32, limits: &Limits) -> Option<Finding> {
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
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(broken)?;
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if let Some(finding) = too_many_pixels(width, height, limits) {
        return Err(finding);
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(Frame::new(to_gray(picture), find_dpi(bytes)))
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

fn read_tiff(
    bytes: &[u8],
    limits: &Limits,
    each: &mut dyn FnMut(Result<Frame, Finding>) -> io::Result<bool>,
) -> io::Result<()> {
    let mut decoder = match Decoder::new(Cursor::new(bytes)) {
        Ok(decoder) => decoder,
        Err(error) => return each(Err(broken(error))).map(|_| ()),
    };
    loop {
        let frame = read_tiff_page(bytes, &mut decoder, limits);
        if !each(frame)? || !decoder.more_images() {
            return Ok(());
        }
        if let Err(error) = decoder.next_image() {
            return each(Err(broken(error))).map(|_| ());
        }
    }
}

type TiffDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

fn read_tiff_page(bytes: &[u8], decoder: &mut TiffDecoder<'_>, limits: &Limits) -> Result<Frame, Finding> {
    let (width, height) = decoder.dimensions().map_err(broken)?;
    if let Some(finding) = too_many_pixels(width, height, limits) {
        return Err(finding);
    }
    let number = |decoder: &mut TiffDecoder<'_>, tag| decoder.find_tag_unsigned::<u32>(tag).ok().flatten();
    let compression = number(decoder, Tag::Compression).unwrap_or(1);
    let gray = match compression {
        2..=4 => read_fax(bytes, decoder, width, height, compression)?,
        _ => read_plain_tiff(decoder, width, height)?,
    };
    let unit = number(decoder, Tag::ResolutionUnit).unwrap_or(2);
    let mut resolution = |tag| {
        let per_unit = match decoder.find_tag(tag).ok()?? {
            Value::Rational(over, under) => over as f32 / under as f32,
            Value::Float(number) => number,
            other => other.into_u32().ok()? as f32,
        };
        Some(if unit == 3 { per_unit * CENTIMETRES_PER_INCH } else { per_unit })
    };
    let dpi = resolution(Tag::XResolution).zip(resolution(Tag::YResolution)).filter(|_| unit != 1);
    let turned = turn(gray, number(decoder, Tag::Orientation).unwrap_or(1));
    Ok(Frame::new(turned, dpi))
}

/// As TIFF's tag 274 asks.
fn turn(gray: GrayImage, orientation: u32) -> GrayImage {
    let mut picture = DynamicImage::ImageLuma8(gray);
    let orientation = u8::try_from(orientation).ok().and_then(image::metadata::Orientation::from_exif);
    picture.apply_orientation(orientation.unwrap_or(image::metadata::Orientation::NoTransforms));
    picture.into_luma8()
}

fn read_plain_tiff(decoder: &mut TiffDecoder<'_>, width: u32, height: u32) -> Result<GrayImage, Finding> {
    let color = decoder.colortype().map_err(broken)?;
    let pixels = match decoder.read_image().map_err(broken)? {
        DecodingResult::U8(pixels) => pixels,
        DecodingResult::U16(pixels) => pixels.into_iter().map(|p| (p >> 8) as u8).collect(),
        _ => return Err(broken("pixels of an unusual kind")),
    };
    let gray = match color {
        ColorType::Gray(1) => {
            let row_bytes = (width as usize).div_ceil(8);
            GrayImage::from_fn(width, height, |x, y| {
                let byte = pixels.get(y as usize * row_bytes + x as usize / 8).copied().unwrap_or(255);
                Luma([if byte >> (7 - x % 8) & 1 == 1 { 255 } else { 0 }])
            })
        }
        ColorType::Gray(_) => {
            GrayImage::from_raw(width, height, pixels).ok_or_else(|| broken("too short"))?
        }
        ColorType::RGB(_) | ColorType::YCbCr(_) => {
            let luma_only = matches!(color, ColorType::YCbCr(_));
            from_samples(&pixels, width, height, 3, |s| if luma_only { first(s) } else { rgb_luma(s) })
        }
        ColorType::RGBA(_) => from_samples(&pixels, width, height, 4, rgb_luma),
        ColorType::GrayA(_) => from_samples(&pixels, width, height, 2, first),
        ColorType::CMYK(_) => from_samples(&pixels, width, height, 4, |s| {
            let ink: u32 = s.iter().map(|c| u32::from(*c)).sum();
            255 - ink.min(255) as u8
        }),
        other => return Err(broken(format!("colours {other:?}"))),
    };
    Ok(gray)
}

fn first(samples: &[u8]) -> u8 {
    samples.first().copied().unwrap_or(255)
}

fn rgb_luma(samples: &[u8]) -> u8 {
    let weights = [299, 587, 114];
    let sum: u32 = samples.iter().zip(weights).map(|(s, w)| u32::from(*s) * w).sum();
    (sum / 1000) as u8
}

fn from_samples(
    pixels: &[u8],
    width: u32,
    height: u32,
    samples: usize,
    luma: impl Fn(&[u8]) -> u8,
) -> GrayImage {
    let mut gray = GrayImage::from_pixel(width, height, Luma([255]));
    for (pixel, group) in gray.pixels_mut().zip(pixels.chunks_exact(samples)) {
        *pixel = Luma([luma(group)]);
    }
    gray
}

/// Rows of a fax page, painted as they are decoded.
struct FaxRows {
    gray: GrayImage,
    row: u32,
    ink: u8,
}

impl hayro_ccitt::Decoder for FaxRows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.row < self.gray.height() {
            for run in changes.chunks(2) {
                let start = run.first().copied().unwrap_or(0);
                let end = run.get(1).copied().unwrap_or(self.gray.width()).min(self.gray.width());
                for x in start..end {
                    self.gray.put_pixel(x, self.row, Luma([self.ink]));
                }
            }
        }
        self.row += 1;
    }
}

fn read_fax(
    bytes: &[u8],
    decoder: &mut TiffDecoder<'_>,
    width: u32,
    height: u32,
    compression: u32,
) -> Result<GrayImage, Finding> {
    let number = |decoder: &mut TiffDecoder<'_>, tag| decoder.find_tag_unsigned::<u32>(tag).ok().flatten();
    let options = number(decoder, Tag::Unknown(292)).unwrap_or(0);
    let encoding = match compression {
        4 => EncodingMode::Group4,
        3 if options & 1 == 1 => EncodingMode::Group3_2D,
        _ => EncodingMode::Group3_1D,
    };
    let white_is_zero = number(decoder, Tag::PhotometricInterpretation).unwrap_or(0) == 0;
    let low_bit_first = number(decoder, Tag::FillOrder) == Some(2);
    let rows_per_strip = number(decoder, Tag::RowsPerStrip).unwrap_or(height).clamp(1, height);
    let offsets = decoder.get_tag_u64_vec(Tag::StripOffsets).map_err(broken)?;
    let lengths = decoder.get_tag_u64_vec(Tag::StripByteCounts).map_err(broken)?;
    let (paper, ink) = if white_is_zero { (255, 0) } else { (0, 255) };
    let mut rows = FaxRows { gray: GrayImage::from_pixel(width, height, Luma([paper])), row: 0, ink };
    for (strip, (offset, length)) in (0_u32..).zip(offsets.into_iter().zip(lengths)) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
        let data = bytes.get(start..end).ok_or_else(|| broken("a strip lies outside the file"))?;
        let reversed: Vec<u8>;
        let data = if low_bit_first {
            reversed = data.iter().map(|b| b.reverse_bits()).collect();
            &reversed
        } else {
            data
        };
        rows.row = strip.saturating_mul(rows_per_strip);
        if rows.row >= height {
            break;
        }
        let settings = DecodeSettings {
            columns: width,
            rows: rows_per_strip.min(height - rows.row),
            end_of_block: true,
            end_of_line: false,
            rows_are_byte_aligned: compression == 2,
            encoding,
            strict: false,
        };
        if let Err(error) = hayro_ccitt::decode(data, &mut rows, &mut DecoderContext::new(settings)) {
            tracing::debug!(?error, "fax strip is damaged");
        }
    }
    Ok(rows.gray)
}
