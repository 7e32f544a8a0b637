//! The pages: router on one page, one file for each noun.

pub mod assets;
pub mod error;
pub mod html;
pub mod password;
pub mod review;
mod text;
pub mod views;
