//! Who wrote what somebody else forwarded.
//!
//! Does not: believe it. Anybody can write a `From:` line into a text, so a person decides whom to answer.

use super::{
    field, subject,
    words::{HeaderKey, header_key},
};
use crate::model::message::{Address, Message};

/// Lines looked through for the original sender.
const LINES_MAX: usize = 200;

/// The sender that the first block of From/Sent/To/Subject lines of a forwarded message names.
pub fn original_sender(message: &Message) -> Option<Address> {
    if !subject::is_forward(&message.subject) {
        return None;
    }
    let lines = message.quoted_text.lines().chain(message.text.lines()).take(LINES_MAX);
    let mut found = lines.filter_map(|line| {
        let line = line.trim_start_matches(['>', ' ', '\t']).replace('*', "");
        let (_, value) =
            line.split_once([':', '：']).filter(|_| header_key(&line) == Some(HeaderKey::From))?;
        let value = value.replace("[mailto:", "<").replace("<mailto:", "<").replace(']', ">");
        field::mailboxes(&value).into_iter().find(|address| address.email.contains('@'))
    });
    let own = message.from.as_ref().map(|from| from.email.to_lowercase());
    found.find(|address| Some(address.email.to_lowercase()) != own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_sender_is_the_first_that_a_forwarded_text_names() {
        for (subject, body, expected) in [
            (
                "Fwd: Order",
                "---------- Forwarded message ---------\nFrom: Ann Lee <ann@b.example>\nDate: x\n",
                "ann@b.example",
            ),
            (
                "WG: Bestellung",
                "Bitte anlegen.\n\nVon: Ann Lee [mailto:ann@b.example]\nGesendet: x\nAn: y\nBetreff: z\n",
                "ann@b.example",
            ),
            ("VB: Order", "*Från:* Ann Lee <ann@b.example>\n*Skickat:* x\n", "ann@b.example"),
            ("TR : Commande", "De : ann@b.example\nEnvoyé : hier\n", "ann@b.example"),
            (
                "Fwd: Order",
                "> From: me@site.example\n> To: x\n>\n> From: Ann <ann@b.example>\n",
                "ann@b.example",
            ),
            ("Fwd: Order", "From: nobody\nIt comes from: here\n", ""),
            ("Re: Order", "From: Ann Lee <ann@b.example>\nSent: x\nTo: y\nSubject: z\n", ""),
        ] {
            let raw = format!(
                "From: me@site.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{body}"
            );
            let found = original_sender(&crate::message::parse(raw.as_bytes()));
            assert_eq!(found.map_or_else(String::new, |found| found.email), expected, "{body}");
        }
    }
}
