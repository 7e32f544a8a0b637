//! The networks of Tesseract's models, run by ourselves: many lines of a page at once.
//!
//! `traineddata` → `layers` and `charset`; then `strip` (a line as the network wants it) → `forward` → `decode`.
//! Tesseract goes line by line and step by step, so that most of its time is spent on fetching weights; here each
//! weight that is fetched serves all lines of a batch. What a model has that is not known here is an error, and
//! Tesseract itself reads with it.

mod charset;
mod decode;
mod forward;
mod layers;
mod lstm;
mod matrix;
mod strip;
mod traineddata;

pub(super) use decode::Spoken;
pub(super) use traineddata::{MODEL_BYTES_MAX, ModelError};

use self::{
    charset::read_charset,
    decode::Chances,
    layers::{Layers, SQUARE, read_layers},
    strip::Strip,
    traineddata::{Component, Fields, component},
};
use image::GrayImage;

/// Steps of lines that are read together.
const BATCH_STEPS: usize = 12_000;

/// The network of one model.
pub(super) struct Net {
    layers: Layers,
    /// What each output stands for.
    texts: Vec<String>,
    /// The output that means nothing.
    nothing: usize,
}

impl Net {
    /// Reads a model.
    ///
    /// # Errors
    /// [`ModelError`] if it is broken, or of a kind that only Tesseract can run.
    pub(super) fn open(model: &[u8]) -> Result<Self, ModelError> {
        let mut fields = Fields::new(component(model, Component::Lstm)?);
        let layers = read_layers(&mut fields)?;
        let (_spec, _flags, _training, _sample) =
            (fields.name()?, fields.i32()?, fields.i32()?, fields.i32()?);
        let outputs = layers.choice.weights.outputs();
        let nothing = fields.size(outputs - 1)?;
        let (unicharset, recoder) =
            (component(model, Component::Unicharset)?, component(model, Component::Recoder)?);
        Ok(Self { texts: read_charset(unicharset, recoder, outputs)?, layers, nothing })
    }

    /// The words of each line, with places in its pixels.
    pub(super) fn read(&self, lines: &[&GrayImage]) -> Vec<Vec<Spoken>> {
        let strips: Vec<Option<Strip>> =
            lines.iter().map(|line| Strip::new(line, self.layers.height)).collect();
        let mut order: Vec<(usize, &Strip)> =
            strips.iter().enumerate().filter_map(|(at, s)| s.as_ref().map(|s| (at, s))).collect();
        order.sort_by_key(|(_, strip)| std::cmp::Reverse(strip.width));
        let mut words = vec![Vec::new(); lines.len()];
        let mut rest = order.as_slice();
        while let Some((_, longest)) = rest.first() {
            let together = (BATCH_STEPS / (longest.width / SQUARE).max(1)).max(1);
            let (batch, others) = rest.split_at(together.min(rest.len()));
            rest = others;
            let strips: Vec<&Strip> = batch.iter().map(|(_, strip)| *strip).collect();
            for ((at, strip), chances) in batch.iter().zip(self.layers.run(&strips)) {
                let pixels = SQUARE as f32 / strip.scale;
                let (rows, gaps) = (&chances, &strip.find_gaps());
                let chances = Chances { rows, texts: &self.texts, nothing: self.nothing, gaps };
                let mut own = chances.words();
                for word in &mut own {
                    (word.start, word.end) =
                        (strip.left + word.start * pixels, strip.left + word.end * pixels);
                }
                if let Some(place) = words.get_mut(*at) {
                    *place = own;
                }
            }
        }
        words
    }
}

#[cfg(test)]
mod tests;
