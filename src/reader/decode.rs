//! What the bytes are, and which decoder reads them. Runs inside a reader process.

use super::{
    Limits, Options, archive,
    format::{Format, find_format},
    html,
    ocr::{Engines, find_tessdata},
    office::{self, Family},
    outlook, pdf,
    protocol::Part,
    raster::read_frames,
    rtf,
    scan::{Tongue, read_frame},
    sheet, text,
};
use crate::model::{
    finding::{Finding, Severity},
    page::{EmbeddedFile, Page, Pages},
};
use std::{io, path::Path};

/// One page with all its words takes at most so many bytes.
const PAGE_BYTES_MAX: usize = 32 << 20;

/// What a process keeps from document to document.
pub(super) struct Workshop {
    /// Warm OCR engines.
    pub(super) engines: Engines,
}

impl Workshop {
    /// With the OCR models of a folder.
    pub(super) fn new(tessdata: Option<&Path>) -> Self {
        Self { engines: Engines::new(tessdata.map(Path::to_path_buf)) }
    }
}

/// Where decoders put what they find. Keeps the limits on pages and on the size of the answer.
pub(super) struct Output<'a> {
    /// What the document may cost.
    pub(super) limits: &'a Limits,
    /// Tried on an encrypted file.
    pub(super) passwords: &'a [String],
    send: &'a mut dyn FnMut(Part, &[u8]) -> io::Result<()>,
    sent_bytes: u64,
    /// Nothing was put out so far, not even a finding.
    silent: bool,
    full: bool,
    /// Pages put out so far.
    pub(super) pages: u32,
    /// Pages read by OCR so far.
    pub(super) ocr_pages: u32,
    /// Cells put out so far.
    pub(super) cells: u32,
    /// Numbers of pages on which there is nothing.
    blank: Vec<u32>,
}

impl<'a> Output<'a> {
    pub(super) fn new(limits: &'a Limits, send: &'a mut dyn FnMut(Part, &[u8]) -> io::Result<()>) -> Self {
        Self {
            limits,
            passwords: &[],
            send,
            sent_bytes: 0,
            silent: true,
            full: false,
            pages: 0,
            ocr_pages: 0,
            cells: 0,
            blank: Vec::new(),
        }
    }

    /// Whether another page is allowed; says so once if not.
    pub(super) fn may_have_page(&mut self) -> io::Result<bool> {
        if self.pages < self.limits.pages {
            return Ok(true);
        }
        let limit = self.limits.pages;
        let message = format!("The document has more than {limit} pages; the rest was not read.");
        self.finding(Finding::new("page_limit", Severity::Check, message))?;
        Ok(false)
    }

    /// Whether another page may be read by OCR; says so once if not.
    pub(super) fn may_ocr(&mut self) -> io::Result<bool> {
        self.ocr_pages += 1;
        let limit = self.limits.ocr_pages;
        if self.ocr_pages == limit + 1 {
            let message = format!("More than {limit} pages would need OCR; the rest was not read.");
            self.finding(Finding::new("ocr_page_limit", Severity::Check, message))?;
        }
        Ok(self.ocr_pages <= limit)
    }

    /// Puts out one page.
    pub(super) fn page(&mut self, page: Page) -> io::Result<()> {
        let size: usize = page.words.iter().map(|w| 90 + w.text.len()).sum::<usize>()
            + page.cells.iter().map(|c| 90 + c.text.len()).sum::<usize>()
            + page.fields.iter().map(|f| 90 + f.name.len()).sum::<usize>()
            + page.rulings.len() * 70;
        if size > PAGE_BYTES_MAX {
            let number = page.number;
            let message = format!("Page {number} holds more text than can be kept; look at it by hand.");
            return self.finding(Finding::new("page_too_large", Severity::Problem, message));
        }
        if self.fits(size as u64)? {
            self.pages += 1;
            if page.words.is_empty() && page.fields.is_empty() {
                self.blank.push(page.number);
            }
            (self.send)(Part::Page(page), &[])?;
        }
        Ok(())
    }

    /// Says on which pages there is nothing: a picture that is damaged or too large looks like an empty sheet.
    fn tell_blank_pages(&mut self) -> io::Result<()> {
        /// Pages that are named.
        const NAMED: usize = 10;
        if self.blank.is_empty() {
            return Ok(());
        }
        let numbers: Vec<String> = self.blank.iter().take(NAMED).map(u32::to_string).collect();
        let more = if self.blank.len() > NAMED { "…" } else { "" };
        let message = format!(
            "Nothing was found on page {}{more}: it is blank, or its picture is damaged or too large. Look at it by hand.",
            numbers.join(", ")
        );
        self.finding(Finding::new("blank_page", Severity::Note, message))
    }

    /// Puts out a file that was found inside.
    pub(super) fn embedded(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.fits(bytes.len() as u64)? {
            (self.send)(Part::Embedded { name: name.to_owned() }, bytes)?;
        }
        Ok(())
    }

    /// Puts out the text of an order that needs no picture.
    pub(super) fn structured(&mut self, text: &str) -> io::Result<()> {
        if self.fits(text.len() as u64)? {
            (self.send)(Part::Structured, text.as_bytes())?;
        }
        Ok(())
    }

    /// Puts out a finding.
    pub(super) fn finding(&mut self, finding: Finding) -> io::Result<()> {
        self.silent = false;
        (self.send)(Part::Finding(finding), &[])
    }

    fn fits(&mut self, bytes: u64) -> io::Result<bool> {
        if self.full {
            return Ok(false);
        }
        if self.sent_bytes + bytes > self.limits.output_bytes {
            self.full = true;
            let limit = self.limits.output_bytes;
            let message = format!("The contents exceed {limit} bytes; what comes after was left out.");
            self.finding(Finding::new("output_limit", Severity::Check, message))?;
            return Ok(false);
        }
        self.sent_bytes += bytes;
        self.silent = false;
        Ok(true)
    }
}

/// Reads a file in the calling process, without any protection: for tests and for reader processes only.
pub fn decode(bytes: Vec<u8>, options: &Options, limits: &Limits) -> Pages {
    let mut pages = Pages::default();
    let mut collect = |part: Part, body: &[u8]| {
        match part {
            Part::Page(page) => pages.pages.push(page),
            Part::Embedded { name } => pages.embedded.push(EmbeddedFile { name, bytes: body.to_vec() }),
            Part::Structured => pages.structured.push(String::from_utf8_lossy(body).into_owned()),
            Part::Finding(finding) => pages.findings.push(finding),
            Part::Picture | Part::Done { .. } | Part::Failed { .. } => {}
        }
        Ok(())
    };
    let mut workshop = Workshop::new(find_tessdata(None).as_deref());
    let mut out = Output::new(limits, &mut collect);
    out.passwords = &options.passwords;
    let format = decode_into(&mut workshop, bytes, options, &mut out).unwrap_or_default();
    pages.format = format.to_owned();
    pages
}

/// Reads a file into `out` and says what it is. `Err` only if the answer cannot be written.
pub(super) fn decode_into(
    workshop: &mut Workshop,
    bytes: Vec<u8>,
    options: &Options,
    out: &mut Output<'_>,
) -> io::Result<&'static str> {
    let format = find_format(&bytes);
    match format {
        Format::Empty => out.finding(Finding::new("empty_file", Severity::Check, "The file is empty."))?,
        Format::Pdf => pdf::read(workshop, bytes, options, out)?,
        Format::Tiff | Format::Png | Format::Jpeg | Format::Gif | Format::Bmp | Format::Webp => {
            read_pixels(workshop, &bytes, format, &options.languages, out)?;
        }
        Format::Xlsx | Format::Xlsb | Format::Xls | Format::Ods => sheet::read_workbook(&bytes, format, out)?,
        Format::Csv => sheet::read_csv(&bytes, out)?,
        Format::Docx => office::read(&bytes, Family::Docx, out)?,
        Format::Odt => office::read(&bytes, Family::Odt, out)?,
        Format::Zip => archive::read_zip(&bytes, out)?,
        Format::Mail => archive::read_mail(&bytes, out)?,
        Format::Msg => outlook::read_msg(&bytes, out)?,
        Format::Tnef => outlook::read_tnef(&bytes, out)?,
        Format::Html => html::read(&text::read_declared(&bytes), out)?,
        Format::Rtf => rtf::read(&bytes, out)?,
        Format::Text | Format::Xml | Format::Edi => text::read(&bytes, out)?,
        Format::EncryptedOffice => out.finding(locked())?,
        Format::Doc
        | Format::Ppt
        | Format::Pptx
        | Format::Compound
        | Format::SevenZip
        | Format::Rar
        | Format::Packed
        | Format::Heif
        | Format::PostScript
        | Format::Cms
        | Format::Unknown => out.finding(unsupported(format))?,
    }
    out.tell_blank_pages()?;
    if out.silent {
        let message = "Nothing could be read in the file; open it by hand, or ask the sender for a PDF.";
        out.finding(Finding::new("nothing_inside", Severity::Check, message))?;
    }
    Ok(format.as_str())
}

fn read_pixels(
    workshop: &mut Workshop,
    bytes: &[u8],
    format: Format,
    languages: &[String],
    out: &mut Output<'_>,
) -> io::Result<()> {
    let mut tongue = Tongue::new(languages);
    let limits = out.limits;
    read_frames(bytes, format, limits, &mut |frame| {
        if !out.may_have_page()? || !out.may_ocr()? {
            return Ok(false);
        }
        match frame {
            Ok(frame) => {
                let page = read_frame(&mut workshop.engines, &mut tongue, frame, out.pages + 1);
                out.page(page)?;
            }
            Err(finding) => out.finding(finding)?,
        }
        Ok(true)
    })
}

fn locked() -> Finding {
    let message = "The Office file opens only with a password; ask the sender for it without one.";
    Finding::new("password_needed", Severity::Problem, message)
}

fn unsupported(format: Format) -> Finding {
    let (what, instead) = match format {
        Format::Doc => ("A file of the old Word (.doc)", "a PDF or a .docx file"),
        Format::Ppt | Format::Pptx => ("A PowerPoint presentation", "a PDF"),
        Format::SevenZip => ("A 7z archive", "a ZIP archive"),
        Format::Rar => ("A RAR archive", "a ZIP archive"),
        Format::Packed => ("A packed file (gzip and the like)", "a ZIP archive"),
        Format::Heif => ("A HEIC or AVIF photo", "a JPEG or a PDF"),
        Format::PostScript => ("A PostScript file", "a PDF"),
        Format::Cms => ("An encrypted or signed container", "the file itself"),
        _ => ("A file of this kind", "a PDF"),
    };
    let message = format!("{what} cannot be read; open it by hand, or ask the sender for {instead}.");
    Finding::new("unsupported_format", Severity::Check, message)
}

/// Draws one page as PNG.
pub(super) fn draw(
    bytes: Vec<u8>,
    page: u32,
    width_px: u32,
    passwords: &[String],
    limits: &Limits,
) -> Result<Vec<u8>, Finding> {
    let format = find_format(&bytes);
    match format {
        Format::Pdf => pdf::draw(bytes, page, width_px, passwords, limits),
        format @ (Format::Tiff | Format::Png | Format::Jpeg | Format::Gif | Format::Bmp | Format::Webp) => {
            super::raster::draw_png(&bytes, format, page, width_px, limits)
        }
        _ => Err(unsupported(format)),
    }
}
