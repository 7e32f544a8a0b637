//! The network of a model as it was trained: its layers with their weights.
//!
//! Known is the one shape that all models of Tesseract 4 and 5 have, `[1,H,0,1 Ct3,3,N Mp3,3 Lfys… Lfx… Lrx… … O1c…]`:
//! a convolution, a maximum, a column read from top to bottom, lines read forwards and backwards, and a choice among
//! characters. Form of the file: `Network::DeSerialize` and its kin in `src/lstm/*.cpp` of tesseract-ocr/tesseract.
//! Limits: depth, layers, units of a layer.

use super::{
    matrix::Matrix,
    traineddata::{Fields, ModelError},
};

/// Layers inside layers.
const DEPTH_MAX: usize = 8;
/// Layers side by side.
const LAYERS_MAX: usize = 32;
/// Units of one layer.
const UNITS_MAX: usize = 8192;
/// Lines are scaled to a height of at most so many pixels.
const HEIGHT_MAX: usize = 128;

/// Flags of a matrix of weights.
const WHOLE_NUMBERS: u8 = 1;
const DOUBLES: u8 = 128;
/// Flag of layers that hold a rate of learning for each of theirs.
const RATES: i32 = 64;

/// A layer whose outputs all depend on all of its inputs.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    pub(super) weights: Matrix,
    pub(super) bias: Vec<f32>,
}

/// Long short-term memory. Outputs of its matrices: what to take in, how much, how much to keep, how much to tell.
#[derive(Clone, Debug)]
pub(super) struct Lstm {
    pub(super) units: usize,
    pub(super) from_input: Matrix,
    pub(super) from_itself: Matrix,
    pub(super) bias: Vec<f32>,
}

/// A layer that reads a line of columns.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) lstm: Lstm,
    /// From right to left.
    pub(super) backwards: bool,
}

/// The layers, from pixels to characters.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    /// Lines are scaled to so many pixels.
    pub(super) height: usize,
    /// From squares of 3 by 3 pixels, column by column.
    pub(super) strokes: Dense,
    /// Each column from top to bottom.
    pub(super) columns: Lstm,
    pub(super) readings: Vec<Reading>,
    pub(super) choice: Dense,
}

/// Pixels on a side of the squares that the convolution sees, and of those that the maximum is taken of.
pub(super) const SQUARE: usize = 3;

/// Any layer of the file.
enum Layer {
    Input { height: usize, depth: usize },
    Convolve { half_width: usize, half_height: usize },
    Maxpool { width: usize, height: usize },
    Dense { kind: String, dense: Dense },
    Lstm { summary: bool, lstm: Lstm },
    Within { kind: String, layers: Vec<Layer> },
}

/// Reads the network at the start of the component.
pub(super) fn read_layers(fields: &mut Fields) -> Result<Layers, ModelError> {
    let mut flat = Vec::new();
    flatten(read_layer(fields, 0)?, &mut flat);
    let unknown = |what: &str| ModelError::Unknown(what.to_owned());
    let mut flat = flat.into_iter();
    let Some(Layer::Input { height, depth: 1 }) = flat.next() else { return Err(unknown("input")) };
    if !(SQUARE..=HEIGHT_MAX).contains(&height) {
        return Err(unknown("height of lines"));
    }
    let Some(Layer::Convolve { half_width: 1, half_height: 1 }) = flat.next() else {
        return Err(unknown("convolution"));
    };
    let strokes = match flat.next() {
        Some(Layer::Dense { kind, dense }) if kind == "Tanh" => dense,
        _ => return Err(unknown("layer after the convolution")),
    };
    let Some(Layer::Maxpool { width: SQUARE, height: SQUARE }) = flat.next() else {
        return Err(unknown("maximum"));
    };
    let columns = match flat.next() {
        Some(Layer::Within { kind, layers }) if kind == "XYTranspose" => match layers.into_iter().next() {
            Some(Layer::Lstm { summary: true, lstm }) => lstm,
            _ => return Err(unknown("layer of columns")),
        },
        _ => return Err(unknown("layer of columns")),
    };
    let mut readings = Vec::new();
    let mut choice = None;
    for layer in flat {
        match layer {
            Layer::Lstm { summary: false, lstm } if choice.is_none() => {
                readings.push(Reading { lstm, backwards: false });
            }
            Layer::Within { kind, layers } if kind == "RTLReversed" && choice.is_none() => {
                match <[Layer; 1]>::try_from(layers) {
                    Ok([Layer::Lstm { summary: false, lstm }]) => {
                        readings.push(Reading { lstm, backwards: true });
                    }
                    _ => return Err(unknown("backward layer")),
                }
            }
            Layer::Dense { kind, dense } if kind == "Softmax" && choice.is_none() => choice = Some(dense),
            _ => return Err(unknown("layer")),
        }
    }
    let choice = choice.ok_or_else(|| unknown("without a choice"))?;
    let layers = Layers { height, strokes, columns, readings, choice };
    if layers.fit() { Ok(layers) } else { Err(ModelError::Broken("sizes of layers")) }
}

impl Layers {
    /// Whether each layer takes what the one before it gives.
    fn fit(&self) -> bool {
        let mut width = self.strokes.weights.outputs();
        let mut fits = self.strokes.weights.inputs() == SQUARE * SQUARE;
        let lstms = std::iter::once(&self.columns).chain(self.readings.iter().map(|r| &r.lstm));
        for lstm in lstms {
            fits &= lstm.from_input.inputs() == width;
            width = lstm.units;
        }
        fits && self.choice.weights.inputs() == width
    }
}

/// Series inside series are one.
fn flatten(layer: Layer, flat: &mut Vec<Layer>) {
    match layer {
        Layer::Within { kind, layers } if kind == "Series" => {
            for layer in layers {
                flatten(layer, flat);
            }
        }
        layer => flat.push(layer),
    }
}

fn read_layer(fields: &mut Fields, depth: usize) -> Result<Layer, ModelError> {
    if depth > DEPTH_MAX {
        return Err(ModelError::Broken("layers too deep"));
    }
    // a number instead of a name is how models before Tesseract 4 told the kind
    if fields.u8()? != 0 {
        return Err(ModelError::Unknown("kind told by number".to_owned()));
    }
    let kind = fields.name()?;
    let (training, _backwards) = (fields.u8()?, fields.u8()?);
    if training == 1 {
        return Err(ModelError::Unknown("unfinished training".to_owned()));
    }
    let flags = fields.i32()?;
    let inputs = fields.size(UNITS_MAX)?;
    let (_outputs, _weights, _name) = (fields.i32()?, fields.i32()?, fields.name()?);
    match kind.as_str() {
        "Input" => {
            let (_batch, height, _width) = (fields.i32()?, fields.size(UNITS_MAX)?, fields.i32()?);
            let (depth, _loss) = (fields.size(UNITS_MAX)?, fields.i32()?);
            Ok(Layer::Input { height, depth })
        }
        "Convolve" => {
            Ok(Layer::Convolve { half_width: fields.size(UNITS_MAX)?, half_height: fields.size(UNITS_MAX)? })
        }
        "Maxpool" => Ok(Layer::Maxpool { width: fields.size(UNITS_MAX)?, height: fields.size(UNITS_MAX)? }),
        "Tanh" | "Softmax" => {
            let weights = read_weights(fields)?;
            Ok(Layer::Dense { kind, dense: weights.into_dense() })
        }
        "LSTM" | "SummLSTM" => {
            let _all_inputs = fields.i32()?;
            let gates: [Weights; 4] =
                [read_weights(fields)?, read_weights(fields)?, read_weights(fields)?, read_weights(fields)?];
            Ok(Layer::Lstm { summary: kind == "SummLSTM", lstm: join_gates(&gates, inputs)? })
        }
        "Series" | "XYTranspose" | "RTLReversed" => {
            let count = fields.size(LAYERS_MAX)?;
            let layers = (0..count).map(|_| read_layer(fields, depth + 1)).collect::<Result<_, _>>()?;
            if flags & RATES != 0 {
                let rates = fields.size(LAYERS_MAX)?;
                fields.bytes(rates * size_of::<f32>())?;
            }
            Ok(Layer::Within { kind, layers })
        }
        _ => Err(ModelError::Unknown(kind)),
    }
}

/// Weights as they stand in the file: for each output those of the inputs, and one that is always added.
struct Weights {
    outputs: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Weights {
    fn at(&self, output: usize, column: usize) -> f32 {
        self.values.get(output * self.columns + column).copied().unwrap_or(0.0)
    }

    fn into_dense(self) -> Dense {
        let inputs = self.columns - 1;
        let bias = (0..self.outputs).map(|output| self.at(output, inputs)).collect();
        Dense { weights: Matrix::pack(self.outputs, inputs, |output, input| self.at(output, input)), bias }
    }
}

fn read_weights(fields: &mut Fields) -> Result<Weights, ModelError> {
    let mode = fields.u8()?;
    if mode & DOUBLES == 0 {
        return Err(ModelError::Unknown("weights of an old form".to_owned()));
    }
    let (outputs, columns) = (fields.size(UNITS_MAX)?, fields.size(UNITS_MAX)?);
    if outputs == 0 || columns < 2 {
        return Err(ModelError::Broken("weights without inputs"));
    }
    let values = if mode & WHOLE_NUMBERS != 0 {
        let _empty = fields.u8()?;
        let whole = fields.bytes(outputs * columns)?;
        let count = fields.size(UNITS_MAX)?;
        let scales: Vec<f32> =
            (0..count).map(|_| fields.f64().map(|s| s as f32)).collect::<Result<_, _>>()?;
        if scales.len() < outputs {
            return Err(ModelError::Broken("scales of weights"));
        }
        let rows = whole.chunks_exact(columns).zip(scales);
        rows.flat_map(|(row, scale)| row.iter().map(move |w| f32::from(w.cast_signed()) * scale)).collect()
    } else {
        let _empty = fields.f64()?;
        let (doubles, _) = fields.bytes(outputs * columns * size_of::<f64>())?.as_chunks();
        doubles.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()
    };
    Ok(Weights { outputs, columns, values })
}

/// One matrix for the inputs of all gates, and one for what the layer told itself the step before.
fn join_gates(gates: &[Weights; 4], inputs: usize) -> Result<Lstm, ModelError> {
    let [first, ..] = gates;
    let units = first.outputs;
    if gates.iter().any(|g| g.outputs != units || g.columns != inputs + units + 1) {
        return Err(ModelError::Unknown("gates of other sizes".to_owned()));
    }
    let at = |output: usize, column: usize| {
        gates.get(output / units).map_or(0.0, |gate| gate.at(output % units, column))
    };
    Ok(Lstm {
        units,
        from_input: Matrix::pack(4 * units, inputs, at),
        from_itself: Matrix::pack(4 * units, units, |output, unit| at(output, inputs + unit)),
        bias: (0..4 * units).map(|output| at(output, inputs + units)).collect(),
    })
}
