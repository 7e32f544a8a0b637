//! [`App`] owns the handles of all effects.

/// Everything that the surfaces and jobs work with.
#[derive(Debug)]
pub struct App;
