//! PDF into pages: the text layer with places, ruling lines, form fields and embedded files.
//!
//! One parser (hayro, which forbids unsafe code and knows encryption) serves text, structure and pictures.

mod drawing;
mod judge;
mod picture;
mod structure;
mod text;

use super::{
    Limits, Options,
    boxes::{add_boxes, add_pen},
    child::panic_text,
    decode::{Output, Workshop},
    flow::{self, Builder},
    ocr::Engines,
    scan::{Tongue, read_frame},
};
use crate::model::{
    finding::{Finding, Severity},
    page::{How, Page, Rect},
};
use hayro::hayro_interpret::{InterpreterCache, hayro_syntax::page::Page as PdfPage};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf, PdfData};
use judge::{Verdict, disagrees, judge};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Points in an inch.
const POINTS: f32 = 72.0;
/// How far into a file its first element starts, if it is XML.
const XML_HEAD_BYTES: usize = 64;

/// Opens it with the empty password, else with the first of `passwords` that fits.
fn open(bytes: Vec<u8>, passwords: &[String]) -> Result<Pdf, Finding> {
    let data = PdfData::from(bytes);
    let needs_password = LoadPdfError::Decryption(DecryptionError::PasswordProtected);
    let mut opened = Pdf::new(data.clone());
    for password in passwords {
        if opened.as_ref().err() != Some(&needs_password) {
            break;
        }
        opened = Pdf::new_with_password(data.clone(), password);
    }
    opened.map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Finding::new(
            "password_needed",
            Severity::Problem,
            "The PDF opens only with a password. Ask the sender for it, then read the document again with it.",
        ),
        LoadPdfError::Decryption(_) => Finding::new(
            "encryption_unknown",
            Severity::Problem,
            "The PDF is encrypted in a way that cannot be read, for the holders of certificates, say; open it by hand, or ask the sender for it without.",
        ),
        LoadPdfError::Invalid => Finding::new(
            "broken_file",
            Severity::Problem,
            "The PDF is damaged and holds no page that can be read; ask the sender for it again.",
        ),
    })
}

/// Reads all pages.
pub(super) fn read(
    workshop: &mut Workshop,
    bytes: Vec<u8>,
    options: &Options,
    out: &mut Output<'_>,
) -> io::Result<()> {
    let pdf = match open(bytes, &options.passwords) {
        Ok(pdf) => pdf,
        Err(finding) => return out.finding(finding),
    };
    for (name, file) in structure::read_files(&pdf) {
        out.embedded(&name, &file)?;
        if file.iter().take(XML_HEAD_BYTES).any(|byte| *byte == b'<') {
            super::text::put_structured(&super::text::read_declared(&file), out)?;
        }
    }
    let cache = InterpreterCache::new();
    let mut tongue = Tongue::new(&options.languages);
    for (index, pdf_page) in pdf.pages().iter().enumerate() {
        if !out.may_have_page()? {
            break;
        }
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let mut ocr = Ocr {
            engines: &mut workshop.engines,
            tongue: &mut tongue,
            limits: out.limits,
            allowed: out.ocr_pages < out.limits.ocr_pages,
            forced: options.force_ocr,
        };
        let read = || read_page(pdf_page, number, &cache, &mut ocr);
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Read { mut page, wants_ocr }) => {
                if wants_ocr {
                    out.may_ocr()?;
                }
                for finding in structure::add_remarks(&mut page, structure::read_remarks(pdf_page)) {
                    out.finding(finding)?;
                }
                out.page(page)?;
            }
            Err(panic) => {
                let message = format!(
                    "Page {number} could not be read ({}); look at it by hand.",
                    panic_text(panic.as_ref())
                );
                out.finding(Finding::new("page_unreadable", Severity::Problem, message))?;
                out.page(Page::empty(number, 595.0, 842.0, How::TextLayer))?;
            }
        }
    }
    put_xfa(&structure::read_xfa(&pdf), out)
}

/// The values of a form that only Adobe's programs can show, as a table of names and values behind the pages.
fn put_xfa(values: &[(String, String)], out: &mut Output<'_>) -> io::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let message = "The form is of a kind (XFA) that shows its values in Adobe Reader only; they were read from its data \
                   and stand on a page of their own. Compare them with the form.";
    out.finding(Finding::new("xfa_form", Severity::Check, message))?;
    let mut table = Builder::default();
    table.open_table();
    for (name, value) in values {
        table.open_row();
        for text in [name, value] {
            table.open_cell(1);
            table.text(text);
        }
    }
    table.close_table();
    flow::put(table.finish(), out)
}

/// What reading pixels takes, and whether it may or must be done.
struct Ocr<'a> {
    engines: &'a mut Engines,
    tongue: &'a mut Tongue,
    limits: &'a Limits,
    allowed: bool,
    forced: bool,
}

/// A page, and whether its pixels had to be read for it.
struct Read {
    page: Page,
    wants_ocr: bool,
}

fn read_page<'a>(
    pdf_page: &'a PdfPage<'a>,
    number: u32,
    cache: &InterpreterCache<'a>,
    ocr: &mut Ocr<'_>,
) -> Read {
    let (width_pt, height_pt) = pdf_page.render_dimensions();
    let layer = tracing::debug_span!("layer").in_scope(|| text::read_layer(pdf_page, cache));
    let verdict = if ocr.forced { Verdict::Ocr } else { judge(&layer) };
    let mut page = Page::empty(number, width_pt, height_pt, How::TextLayer);
    page.rulings = layer.rulings;
    page.fields = structure::read_fields(pdf_page);
    if verdict != Verdict::Trust && ocr.allowed {
        let models = ocr.engines.models(&["en"]);
        if let Some(frame) = picture::draw_frame(pdf_page, ocr.limits) {
            let proved_wrong = verdict == Verdict::Ocr
                || disagrees(&layer.words, &frame, ocr.engines, &models) == Some(true);
            if proved_wrong {
                let scanned = read_frame(ocr.engines, ocr.tongue, frame, number);
                let drawn = page.rulings.len() >= scanned.rulings.len();
                let rulings = if drawn { page.rulings } else { scanned.rulings.clone() };
                page = Page { width_pt, height_pt, rulings, fields: page.fields, ..scanned };
                return Read { page, wants_ocr: true };
            }
        }
    }
    page.words = layer.words;
    // what is filled in on the screen speaks for itself
    let mut boxes = layer.boxes;
    boxes.retain(|found| !page.fields.iter().any(|field| meet(&field.bbox, &found.bounds)));
    let inch = (POINTS / width_pt.max(1.0), POINTS / height_pt.max(1.0));
    add_boxes(&mut page.words, &boxes, inch);
    add_pen(&mut page.words, &layer.hands, &layer.rings, inch);
    structure::add_values_not_drawn(&mut page);
    Read { page, wants_ocr: verdict == Verdict::Ocr }
}

fn meet(one: &Rect, other: &Rect) -> bool {
    one.x0 < other.x1 && other.x0 < one.x1 && one.y0 < other.y1 && other.y0 < one.y1
}

/// Draws one page as PNG.
pub(super) fn draw(
    bytes: Vec<u8>,
    number: u32,
    width_px: u32,
    passwords: &[String],
    limits: &Limits,
) -> Result<Vec<u8>, Finding> {
    let pdf = open(bytes, passwords)?;
    let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
    let page = pdf.pages().get(index).ok_or_else(|| {
        Finding::new("no_such_page", Severity::Check, format!("The document has no page {number}."))
    })?;
    picture::draw_png(page, width_px, limits)
}
