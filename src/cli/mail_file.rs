//! Mail files for commands: `.eml`, mbox (one message after the other), or standard input as `-`.

use crate::message::mbox;
use anyhow::Context as _;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
};

/// A larger message is an error of the command line, not a message.
pub(super) const MESSAGE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Calls `each` with the file's name and the bytes of each message in it; `None` for a single message, else its number.
pub(super) fn each_message(
    path: &Path,
    mut each: impl FnMut(&str, Option<u64>, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let is_standard_input = path.as_os_str() == "-";
    let name = if is_standard_input { "-".to_owned() } else { path.display().to_string() };
    let mut reader: Box<dyn BufRead> = if is_standard_input {
        Box::new(BufReader::new(io::stdin().lock()))
    } else {
        Box::new(BufReader::new(File::open(path).with_context(|| format!("failed to open {name}"))?))
    };
    let start = reader.fill_buf().with_context(|| format!("failed to read {name}"))?;
    if mbox::is_mbox(start) {
        for (number, message) in (1..).zip(mbox::Messages::new(reader)) {
            let message = message.with_context(|| format!("failed to read message {number} of {name}"))?;
            each(&name, Some(number), &message)?;
        }
        return Ok(());
    }
    let mut bytes = Vec::new();
    reader
        .take(MESSAGE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("failed to read {name}"))?;
    anyhow::ensure!(
        bytes.len() as u64 <= MESSAGE_BYTES_MAX,
        "{name} is larger than {MESSAGE_BYTES_MAX} bytes"
    );
    each(&name, None, &bytes)
}
