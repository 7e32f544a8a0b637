//! The container that Tesseract's models come in, and the little-endian fields inside.
//!
//! The file begins with a count and as many offsets, one a component, -1 for one that is missing: `TessdataManager`
//! in `src/ccutil/tessdatamanager.cpp` of tesseract-ocr/tesseract. Limits: components, bytes of a model, of a name.

/// Why a model cannot be run here; Tesseract itself may be able to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(in crate::reader) enum ModelError {
    /// The file ends too early, or a size in it makes no sense.
    #[error("the model is broken: {0}")]
    Broken(&'static str),
    /// A kind of network that is not known here.
    #[error("the model has a network of another kind: {0}")]
    Unknown(String),
}

/// Models are at most so large, in bytes.
pub(in crate::reader) const MODEL_BYTES_MAX: u64 = 64 << 20;
/// Components that a model may have.
const COMPONENTS_MAX: i32 = 64;
/// Names are at most so long, in bytes.
const NAME_BYTES_MAX: u32 = 1000;

/// The components that are read here, by their number in the file.
#[derive(Clone, Copy)]
pub(super) enum Component {
    /// The network and how it was trained.
    Lstm = 17,
    /// The characters, one a line.
    Unicharset = 21,
    /// What each output of the network stands for.
    Recoder = 22,
}

/// One component of a model.
pub(super) fn component(model: &[u8], which: Component) -> Result<&[u8], ModelError> {
    let mut fields = Fields::new(model);
    let count = fields.i32()?;
    if !(0..=COMPONENTS_MAX).contains(&count) {
        return Err(ModelError::Broken("number of components"));
    }
    let offsets: Vec<i64> = (0..count).map(|_| fields.i64()).collect::<Result<_, _>>()?;
    let missing = || ModelError::Unknown("without an LSTM network".to_owned());
    let start = offsets.get(which as usize).copied().filter(|at| *at >= 0).ok_or_else(missing)?;
    let end = offsets.iter().copied().filter(|at| *at > start).min().unwrap_or(model.len() as i64);
    let place = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    place.and_then(|(start, end)| model.get(start..end)).ok_or(ModelError::Broken("place of a component"))
}

/// Fields of a component, one after the other.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], ModelError> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(ModelError::Broken("too short"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(ModelError::Broken("too short"))?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, ModelError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ModelError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, ModelError> {
        self.array().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, ModelError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, ModelError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A size or a count of at most `max`.
    pub(super) fn size(&mut self, max: usize) -> Result<usize, ModelError> {
        let size = self.u32()? as usize;
        if size > max { Err(ModelError::Broken("size")) } else { Ok(size) }
    }

    pub(super) fn name(&mut self) -> Result<String, ModelError> {
        let length = self.size(NAME_BYTES_MAX as usize)?;
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }
}
