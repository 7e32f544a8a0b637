//! Who wrote what somebody else forwarded.
//!
//! Does not: believe it. Anybody can write a `From:` line into a text, so a person decides whom to answer.

use super::{
    field, subject,
    words::{HeaderKey, header_key},
};
use crate::model::message::{Address, Attachment, Message};

/// Media type of a mail that goes along as a file (RFC 2046, 5.2.1).
const MAIL: &str = "message/rfc822";

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

/// The first mail that goes along as a file; none in a report, which brings what we wrote ourselves (RFC 6522).
pub fn enclosed_mail(message: &Message) -> Option<&Attachment> {
    let is_report = message.header("Content-Type").is_some_and(|kind| {
        kind.trim_start().get(..16).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/report"))
    });
    message.attachments.iter().find(|file| file.media_type == MAIL).filter(|_| !is_report)
}

/// Who wrote a mail that goes along as a file, unless it is who sends it.
pub fn enclosed_sender(message: &Message, mail: &[u8]) -> Option<Address> {
    let own = message.from.as_ref().map(|from| from.email.to_lowercase());
    super::sender_of(mail).filter(|from| from.email.contains('@') && Some(from.email.to_lowercase()) != own)
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

    #[test]
    fn the_original_sender_of_an_enclosed_mail_stands_in_its_head() {
        for (kind, inner, expected) in [
            ("mixed", "From: Ann Lee <ann@b.example>\nSubject: Order", "ann@b.example"),
            ("mixed", "From: Me <ME@site.example>\nSubject: Order", ""),
            ("mixed", "Subject: From nobody", ""),
            ("report; report-type=delivery-status", "From: Ann Lee <ann@b.example>", ""),
        ] {
            let raw = format!(
                "From: me@site.example\nSubject: Please see\nMIME-Version: 1.0\n\
                 Content-Type: multipart/{kind}; boundary=b\n\n--b\n\nSee the mail.\n\
                 --b\nContent-Type: message/rfc822\n\n{inner}\n\n20 bolts, please.\n--b--\n"
            );
            let message = crate::message::parse(raw.as_bytes());
            let found = enclosed_mail(&message).and_then(|mail| enclosed_sender(&message, &mail.bytes));
            assert_eq!(found.map_or_else(String::new, |a| a.email), expected, "{raw}");
        }
    }
}
