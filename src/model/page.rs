//! The page model that every carrier becomes: words with places, ruling lines, form fields and sheet cells.
//!
//! Units: places are fractions of the page as it is shown (after `/Rotate` and crop), origin top left; sizes in
//! points (1/72 inch). Pages count from 1.

use super::finding::Finding;
use serde::{Deserialize, Serialize};

/// A box on a page, in fractions of its width and height, origin top left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl From<[f32; 4]> for Rect {
    fn from([x0, y0, x1, y1]: [f32; 4]) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<Rect> for [f32; 4] {
    fn from(r: Rect) -> Self {
        [r.x0, r.y0, r.x1, r.y1]
    }
}

impl Rect {
    /// Width as a fraction of the page's width.
    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    /// Height as a fraction of the page's height.
    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }

    /// The same place after the page was turned clockwise by 0, 90, 180 or 270 degrees.
    #[must_use]
    pub fn turned(&self, degrees: u16) -> Self {
        let Self { x0, y0, x1, y1 } = *self;
        match degrees % 360 {
            90 => Self { x0: 1.0 - y1, y0: x0, x1: 1.0 - y0, y1: x1 },
            180 => Self { x0: 1.0 - x1, y0: 1.0 - y1, x1: 1.0 - x0, y1: 1.0 - y0 },
            270 => Self { x0: y0, y0: 1.0 - x1, x1: y1, y1: 1.0 - x0 },
            _ => *self,
        }
    }

    /// The box after its points were moved by turning, tilting or stretching: a level box of the true size around the
    /// true middle, so that moving it back gives the same box.
    #[must_use]
    pub fn moved(&self, to: impl Fn((f32, f32)) -> (f32, f32)) -> Self {
        let (x, y) = (f32::midpoint(self.x0, self.x1), f32::midpoint(self.y0, self.y1));
        let middle = to((x, y));
        let (left, right) = (to((self.x0, y)), to((self.x1, y)));
        let (top, bottom) = (to((x, self.y0)), to((x, self.y1)));
        let across = ((right.0 - left.0).abs(), (right.1 - left.1).abs());
        let down = ((bottom.0 - top.0).abs(), (bottom.1 - top.1).abs());
        let (width, height) =
            if across.0 * down.1 >= across.1 * down.0 { (across.0, down.1) } else { (down.0, across.1) };
        Self {
            x0: middle.0 - width / 2.0,
            y0: middle.1 - height / 2.0,
            x1: middle.0 + width / 2.0,
            y1: middle.1 + height / 2.0,
        }
    }

    /// The part that lies on the page.
    #[must_use]
    pub fn on_page(&self) -> Self {
        let [x0, y0, x1, y1] = <[f32; 4]>::from(*self).map(|v| v.clamp(0.0, 1.0));
        Self { x0, y0, x1, y1 }
    }

    /// The smallest box around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
}

/// The sheet on a page that was scanned or photographed askew: where its corners lie on the page as shown, in
/// fractions of it. From the top left one of the sheet as it reads, clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// Top left, top right, bottom right, bottom left, as (x, y).
    pub corners: [(f32, f32); 4],
    /// Width of the sheet in points.
    pub width_pt: f32,
    /// Height of the sheet in points.
    pub height_pt: f32,
}

impl Sheet {
    /// A place on the sheet as a place on the page as shown. Boxes stay level: the middle and the size are true.
    #[must_use]
    pub fn place_as_shown(&self, place: Rect) -> Rect {
        self.to_shown().map_or(place, |m| place.moved(|p| project(&m, p)))
    }

    /// A place on the page as shown as a place on the sheet.
    #[must_use]
    pub fn place_on_sheet(&self, place: Rect) -> Rect {
        let inverse = self.to_shown().map(|m| adjugate(&m));
        inverse.map_or(place, |m| place.moved(|p| project(&m, p)))
    }

    /// From the unit square to four corners (P. Heckbert, Fundamentals of Texture Mapping, 1989, 2.2.3), as rows of
    /// a matrix. None if the corners do not span a sheet.
    fn to_shown(self) -> Option<[f32; 9]> {
        let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = self.corners;
        let (dx1, dx2, dx3) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
        let (dy1, dy2, dy3) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
        let area = dx1 * dy2 - dx2 * dy1;
        if area.abs() < 1e-6 {
            return None;
        }
        let g = (dx3 * dy2 - dx2 * dy3) / area;
        let h = (dx1 * dy3 - dx3 * dy1) / area;
        Some([x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0])
    }
}

fn project([a, b, c, d, e, f, g, h, i]: &[f32; 9], (x, y): (f32, f32)) -> (f32, f32) {
    let w = g * x + h * y + i;
    ((a * x + b * y + c) / w, (d * x + e * y + f) / w)
}

/// The inverse, but for a factor that a projection does not mind.
fn adjugate([a, b, c, d, e, f, g, h, i]: &[f32; 9]) -> [f32; 9] {
    [
        e * i - f * h,
        c * h - b * i,
        b * f - c * e,
        f * g - d * i,
        a * i - c * g,
        c * d - a * f,
        d * h - e * g,
        b * g - a * h,
        a * e - b * d,
    ]
}

/// One word as it stands on the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The characters, without blanks.
    pub text: String,
    /// Where it stands.
    #[serde(rename = "box")]
    pub bbox: Rect,
    /// How likely every character is right: 0 to 1.
    pub confidence: f32,
    /// Size of the letters in points, 0 if unknown.
    #[serde(default)]
    pub size_pt: f32,
    /// Set in a bold face, as far as the carrier tells.
    #[serde(default)]
    pub bold: bool,
}

/// A ruling line, as a box that is thin in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    /// The ink of the line.
    #[serde(rename = "box")]
    pub bbox: Rect,
    /// Runs from left to right (else from top to bottom).
    pub horizontal: bool,
}

/// What a form field holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormValue {
    /// Text typed in, or chosen from a list.
    Text(String),
    /// A check box or radio button: its export name and whether it is on.
    Choice {
        /// The option that this button stands for.
        option: String,
        /// Whether it is chosen.
        on: bool,
    },
    /// A signature field, and whether it is signed.
    Signature {
        /// Whether a signature is there.
        signed: bool,
    },
}

/// A fillable form field with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormField {
    /// Fully qualified name (PDF 32000-1, 12.7.3.2).
    pub name: String,
    /// The value that the form holds.
    pub value: FormValue,
    /// Where it stands.
    #[serde(rename = "box")]
    pub bbox: Rect,
}

/// A cell of a sheet or a word-processor table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Row, from 0.
    pub row: u32,
    /// Column, from 0.
    pub column: u32,
    /// The cell's text; in sheets dates are ISO, numbers plain with a dot. Lines are parted by line feeds.
    pub text: String,
    /// Where it stands.
    #[serde(rename = "box", default)]
    pub bbox: Rect,
}

/// How the words of a page were come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Letters that the file itself holds with their places.
    TextLayer,
    /// Read from pixels.
    Ocr,
    /// A sheet; see [`Page::cells`].
    Sheet,
    /// Running text without places of its own (a mail body, a text file, a Word document), laid out on a grid of
    /// characters.
    Text,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Counted from 1.
    pub number: u32,
    /// Width as shown, in points.
    pub width_pt: f32,
    /// Height as shown, in points.
    pub height_pt: f32,
    /// How its words were come by.
    pub how: How,
    /// Its text runs turned clockwise by so many degrees on the page as shown: 0, 90, 180 or 270. See [`Page::upright`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turned: u16,
    /// The sheet, if it lies askew on the page as shown, as scans and photos do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Sheet>,
    /// In reading order as far as the reader could tell.
    pub words: Vec<Word>,
    /// Ruling lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rulings: Vec<Ruling>,
    /// Fillable fields on this page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FormField>,
    /// Cells, if the page is a sheet or holds tables whose cells the file itself tells apart. Rows count on from table
    /// to table. Each cell's words also stand in `words`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Cell>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(turned: &u16) -> bool {
    *turned == 0
}

impl Page {
    /// A page without anything on it.
    pub fn empty(number: u32, width_pt: f32, height_pt: f32, how: How) -> Self {
        Self {
            number,
            width_pt,
            height_pt,
            how,
            turned: 0,
            sheet: None,
            words: Vec::new(),
            rulings: Vec::new(),
            fields: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The page turned and straightened so that its text runs level from left to right, for whoever needs lines and
    /// columns. Places are fractions of that page; [`Page::place_as_shown`] leads back.
    #[must_use]
    pub fn upright(&self) -> Self {
        let mut page = self.clone();
        if let Some(sheet) = &self.sheet {
            (page.width_pt, page.height_pt) = (sheet.width_pt, sheet.height_pt);
            if self.turned % 180 == 90 {
                page.rulings.iter_mut().for_each(|r| r.horizontal = !r.horizontal);
            }
            page.words.iter_mut().for_each(|w| w.bbox = sheet.place_on_sheet(w.bbox));
            page.rulings.iter_mut().for_each(|r| r.bbox = sheet.place_on_sheet(r.bbox));
            page.fields.iter_mut().for_each(|f| f.bbox = sheet.place_on_sheet(f.bbox));
            return page;
        }
        if self.turned == 0 {
            return page;
        }
        let back = (360 - self.turned % 360) % 360;
        if back % 180 == 90 {
            std::mem::swap(&mut page.width_pt, &mut page.height_pt);
            page.rulings.iter_mut().for_each(|r| r.horizontal = !r.horizontal);
        }
        page.words.iter_mut().for_each(|w| w.bbox = w.bbox.turned(back));
        page.rulings.iter_mut().for_each(|r| r.bbox = r.bbox.turned(back));
        page.fields.iter_mut().for_each(|f| f.bbox = f.bbox.turned(back));
        page
    }

    /// A place on [`Page::upright`] as a place on the page as shown.
    pub fn place_as_shown(&self, place: Rect) -> Rect {
        match &self.sheet {
            Some(sheet) => sheet.place_as_shown(place).on_page(),
            None => place.turned(self.turned),
        }
    }
}

/// A file that a document holds inside (PDF attachments, archive entries).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbeddedFile {
    /// Name as given; never used as a path.
    pub name: String,
    /// Its bytes.
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
}

/// Everything that a reader made of one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pages {
    /// What the bytes are, by content: `pdf`, `tiff`, `png`, `xlsx`, `text`, `zip`…
    pub format: String,
    /// The pages in order.
    pub pages: Vec<Page>,
    /// Files inside this file, still unread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embedded: Vec<EmbeddedFile>,
    /// The texts of orders that need no picture (XML, EDI): of the file itself, or of files inside a PDF.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structured: Vec<String>,
    /// What was wrong with it, or cut by a limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How the bytes were read, if reading them so again would give the same; see `pipeline::reading`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub read_with: String,
}

impl Pages {
    /// The words of all pages, blank-separated, a form feed after each page: what search indexes.
    pub fn plain_text(&self) -> String {
        let mut text = String::new();
        for page in &self.pages {
            for word in &page.words {
                text.push_str(&word.text);
                text.push(' ');
            }
            text.push('\u{c}');
        }
        text
    }
}

mod base64_bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(d)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upright_page_leads_back_to_the_page_as_shown() {
        // text that runs down the right edge: the page was turned clockwise
        let place = Rect { x0: 0.875, y0: 0.25, x1: 1.0, y1: 0.5 };
        assert_eq!(place.turned(270), Rect { x0: 0.25, y0: 0.0, x1: 0.5, y1: 0.125 });
        for degrees in [0, 90, 180, 270] {
            assert_eq!(place.turned(degrees).turned((360 - degrees) % 360), place);
        }
    }

    #[test]
    fn a_sheet_askew_leads_there_and_back() {
        let upside_down = [(0.9, 0.95), (0.1, 0.9), (0.12, 0.1), (0.92, 0.15)];
        let sideways = [(0.95, 0.1), (0.9, 0.9), (0.1, 0.92), (0.15, 0.12)];
        for corners in [[(0.0, 0.1), (0.9, 0.0), (1.0, 0.9), (0.1, 1.0)], upside_down, sideways] {
            let sheet = Sheet { corners, width_pt: 595.0, height_pt: 842.0 };
            let corner = sheet.place_as_shown(Rect { x0: 1.0, y0: 0.0, x1: 1.0, y1: 0.0 });
            assert!((corner.x0 - corners[1].0).abs() + (corner.y0 - corners[1].1).abs() < 1e-4, "{corner:?}");
            let place = Rect { x0: 0.2, y0: 0.3, x1: 0.4, y1: 0.31 };
            let back: [f32; 4] = sheet.place_on_sheet(sheet.place_as_shown(place)).into();
            let off =
                back.iter().zip(<[f32; 4]>::from(place)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 0.005, "{back:?}");
        }
    }
}
