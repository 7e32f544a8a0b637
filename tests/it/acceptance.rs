//! What users of other helpdesks lost mail, patience or customers by, each as a test: A1, A3 to A6 and A9 in [`incoming`],
//! A7, A8, A11, A19 and A20 in [`answers`], A13 in [`files`], A17 in [`upgrade`]. What else proves them:
//!
//! | | test |
//! |---|---|
//! | A1 | a thousand messages: `make test-long`; `hostile` for each bomb |
//! | A2 | `crash` (kills while mail comes in and answers leave; 200 of them: `make test-long`), `history` (kills within batches) |
//! | A9 | 50,000 mails: `make test-long`; `history`: a day before which all is history |
//! | A10 | `oauth` (a service that does not answer: `make test-long`) |
//! | A12 | `messages`: every fixture, every cut of it, mutated bytes, and hostile mails |
//! | A14 | `make bench`: peak memory with a mail of 50 MB and a document of 500 pages |
//! | A15 | `search`; A16 | `evidence`, `verify` |

mod answers;
mod files;
mod incoming;
mod upgrade;

use base64::{Engine as _, engine::general_purpose::STANDARD};

fn mail(number: usize, from: &str, subject: &str, more: &str, body: &str) -> String {
    format!(
        "From: {from}\nTo: orders@site.example\nSubject: {subject}\nMessage-ID: <{number}@test.example>\n{more}\
         Date: Mon, 2 Nov 2026 10:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    )
}

fn with_file(number: usize, name: &str, bytes: &[u8]) -> String {
    let lines: Vec<String> = STANDARD
        .encode(bytes)
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!(
        "From: Ann <ann@buyer.example>\nTo: orders@site.example\nSubject: File {number}\nMessage-ID: <{number}@test.example>\n\
         MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease see the file.\n--b\n\
         Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n--b--\n",
        lines.join("\n")
    )
}
