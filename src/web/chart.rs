//! Bars as SVG: geometry here, words and colours in the template. Behind every chart stands its table.

use serde::Serialize;

/// Width of the drawing in its own units.
pub const WIDTH: f64 = 640.0;
/// Height of the bars' room.
pub const HEIGHT: f64 = 150.0;

/// One stretch of a bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stretch {
    /// Which series, from 0.
    pub series: usize,
    /// Top, from above.
    pub y: f64,
    /// Height.
    pub height: f64,
}

/// One bar with its stretches on top of one another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// Under the bar.
    pub label: String,
    /// Left edge.
    pub x: f64,
    /// Width.
    pub width: f64,
    /// From the ground up.
    pub stretches: Vec<Stretch>,
    /// What the stretches stand for, one for each series.
    pub values: Vec<f64>,
}

/// A chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chart {
    /// Stable name: its words are in the tables of texts.
    pub name: &'static str,
    /// Names of the series.
    pub series: Vec<&'static str>,
    /// From left to right.
    pub bars: Vec<Bar>,
    /// Where the highest line stands for.
    pub top: f64,
    /// Whether there is anything to draw.
    pub is_empty: bool,
}

/// A round number at or above.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    steps.iter().map(|step| step * unit).find(|round| *round >= value).unwrap_or(value)
}

/// Draws bars; each has one value for each series, none of them negative.
pub fn bars(name: &'static str, series: &[&'static str], rows: Vec<(String, Vec<f64>)>) -> Chart {
    let highest = rows.iter().map(|(_, values)| values.iter().sum::<f64>()).fold(0.0, f64::max);
    let top = round_up(highest);
    let room = WIDTH / rows.len().max(1) as f64;
    let bars = rows
        .into_iter()
        .enumerate()
        .map(|(at, (label, values))| {
            let mut ground = HEIGHT;
            let stretches = values
                .iter()
                .enumerate()
                .filter(|(_, value)| **value > 0.0)
                .map(|(series, value)| {
                    let height = tenths(value / top * HEIGHT);
                    ground -= height;
                    Stretch { series, y: tenths(ground), height }
                })
                .collect();
            let (x, width) = (tenths(at as f64 * room + room * 0.15), tenths(room * 0.7));
            Bar { label, x, width, stretches, values }
        })
        .collect();
    Chart { name, series: series.to_vec(), bars, top, is_empty: highest <= 0.0 }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The one in the middle; the mean of the two in the middle of an even number. None of none.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    values.get(middle.checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_the_ground_and_fit() {
        let chart = bars("x", &["a", "b"], vec![("1".into(), vec![3.0, 1.0]), ("2".into(), vec![0.0, 0.0])]);
        let stretches = &chart.bars[0].stretches;
        assert_eq!((chart.top, stretches[0].y, stretches[0].height), (5.0, 60.0, 90.0));
        assert_eq!((stretches[1].y, stretches[1].height), (30.0, 30.0));
        assert!(chart.bars[1].stretches.is_empty() && !chart.is_empty);
        assert!(bars("x", &["a"], Vec::new()).is_empty);
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (value, top) in
            [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (7.0, 10.0), (12.0, 20.0), (4_001.0, 5_000.0)]
        {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}: {}", round_up(value));
        }
    }

    #[test]
    fn medians_stand_in_the_middle() {
        for (values, expected) in [
            (vec![], None),
            (vec![4.0], Some(4.0)),
            (vec![9.0, 1.0], Some(5.0)),
            (vec![9.0, 1.0, 2.0], Some(2.0)),
        ] {
            assert_eq!(median(values), expected);
        }
    }
}
