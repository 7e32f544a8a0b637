//! The pipe between the program and a reader process, version 2.
//!
//! ```text
//!  frame = header length (u32, little-endian), body length (u32, little-endian), header (JSON), body (raw bytes)
//!
//!  program                                  reader process
//!                          ◄── Hello        version, protections; nothing else is said if the versions differ
//!  Request, body: the file ──►              one at a time
//!                          ◄── Part …       pages, files inside, findings, as they are found
//!                          ◄── Done|Failed  after Failed the process is not used again
//!  end of input            ──►              the process ends
//! ```
//!
//! A frame above the caps below is a breach of the protocol: the program then kills the process. Version 2 added
//! the options.

use super::{Limits, Options};
use crate::model::{finding::Finding, page::Page};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Both sides must agree on it.
pub const VERSION: u32 = 2;
/// Largest header: a page of some hundred thousand words.
pub const MAX_HEADER_BYTES: u32 = 64 << 20;
/// Largest body: a whole file.
pub const MAX_BODY_BYTES: u32 = 512 << 20;

/// What a process says when it is ready.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Hello {
    /// [`VERSION`].
    pub version: u32,
    /// What protects the machine from this process, one sentence each.
    pub protections: Vec<String>,
}

/// What the program asks; the frame's body is the file.
#[derive(Clone, Deserialize, Serialize)]
pub struct Request {
    /// What to do.
    pub task: Task,
    /// What it may cost.
    pub limits: Limits,
}

/// What to do with a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Read all pages.
    Read(Options),
    /// Draw one page as PNG.
    Picture {
        /// From 1.
        page: u32,
        /// Width of the picture.
        width_px: u32,
        /// Tried on an encrypted file.
        passwords: Vec<String>,
    },
}

/// A piece of an answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A page that is finished.
    Page(Page),
    /// A file inside the file; the frame's body is its bytes.
    Embedded {
        /// The name as given.
        name: String,
    },
    /// An order that needs no picture; the frame's body is its text.
    Structured,
    /// Something wrong or noteworthy.
    Finding(Finding),
    /// The picture; the frame's body is the PNG.
    Picture,
    /// The end: all went well.
    Done {
        /// What the file is.
        format: String,
    },
    /// The end: a decoder broke down. The process is not to be used again.
    Failed {
        /// Its last words.
        how: String,
    },
}

fn check_lengths(header: u32, body: u32) -> io::Result<(usize, usize)> {
    if header > MAX_HEADER_BYTES || body > MAX_BODY_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too large"));
    }
    Ok((header as usize, body as usize))
}

fn lengths(header: &[u8], body: &[u8]) -> io::Result<[u8; 8]> {
    let too_large = |_| io::Error::new(io::ErrorKind::InvalidData, "frame too large");
    let (h, b) =
        (u32::try_from(header.len()).map_err(too_large)?, u32::try_from(body.len()).map_err(too_large)?);
    check_lengths(h, b)?;
    let mut both = [0; 8];
    both.iter_mut().zip(h.to_le_bytes().into_iter().chain(b.to_le_bytes())).for_each(|(to, from)| *to = from);
    Ok(both)
}

fn split_lengths(both: [u8; 8]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, e, f, g, h] = both;
    check_lengths(u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
}

/// Writes one frame.
pub fn write_frame<T: Serialize>(to: &mut impl Write, header: &T, body: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    to.write_all(&lengths(&header, body)?)?;
    to.write_all(&header)?;
    to.write_all(body)?;
    to.flush()
}

/// Reads one frame; none at the end of the input.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut both = [0; 8];
    if let Err(e) = from.read_exact(&mut both) {
        return if e.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
    }
    let (header_len, body_len) = split_lengths(both)?;
    let mut header = vec![0; header_len];
    from.read_exact(&mut header)?;
    let mut body = vec![0; body_len];
    from.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&header)?, body)))
}

/// As [`write_frame`], for the waiting side.
pub async fn send_frame<T: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    header: &T,
    body: &[u8],
) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    to.write_all(&lengths(&header, body)?).await?;
    to.write_all(&header).await?;
    to.write_all(body).await?;
    to.flush().await
}

/// As [`read_frame`], for the waiting side; the end of the input is an error there. Also says the frame's size.
pub async fn receive_frame<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<(T, Vec<u8>, u64)> {
    let mut both = [0; 8];
    from.read_exact(&mut both).await?;
    let (header_len, body_len) = split_lengths(both)?;
    let mut header = Vec::new();
    read_up_to(from, header_len, &mut header).await?;
    let mut body = Vec::new();
    read_up_to(from, body_len, &mut body).await?;
    Ok((serde_json::from_slice(&header)?, body, (header_len + body_len) as u64))
}

/// Grows as bytes come, so that a lie about the length costs nothing.
async fn read_up_to(
    from: &mut (impl AsyncRead + Unpin),
    length: usize,
    into: &mut Vec<u8>,
) -> io::Result<()> {
    let read = from.take(length as u64).read_to_end(into).await?;
    if read == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let mut wire = Vec::new();
        write_frame(&mut wire, &Hello { version: VERSION, protections: vec!["none".into()] }, b"body")
            .unwrap();
        let (hello, body): (Hello, _) = read_frame(&mut wire.as_slice()).unwrap().unwrap();
        assert_eq!((hello.version, body.as_slice()), (VERSION, b"body".as_slice()));
        assert!(read_frame::<Hello>(&mut [].as_slice()).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused() {
        let wire = [0xff_u8; 16];
        assert!(read_frame::<Hello>(&mut wire.as_slice()).is_err());
    }
}
