//! Check boxes among the shapes that a page of a PDF draws: small closed outlines, ticked if something dark is drawn in
//! them; and what a pen drew: signatures, and rings around options.
//!
//! What stands in boxes as a letter is for [`crate::reader::boxes`].

use crate::reader::boxes::{CheckBox, SIDE_IN, without_cells};
use hayro::kurbo::{Affine, BezPath, PathEl, Rect as Box2, Shape as _};

/// Points in an inch.
const POINTS: f64 = 72.0;
/// Longer shapes tick no box, in points.
const MARK_MAX_PT: f64 = 45.0;
/// How much longer one side of a box may be than another.
const OBLONG: f64 = 1.3;
/// Thickest side of a box that is drawn side by side, in points.
const SIDE_THICKNESS_PT: f64 = 3.0;
/// The outline of a box takes at most so much of it on each side.
const OUTLINE: f64 = 0.2;
/// Shapes of one page that are looked at, of each kind.
const SHAPES_MAX: usize = 5_000;
/// Lighter than this, of 255, is no ink.
const INK_BELOW: f64 = 150.0;

/// What a pen drew in one go, in points: across and down.
const PEN_WIDTH_PT: std::ops::RangeInclusive<f64> = 15.0..=260.0;
const PEN_HEIGHT_PT: std::ops::RangeInclusive<f64> = 5.0..=90.0;
/// Strokes of one hand stand so near one another, in points.
const PEN_GAP_PT: f64 = 12.0;

/// Small shapes of a page, in points as shown.
#[derive(Default)]
pub(super) struct Drawing {
    outlines: Vec<Box2>,
    /// Thin ones that may be a side of a box.
    sides: Vec<Box2>,
    marks: Vec<Box2>,
    /// Stroked curves that end where they did not begin.
    scrawls: Vec<Box2>,
    /// Stroked curves without any straight part that end where they began.
    rings: Vec<Box2>,
}

/// Whether a colour shows on paper.
pub(super) fn is_ink([red, green, blue, alpha]: [u8; 4]) -> bool {
    // ITU-R BT.601
    let light = 0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue);
    alpha > 127 && light < INK_BELOW
}

fn is_square(bounds: Box2) -> bool {
    let (short, long) = (bounds.width().min(bounds.height()), bounds.width().max(bounds.height()));
    let sides = f64::from(*SIDE_IN.start()) * POINTS..=f64::from(*SIDE_IN.end()) * POINTS;
    sides.contains(&short) && sides.contains(&long) && long <= OBLONG * short
}

/// Whether a box is the inner edge of another's outline.
fn is_inner_edge(inner: Box2, outer: Box2) -> bool {
    let by = OUTLINE * outer.width();
    let insets = [inner.x0 - outer.x0, inner.y0 - outer.y0, outer.x1 - inner.x1, outer.y1 - inner.y1];
    insets.iter().all(|inset| (0.1..=by).contains(inset))
}

/// Whether two boxes are the same but for the thickness of a pen.
fn is_same(one: Box2, other: Box2) -> bool {
    let slack = 0.15 * one.width().max(other.width());
    let far = [one.x0 - other.x0, one.y0 - other.y0, one.x1 - other.x1, one.y1 - other.y1];
    far.iter().all(|edge| edge.abs() <= slack)
}

impl Drawing {
    /// Takes note of a shape. `stroked`: its outline is drawn; `ink`: in a colour that shows.
    pub(super) fn add(&mut self, path: &BezPath, transform: Affine, stroked: bool, ink: bool) {
        let place = |path: &BezPath| transform.transform_rect_bbox(path.bounding_box());
        let bounds = place(path);
        if stroked && ink {
            self.add_pen(path, bounds);
        }
        let (thin, long) = (bounds.width().min(bounds.height()), bounds.width().max(bounds.height()));
        if !(long <= MARK_MAX_PT && thin.is_finite()) {
            return;
        }
        let kept = if thin <= SIDE_THICKNESS_PT && long > thin * 2.0 {
            &mut self.sides
        } else if !is_square(bounds) {
            &mut self.marks
        } else if (stroked && is_closed(path))
            || (!stroked && super::text::subpaths(path).iter().any(|part| is_inner_edge(place(part), bounds)))
        {
            &mut self.outlines
        } else if !ink {
            // paper on a dark square leaves an outline
            if let Some(at) = self.marks.iter().rposition(|outer| is_inner_edge(bounds, *outer)) {
                let outline = self.marks.swap_remove(at);
                self.outlines.push(outline);
            }
            return;
        } else {
            &mut self.marks
        };
        if ink && kept.len() < SHAPES_MAX {
            kept.push(bounds);
        }
    }

    fn add_pen(&mut self, path: &BezPath, bounds: Box2) {
        let curves = path.elements().iter().filter(|e| matches!(e, PathEl::QuadTo(..) | PathEl::CurveTo(..)));
        let lines = path.elements().iter().filter(|e| matches!(e, PathEl::LineTo(_))).count();
        let (curves, closed) = (curves.count(), returns(path, bounds));
        let kept = if closed && curves >= 2 && lines == 0 {
            &mut self.rings
        } else if !closed && (curves >= 2 || lines >= 6) {
            &mut self.scrawls
        } else {
            return;
        };
        let drawn = PEN_WIDTH_PT.contains(&bounds.width()) && PEN_HEIGHT_PT.contains(&bounds.height());
        if drawn && kept.len() < SHAPES_MAX / 10 {
            kept.push(bounds);
        }
    }

    /// What was written by hand, the strokes of one hand together, and rings, in points of the page as shown.
    pub(super) fn pen(&mut self) -> (Vec<Box2>, Vec<Box2>) {
        let mut hands: Vec<Box2> = Vec::new();
        for stroke in self.scrawls.drain(..) {
            let reach = stroke.inflate(PEN_GAP_PT, PEN_GAP_PT / 2.0);
            match hands.iter_mut().find(|hand| hand.overlaps(reach)) {
                Some(hand) => *hand = hand.union(stroke),
                None => hands.push(stroke),
            }
        }
        hands.retain(|hand| PEN_WIDTH_PT.contains(&hand.width()) && PEN_HEIGHT_PT.contains(&hand.height()));
        (hands, std::mem::take(&mut self.rings))
    }

    /// The check boxes, in points of the page as shown.
    pub(super) fn boxes(mut self) -> Vec<CheckBox<Box2>> {
        self.outlines.extend(self.drawn_by_sides());
        self.outlines.sort_by(|one, other| other.area().total_cmp(&one.area()));
        let mut boxes: Vec<Box2> = Vec::new();
        for outline in &self.outlines {
            match boxes.iter().find(|outer| outer.contains(outline.center())) {
                Some(outer) if is_same(*outline, *outer) || is_inner_edge(*outline, *outer) => {}
                // a square in a box
                Some(_) => self.marks.push(*outline),
                None => boxes.push(*outline),
            }
        }
        self.marks.append(&mut self.sides);
        let ticked = |place: &Box2| {
            self.marks.iter().any(|mark| {
                let shared = mark.intersect(*place);
                let long = mark.width().max(mark.height());
                let inside = place.contains(mark.center()) || shared.area() > 0.3 * place.area();
                inside && long > 0.3 * place.width() && !is_side(*mark, *place)
            })
        };
        let boxes = boxes.iter().map(|place| CheckBox { bounds: *place, ticked: ticked(place) });
        without_cells(boxes.collect(), |b| [b.x0, b.y0, b.x1, b.y1].map(|v| v as f32))
    }

    /// Squares of four thin shapes.
    fn drawn_by_sides(&self) -> Vec<Box2> {
        let near = |a: f64, b: f64| (a - b).abs() <= SIDE_THICKNESS_PT / 2.0;
        let (level, upright): (Vec<Box2>, Vec<Box2>) =
            self.sides.iter().partition(|s| s.width() > s.height());
        let mut found = Vec::new();
        for top in level.iter().take(SHAPES_MAX / 10) {
            let below = level.iter().filter(|b| b.y0 > top.y0 && near(b.x0, top.x0) && near(b.x1, top.x1));
            let square = below.map(|bottom| top.union(*bottom)).find(|square| {
                let side = |x: f64| {
                    upright
                        .iter()
                        .any(|s| near(s.center().x, x) && near(s.y0, square.y0) && near(s.y1, square.y1))
                };
                is_square(*square) && side(square.x0) && side(square.x1)
            });
            found.extend(square);
        }
        found
    }
}

/// Whether a thin shape runs along the edge of a box.
fn is_side(mark: Box2, place: Box2) -> bool {
    let thin = mark.width().min(mark.height()) <= SIDE_THICKNESS_PT;
    let center = mark.center();
    let edge = [center.x - place.x0, place.x1 - center.x, center.y - place.y0, place.y1 - center.y];
    thin && edge.iter().any(|far| far.abs() < OUTLINE * place.width())
}

/// Whether a stroke ends near where it began.
fn returns(path: &BezPath, bounds: Box2) -> bool {
    let first = path.elements().first().and_then(PathEl::end_point);
    let last = path.elements().iter().rev().find_map(PathEl::end_point);
    let size = path.bounding_box().size();
    let near = 0.2 * size.width.max(size.height);
    is_closed(path) || bounds.area() > 0.0 && first.zip(last).is_some_and(|(a, b)| a.distance(b) < near)
}

fn is_closed(path: &BezPath) -> bool {
    let first = path.elements().first().and_then(PathEl::end_point);
    let last = path.elements().last();
    matches!(last, Some(PathEl::ClosePath)) || first.is_some() && first == last.and_then(PathEl::end_point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> BezPath {
        Box2::new(x, y, x + side, y + side).to_path(0.1)
    }

    #[test]
    fn boxes_as_programs_draw_them() {
        let mut drawing = Drawing::default();
        let mut add = |path: &BezPath, stroked, ink| drawing.add(path, Affine::IDENTITY, stroked, ink);
        // an outline on a pale ground, empty
        add(&square(10.0, 10.0, 12.0), false, false);
        add(&square(10.0, 10.0, 12.0), true, true);
        // crossed by two strokes of a pen
        add(&square(60.0, 10.0, 12.0), true, true);
        let mut stroke = BezPath::new();
        stroke.move_to((58.0, 8.0));
        stroke.line_to((74.0, 25.0));
        add(&stroke, true, true);
        // two edges in one shape, and a square inside
        let mut frame = square(110.0, 10.0, 12.0);
        frame.extend(square(111.0, 11.0, 10.0));
        add(&frame, false, true);
        add(&square(113.0, 13.0, 6.0), false, true);
        // paper on a dark square
        add(&square(160.0, 10.0, 12.0), false, true);
        add(&square(161.0, 11.0, 10.0), false, false);
        // side by side
        for [x0, y0, x1, y1] in
            [[210, 10, 222, 11], [210, 21, 222, 22], [210, 10, 211, 22], [221, 10, 222, 22]]
        {
            let side = Box2::new(f64::from(x0), f64::from(y0), f64::from(x1), f64::from(y1));
            add(&side.to_path(0.1), false, true);
        }
        // a bullet, a logo, a line
        add(&square(10.0, 60.0, 6.0), false, true);
        add(&square(60.0, 60.0, 40.0), true, true);
        let mut found: Vec<_> = drawing.boxes().iter().map(|b| (b.bounds.x0, b.ticked)).collect();
        found.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert_eq!(found, [(10.0, false), (60.0, true), (110.0, true), (160.0, false), (210.0, false)]);
    }

    #[test]
    fn what_a_pen_drew() {
        let mut drawing = Drawing::default();
        let mut sign = BezPath::new();
        sign.move_to((100.0, 100.0));
        sign.curve_to((110.0, 80.0), (120.0, 120.0), (130.0, 100.0));
        sign.curve_to((140.0, 80.0), (150.0, 120.0), (160.0, 104.0));
        drawing.add(&sign, Affine::IDENTITY, true, true);
        let ring = hayro::kurbo::Ellipse::new((300.0, 100.0), (30.0, 9.0), 0.0).to_path(0.1);
        drawing.add(&ring, Affine::IDENTITY, true, true);
        let card = Box2::new(10.0, 200.0, 110.0, 230.0).to_rounded_rect(6.0).to_path(0.1);
        drawing.add(&card, Affine::IDENTITY, true, true);
        let (hands, rings) = drawing.pen();
        assert_eq!((hands.len(), rings.len()), (1, 1));
    }

    #[test]
    fn cells_for_letters_are_no_boxes() {
        let mut drawing = Drawing::default();
        for n in 0..6 {
            drawing.add(&square(10.0 + 13.0 * f64::from(n), 10.0, 12.0), Affine::IDENTITY, true, true);
        }
        assert_eq!(drawing.boxes(), []);
    }
}
