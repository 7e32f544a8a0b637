//! TIFF pages into grey frames (TIFF 6.0): bilevel, grey, palette, RGB, YCbCr, CMYK and L*a*b*, 1 to 32 bits a sample,
//! in strips, tiles or planes.
//!
//! Fax pages (CCITT G3 and G4) and JPEG of the old kind are decoded here, because TIFF libraries know only a part of them.
//! What is sound but of a kind that nobody here knows is called so, not damaged.

use super::{
    Limits,
    raster::{CENTIMETRES_PER_INCH, Frame, broken, decode_gray, too_many_pixels},
};
use crate::model::finding::{Finding, Severity};
use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use image::{DynamicImage, GrayImage, Luma};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    io::{self, Cursor},
};
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, ifd::Value},
    tags::Tag,
};

type TiffDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

/// JPEG of the old kind (TIFF 6.0, section 22).
const OLD_JPEG: u32 = 6;
/// Extra samples hold transparency that is multiplied into the colours already.
const ASSOCIATED_ALPHA: u32 = 1;
/// Samples of a pixel that are looked at.
const SAMPLES_MAX: usize = 5;

/// What a finding says of an error: damaged, too large, or of a kind that is not known.
fn refuse(error: TiffError) -> Finding {
    let message = match error {
        TiffError::UnsupportedError(kind) => {
            format!(
                "A page of the TIFF is stored in a way that cannot be read here ({kind}); open it by hand, or ask the sender for a PDF."
            )
        }
        TiffError::LimitsExceeded => {
            "A page of the TIFF takes too much memory; open it by hand, or ask the sender for a smaller one."
                .to_owned()
        }
        other => return broken(other),
    };
    Finding::new("unsupported_format", Severity::Problem, message)
}

/// Decodes the pages one by one; `each` says whether to go on.
pub(super) fn read_tiff(
    bytes: &[u8],
    limits: &Limits,
    each: &mut dyn FnMut(Result<Frame, Finding>) -> io::Result<bool>,
) -> io::Result<()> {
    let (bytes, palettes) = palettes_as_gray(bytes, limits.pages);
    let mut decoder = match Decoder::new(Cursor::new(&*bytes)) {
        Ok(decoder) => decoder,
        Err(error) => return each(Err(refuse(error))).map(|_| ()),
    };
    loop {
        let is_palette = decoder.ifd_pointer().is_some_and(|at| palettes.contains(&at.0));
        let frame = read_page(&bytes, &mut decoder, is_palette, limits);
        if !each(frame)? || !decoder.more_images() {
            return Ok(());
        }
        if let Err(error) = decoder.next_image() {
            return each(Err(refuse(error))).map(|_| ());
        }
    }
}

/// The library refuses palettes, but reads grey levels: pages with a palette are declared grey, and their directories
/// returned, so that levels can be looked up as places in the palette.
fn palettes_as_gray(bytes: &[u8], pages_max: u32) -> (Cow<'_, [u8]>, BTreeSet<u64>) {
    const PHOTOMETRIC: u64 = 262;
    const PALETTE: u64 = 3;
    const GRAY: u16 = 1;
    let mut changed = Cow::Borrowed(bytes);
    let mut palettes = BTreeSet::new();
    let little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize| -> Option<u64> {
        let digits = bytes.get(at..at.checked_add(length)?)?;
        let fold = |value: u64, digit: &u8| value << 8 | u64::from(*digit);
        Some(if little { digits.iter().rev().fold(0, fold) } else { digits.iter().fold(0, fold) })
    };
    // lengths of offsets and of counts of entries; classic and BigTIFF
    let (offset, count) = if number(2, 2) == Some(43) { (8, 8) } else { (4, 2) };
    let entry = 4 + 2 * offset;
    let mut next = number(offset, offset);
    let mut seen = BTreeSet::new();
    while let Some(directory) = next
        && seen.insert(directory)
        && seen.len() <= pages_max as usize
    {
        let Ok(at) = usize::try_from(directory) else { break };
        let entries = number(at, count).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let first = at.saturating_add(count);
        let starts = (0..entries).map(|n| first.saturating_add(n.saturating_mul(entry)));
        let found = starts
            .take_while(|start| start.saturating_add(entry) <= bytes.len())
            .find(|start| number(*start, 2) == Some(PHOTOMETRIC));
        if let Some(value) =
            found.map(|start| start + 4 + offset).filter(|at| number(*at, 2) == Some(PALETTE))
        {
            let gray = if little { GRAY.to_le_bytes() } else { GRAY.to_be_bytes() };
            if let Some(place) = changed.to_mut().get_mut(value..value + 2) {
                place.copy_from_slice(&gray);
                palettes.insert(directory);
            }
        }
        let end = first.saturating_add(entries.saturating_mul(entry));
        next = number(end, offset).filter(|at| *at != 0);
    }
    (changed, palettes)
}

fn read_page(
    bytes: &[u8],
    decoder: &mut TiffDecoder<'_>,
    is_palette: bool,
    limits: &Limits,
) -> Result<Frame, Finding> {
    let (width, height) = decoder.dimensions().map_err(refuse)?;
    if let Some(finding) = too_many_pixels(width, height, limits) {
        return Err(finding);
    }
    let compression = number(decoder, Tag::Compression).unwrap_or(1);
    let gray = match compression {
        2..=4 => read_fax(bytes, decoder, width, height, compression)?,
        OLD_JPEG => read_old_jpeg(bytes, decoder, limits)?,
        _ => read_samples(decoder, width, height, is_palette)?,
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

fn number(decoder: &mut TiffDecoder<'_>, tag: Tag) -> Option<u32> {
    decoder.find_tag_unsigned::<u32>(tag).ok().flatten()
}

/// As TIFF's tag 274 asks.
fn turn(gray: GrayImage, orientation: u32) -> GrayImage {
    let mut picture = DynamicImage::ImageLuma8(gray);
    let orientation = u8::try_from(orientation).ok().and_then(image::metadata::Orientation::from_exif);
    picture.apply_orientation(orientation.unwrap_or(image::metadata::Orientation::NoTransforms));
    picture.into_luma8()
}

/// A whole JPEG file lies inside, as most writers of the old kind have it.
fn read_old_jpeg(bytes: &[u8], decoder: &mut TiffDecoder<'_>, limits: &Limits) -> Result<GrayImage, Finding> {
    let place =
        |decoder: &mut TiffDecoder<'_>, tag| usize::try_from(number(decoder, Tag::Unknown(tag))?).ok();
    let start = place(decoder, 513);
    let length = place(decoder, 514);
    let file = start.zip(length).and_then(|(start, length)| bytes.get(start..start.checked_add(length)?));
    match file {
        Some(file) if file.starts_with(b"\xff\xd8") => decode_gray(file, limits),
        _ => {
            let message = "A page of the TIFF is stored as JPEG of an old kind that cannot be read here; open it by hand, \
                           or ask the sender for a PDF.";
            Err(Finding::new("unsupported_format", Severity::Problem, message))
        }
    }
}

fn read_samples(
    decoder: &mut TiffDecoder<'_>,
    width: u32,
    height: u32,
    is_palette: bool,
) -> Result<GrayImage, Finding> {
    let color = decoder.colortype().map_err(refuse)?;
    let palette = if is_palette { Some(read_palette(decoder)?) } else { None };
    let premultiplied = number(decoder, Tag::ExtraSamples) == Some(ASSOCIATED_ALPHA);
    let mut result = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut result).map_err(refuse)?;
    let planar = layout.planes > 1;
    let in_row = width as usize * if planar { 1 } else { usize::from(color.num_samples()) };
    let row_bytes = layout.row_stride.map_or(in_row, std::num::NonZero::get);
    let samples = to_bytes(result, color.bit_depth(), row_bytes, in_row, palette.is_some())?;
    let plane = width as usize * height as usize;
    let in_pixel = usize::from(color.num_samples());
    let sample = |at: usize, number: usize| {
        let index = if planar { number * plane + at } else { at * in_pixel + number };
        samples.get(index).copied().unwrap_or(u8::MAX)
    };
    let mut gray = GrayImage::from_pixel(width, height, Luma([u8::MAX]));
    for (at, pixel) in gray.pixels_mut().enumerate() {
        let mut values = [0; SAMPLES_MAX];
        for (number, value) in values.iter_mut().enumerate().take(in_pixel) {
            *value = sample(at, number);
        }
        *pixel = Luma([match &palette {
            Some(palette) => palette.get(usize::from(values[0])).copied().unwrap_or(u8::MAX),
            None => luma(color, values, premultiplied),
        }]);
    }
    Ok(gray)
}

/// The grey level of each colour in the palette.
fn read_palette(decoder: &mut TiffDecoder<'_>) -> Result<Vec<u8>, Finding> {
    let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(refuse)?;
    let third = map.len() / 3;
    if third == 0 {
        let message = "A page of the TIFF names its colours by an empty palette; ask the sender for a PDF.";
        return Err(Finding::new("broken_file", Severity::Problem, message));
    }
    let level = |at: usize, part: usize| map.get(part * third + at).map_or(0, |v| (v >> 8) as u8);
    Ok((0..third).map(|at| rgb_luma([0, 1, 2].map(|part| level(at, part)))).collect())
}

/// One byte for each sample. Places in a palette stay as they are; levels reach from 0 to 255.
fn to_bytes(
    result: DecodingResult,
    bits: u8,
    row_bytes: usize,
    in_row: usize,
    is_palette: bool,
) -> Result<Vec<u8>, Finding> {
    let levels = match (result, bits) {
        (DecodingResult::U8(samples), 8) => samples,
        (DecodingResult::U8(packed), 1 | 2 | 4) => {
            let (per_byte, top) = (usize::from(8 / bits), (1_u16 << bits) - 1);
            let scale = if is_palette { 1 } else { u16::from(u8::MAX) / top };
            let unpack = |row: &[u8]| -> Vec<u8> {
                let values = row.iter().flat_map(|byte| {
                    (1..=per_byte).map(|at| u16::from(*byte) >> (8 - usize::from(bits) * at) & top)
                });
                values.take(in_row).map(|value| (value * scale) as u8).collect()
            };
            packed.chunks(row_bytes.max(1)).flat_map(unpack).collect()
        }
        (DecodingResult::U16(samples), 16) if is_palette => {
            samples.into_iter().map(|s| u8::try_from(s).unwrap_or(u8::MAX)).collect()
        }
        (DecodingResult::U16(samples), 16) => samples.into_iter().map(|s| (s >> 8) as u8).collect(),
        (DecodingResult::U32(samples), 32) => samples.into_iter().map(|s| (s >> 24) as u8).collect(),
        (DecodingResult::F32(samples), _) => {
            samples.into_iter().map(|s| (s.clamp(0.0, 1.0) * f32::from(u8::MAX)) as u8).collect()
        }
        (_, bits) => {
            let message = format!(
                "A page of the TIFF has samples of {bits} bits, which cannot be read here; open it by hand, or ask the sender for a PDF."
            );
            return Err(Finding::new("unsupported_format", Severity::Problem, message));
        }
    };
    Ok(levels)
}

/// How light a pixel is, on white paper.
fn luma(color: ColorType, samples: [u8; SAMPLES_MAX], premultiplied: bool) -> u8 {
    let [a, b, c, d, _] = samples;
    let on_paper = |level: u8, alpha: u8| {
        let (level, alpha) = (u32::from(level), u32::from(alpha));
        let own = if premultiplied { level } else { level * alpha / 255 };
        (own + 255 - alpha).min(255) as u8
    };
    match color {
        ColorType::RGB(_) => rgb_luma([a, b, c]),
        ColorType::RGBA(_) => on_paper(rgb_luma([a, b, c]), d),
        ColorType::GrayA(_) => on_paper(a, b),
        ColorType::CMYK(_) | ColorType::CMYKA(_) => {
            let light = |ink: u8| (u32::from(255 - ink) * u32::from(255 - d) / 255) as u8;
            rgb_luma([light(a), light(b), light(c)])
        }
        // of grey, YCbCr and L*a*b* the first sample is how light it is
        _ => a,
    }
}

fn rgb_luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000) as u8
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

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: u16 = 258;
    const COMPRESSION: u16 = 259;
    const PHOTOMETRIC: u16 = 262;
    const SAMPLES: u16 = 277;
    const PLANAR: u16 = 284;
    const COLOR_MAP: u16 = 320;

    /// A big-endian TIFF of one row with these shorts as tags, and a strip for each plane.
    fn row(width: u16, tags: &[(u16, &[u16])], strips: &[&[u8]]) -> Vec<u8> {
        let pixels = strips.concat();
        let mut starts = Vec::new();
        let mut at = 8_u16;
        for strip in strips {
            starts.push(at);
            at += strip.len() as u16;
        }
        let lengths: Vec<u16> = strips.iter().map(|strip| strip.len() as u16).collect();
        let mut all: Vec<(u16, &[u16])> = vec![
            (256, std::slice::from_ref(&width)),
            (257, &[1]),
            (273, &starts),
            (278, &[1]),
            (279, &lengths),
        ];
        all.extend_from_slice(tags);
        all.sort_by_key(|(tag, _)| *tag);
        let mut entries = Vec::new();
        let mut values = Vec::new();
        let values_at = usize::from(at) + 2 + 12 * all.len() + 4;
        for (tag, shorts) in all {
            entries.extend([tag, 3, 0, shorts.len() as u16].map(u16::to_be_bytes).concat());
            let bytes: Vec<u8> = shorts.iter().flat_map(|v| v.to_be_bytes()).collect();
            if bytes.len() > 4 {
                entries.extend(((values_at + values.len()) as u32).to_be_bytes());
                values.extend(bytes);
            } else {
                entries.extend([&bytes[..], &[0; 4][bytes.len()..]].concat());
            }
        }
        let count = (entries.len() / 12) as u16;
        let head = [&b"MM\0*\0\0"[..], &at.to_be_bytes()].concat();
        [head, pixels, count.to_be_bytes().to_vec(), entries, vec![0; 4], values].concat()
    }

    fn levels(file: &[u8]) -> Result<Vec<u8>, String> {
        let mut found = Vec::new();
        let mut each = |frame: Result<Frame, Finding>| {
            found.push(frame.map(|f| f.gray.into_raw()).map_err(|f| f.code));
            Ok(true)
        };
        read_tiff(file, &Limits::default(), &mut each).unwrap();
        found.pop().unwrap()
    }

    #[test]
    fn levels_of_all_kinds_of_pixels() {
        let palette: Vec<u16> = [[0xffff_u16, 0, 0x8000, 0]; 3].concat();
        for (name, tags, strips, expected) in [
            (
                "white is zero",
                &[(BITS, &[1][..]), (PHOTOMETRIC, &[0])][..],
                &[&[0b0101_0000][..]][..],
                vec![255, 0, 255, 0],
            ),
            ("black is zero", &[(BITS, &[1]), (PHOTOMETRIC, &[1])], &[&[0b0101_0000]], vec![0, 255, 0, 255]),
            ("2 bits", &[(BITS, &[2]), (PHOTOMETRIC, &[1])], &[&[0b0001_1011]], vec![0, 85, 170, 255]),
            ("4 bits", &[(BITS, &[4]), (PHOTOMETRIC, &[1])], &[&[0x0f, 0x80]], vec![0, 255, 136, 0]),
            (
                "16 bits",
                &[(BITS, &[16]), (PHOTOMETRIC, &[1])],
                &[&[0, 0, 0x80, 0, 0xff, 0xff, 1, 0]],
                vec![0, 128, 255, 1],
            ),
            (
                "palette",
                &[(BITS, &[8]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &palette)],
                &[&[0, 1, 2, 9]],
                vec![255, 0, 128, 255],
            ),
            (
                "palette of 2 bits",
                &[(BITS, &[2]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &palette)],
                &[&[0b0001_1011]],
                vec![255, 0, 128, 0],
            ),
            (
                "ink",
                &[(BITS, &[8; 4]), (PHOTOMETRIC, &[5]), (SAMPLES, &[4])],
                &[&[0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 128]],
                vec![255, 0, 0, 127],
            ),
            (
                "planes",
                &[(BITS, &[8; 3]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3]), (PLANAR, &[2])],
                &[&[255, 0, 255, 0], &[255, 0, 0, 0], &[255, 0, 0, 255]],
                vec![255, 0, 76, 29],
            ),
        ] {
            let tags = [tags, &[(COMPRESSION, &[1])]].concat();
            assert_eq!(levels(&row(4, &tags, strips)), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_called_damaged() {
        let unknown = [(BITS, &[8][..]), (PHOTOMETRIC, &[1]), (COMPRESSION, &[34_712])];
        assert_eq!(levels(&row(4, &unknown, &[&[0; 4]])), Err("unsupported_format".to_owned()));
        let loops = [(BITS, &[8][..]), (PHOTOMETRIC, &[3]), (COMPRESSION, &[1]), (COLOR_MAP, &[])];
        assert!(levels(&row(4, &loops, &[&[0; 4]])).is_err());
    }
}
