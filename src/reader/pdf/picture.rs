//! A PDF page as pixels.

use crate::{
    model::finding::{Finding, Severity},
    reader::{Limits, raster::Frame},
};
use hayro::{
    PixmapSettings, RenderCache, RenderSettings,
    hayro_interpret::{InterpreterSettings, hayro_syntax::page::Page as PdfPage},
    vello_cpu::color::palette::css::WHITE,
};
use image::GrayImage;

/// hayro counts pixels in 16 bits.
const SIDE_PX_MAX: f32 = 32_000.0;

fn broken(message: String) -> Finding {
    Finding::new("picture_failed", Severity::Check, message)
}

/// Draws a page in the given width.
pub(super) fn draw_png(page: &PdfPage<'_>, width_px: u32, limits: &Limits) -> Result<Vec<u8>, Finding> {
    let (width, _) = page.render_dimensions();
    let pixmap = draw(page, width_px as f32 / width, limits)?;
    pixmap.into_png().map_err(|e| broken(format!("The page cannot be written as a picture: {e}.")))
}

/// Draws a page with so many pixels to a point, or fewer if the limits ask for it.
pub(super) fn draw(
    page: &PdfPage<'_>,
    scale: f32,
    limits: &Limits,
) -> Result<hayro::vello_cpu::Pixmap, Finding> {
    let (width, height) = page.render_dimensions();
    let scale = fitting_scale(width, height, scale, limits.image_pixels as f32);
    if !scale.is_finite() || width * scale < 1.0 || height * scale < 1.0 {
        return Err(broken(format!("The page is {width} x {height} pt and cannot be drawn.")));
    }
    let pixmap_settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let settings = RenderSettings { hinting: false, ..RenderSettings::default() };
    Ok(hayro::render(page, &RenderCache::new(), &InterpreterSettings::default(), &settings, &pixmap_settings))
}

/// A page as grey pixels for OCR.
pub(super) fn draw_frame(page: &PdfPage<'_>, limits: &Limits) -> Option<Frame> {
    const OCR_DPI: f32 = 300.0;
    const POINTS: f32 = 72.0;
    let (width, _) = page.render_dimensions();
    let _span = tracing::debug_span!("draw").entered();
    let pixmap = draw(page, OCR_DPI / POINTS, limits).ok()?;
    let dpi = f32::from(pixmap.width()) / width * POINTS;
    let luma =
        |[r, g, b, _]: [u8; 4]| ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000) as u8;
    let pixels: Vec<u8> = pixmap.data_as_u8_slice().as_chunks::<4>().0.iter().map(|p| luma(*p)).collect();
    let gray = GrayImage::from_raw(u32::from(pixmap.width()), u32::from(pixmap.height()), pixels)?;
    Some(Frame { gray, dpi_x: dpi, dpi_y: dpi })
}

fn fitting_scale(width: f32, height: f32, scale: f32, pixels: f32) -> f32 {
    let by_area = (pixels / (width * height)).sqrt();
    scale.min(by_area).min(SIDE_PX_MAX / width).min(SIDE_PX_MAX / height)
}
