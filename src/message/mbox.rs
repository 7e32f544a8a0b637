//! An mbox file into messages, one at a time (RFC 4155 and the mboxrd quoting of `>From `).
//!
//! Does not: read the whole file into memory; a message is as large as it is.

use std::io::{self, BufRead};

/// Whether a file that begins like this is an mbox.
pub fn is_mbox(start: &[u8]) -> bool {
    start.starts_with(b"From ")
}

/// The messages of an mbox, in order, each without its `From ` line.
pub struct Messages<R> {
    reader: R,
    line: Vec<u8>,
    started: bool,
    ended: bool,
}

impl<R: BufRead> Messages<R> {
    /// Reads from the beginning of an mbox.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), started: false, ended: false }
    }

    fn read_message(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut message = Vec::new();
        let mut after_blank = true;
        while !self.ended {
            self.line.clear();
            if self.reader.read_until(b'\n', &mut self.line)? == 0 {
                self.ended = true;
                break;
            }
            if after_blank && is_separator(&self.line) {
                if std::mem::replace(&mut self.started, true) {
                    return Ok(Some(without_last_break(message)));
                }
                continue;
            }
            self.started = true;
            after_blank = self.line.trim_ascii().is_empty();
            let quoted = self.line.starts_with(b">") && {
                let hooks = self.line.iter().take_while(|b| **b == b'>').count();
                self.line.get(hooks..).is_some_and(|rest| rest.starts_with(b"From "))
            };
            message.extend_from_slice(if quoted {
                self.line.get(1..).unwrap_or_default()
            } else {
                &self.line
            });
        }
        Ok((!message.is_empty()).then(|| without_last_break(message)))
    }
}

impl<R: BufRead> Iterator for Messages<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_message().transpose()
    }
}

/// `From ` with a year or a time behind it, so that a sentence does not cut a message.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let time = rest.windows(3).any(|w| matches!(w, [a, b':', b] if a.is_ascii_digit() && b.is_ascii_digit()));
    let word = rest.split(|b| *b == b' ').next().unwrap_or_default();
    time || word.contains(&b'@') || rest.trim_ascii().len() <= 2
}

/// The blank line before the next separator belongs to the mbox.
fn without_last_break(mut message: Vec<u8>) -> Vec<u8> {
    for ending in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if message.ends_with(ending) {
            message.truncate(message.len() - ending.len() / 2);
            break;
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_is_cut_at_its_separators() {
        let file = b"From a@b Mon Jan  1 10:00:00 2024\nSubject: 1\n\nbody\n>From here\n>>From there\n\n\
                     From here we go\n\nFrom c@d Tue Jan  2 10:00:00 2024\nSubject: 2\n\nx\n";
        let messages: Vec<String> =
            Messages::new(&file[..]).map(|m| String::from_utf8(m.unwrap()).unwrap()).collect();
        assert_eq!(
            messages,
            ["Subject: 1\n\nbody\nFrom here\n>From there\n\nFrom here we go\n", "Subject: 2\n\nx\n"]
        );
        assert_eq!(Messages::new(&b""[..]).count(), 0);
    }
}
