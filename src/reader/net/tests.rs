//! A made-up network of the known shape, and the system's models beside Tesseract itself.

use super::*;
use crate::reader::ocr::find_tessdata;
use image::Luma;

/// Writes a model as Tesseract does.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: i32) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn name(&mut self, name: &str) -> &mut Self {
        self.number(name.len() as i32).0.extend(name.bytes());
        self
    }

    fn layer(&mut self, kind: &str, inputs: i32, outputs: i32) -> &mut Self {
        self.0.push(0);
        self.name(kind).0.extend([0, 0]);
        self.number(0).number(inputs).number(outputs).number(0).name(kind)
    }

    /// Weights of whole numbers; the last column is always added.
    fn weights(&mut self, outputs: i32, columns: i32) -> &mut Self {
        self.0.push(0x81);
        self.number(outputs).number(columns).0.push(0);
        self.0.extend((0..outputs * columns).map(|i| (i * 37 % 101) as u8));
        self.number(outputs);
        (0..outputs).for_each(|_| self.0.extend(0.01_f64.to_le_bytes()));
        self
    }

    fn lstm(&mut self, kind: &str, inputs: i32, units: i32) -> &mut Self {
        self.layer(kind, inputs, units).number(inputs + units);
        (0..4).for_each(|_| {
            self.weights(units, inputs + units + 1);
        });
        self
    }
}

const CHARACTERS: &str = "4\nNULL 0\nJoined 7\n|Broken|0|1 f\na 3\n";

fn made_up_model() -> Vec<u8> {
    let mut lstm = Writer::default();
    lstm.layer("Series", 1, 3).number(8);
    lstm.layer("Input", 6, 1).number(1).number(6).number(0).number(1).number(0);
    lstm.layer("Convolve", 1, 9).number(1).number(1);
    lstm.layer("Tanh", 9, 4).weights(4, 10);
    lstm.layer("Maxpool", 4, 4).number(3).number(3);
    lstm.layer("XYTranspose", 4, 5).number(1).lstm("SummLSTM", 4, 5);
    lstm.lstm("LSTM", 5, 6);
    lstm.layer("RTLReversed", 6, 7).number(1).lstm("LSTM", 6, 7);
    lstm.layer("Softmax", 7, 3).weights(3, 8);
    lstm.name("made up").number(65).number(0).number(0).number(2);
    let mut recoder = Writer::default();
    recoder.number(4);
    for output in [0, 2, 2, 1] {
        recoder.0.push(1);
        recoder.number(1).number(output);
    }
    let parts = [
        (Component::Lstm, lstm.0),
        (Component::Unicharset, CHARACTERS.into()),
        (Component::Recoder, recoder.0),
    ];
    let mut model = Writer::default();
    model.number(24);
    let mut start = 4 + 24 * 8;
    for number in 0..24 {
        let part = parts.iter().find(|(component, _)| *component as usize == number);
        model.0.extend(part.map_or(-1_i64, |_| start).to_le_bytes());
        start += part.map_or(0, |(_, bytes)| bytes.len() as i64);
    }
    model.0.extend(parts.iter().flat_map(|(_, bytes)| bytes));
    model.0
}

#[test]
fn lines_are_read_alike_alone_and_together() {
    let net = Net::open(&made_up_model()).unwrap();
    assert_eq!(net.texts, [" ", "a", ""]);
    let line = |width: u32| GrayImage::from_fn(width, 20, |x, y| Luma([if x * y % 7 < 3 { 0 } else { 255 }]));
    let lines = [line(90), line(60), line(200), line(60)];
    let strips: Vec<Strip> = lines.iter().map(|line| Strip::new(line, net.layers.height).unwrap()).collect();
    let mut sorted: Vec<&Strip> = strips.iter().collect();
    sorted.sort_by_key(|strip| std::cmp::Reverse(strip.width));
    for (strip, together) in sorted.iter().zip(net.layers.run(&sorted)) {
        let alone = net.layers.run(&[strip]).concat();
        assert_eq!(together.len(), strip.width / SQUARE * net.texts.len());
        assert!(together.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-5));
        let sums = together.chunks_exact(3).map(|step| step.iter().sum::<f32>());
        assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-5));
    }
    assert_eq!(net.read(&lines.each_ref()).len(), 4);
}

#[test]
fn a_broken_model_is_an_error() {
    let model = made_up_model();
    for length in 0..model.len() - 1 {
        assert!(Net::open(&model[..length]).is_err(), "cut after {length} bytes");
    }
    for at in 0..model.len() {
        let mut changed = model.clone();
        changed[at] ^= 0xff;
        // an error or a network that reads nonsense, never a panic
        drop(Net::open(&changed));
    }
}

#[test]
fn the_models_of_the_system_are_known() {
    let folder = find_tessdata(None).expect("tesseract-ocr is installed");
    let mut known = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "traineddata") {
            continue;
        }
        match Net::open(&std::fs::read(&path).unwrap()) {
            Ok(_) => known += 1,
            Err(ModelError::Unknown(_)) => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    assert!(known > 0);
}
