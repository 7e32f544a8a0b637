//! Subject lines: the bare subject without reply and forward marks, and our ticket token `[MR-1001]`.
//!
//! Does not: join messages. Equal subjects never join anything; see [`crate::screen::follow_up`].

/// Reply and forward marks of mail programs in many languages, lower case, without their colon.
const MARKS: &[&str] = &[
    "re",
    "aw",
    "antw",
    "antwort",
    "sv",
    "svar",
    "vs",
    "rép",
    "rép.",
    "ref",
    "réf",
    "odp",
    "ynt",
    "ris",
    "res",
    "resp",
    "fw",
    "fwd",
    "wg",
    "vb",
    "vbs",
    "tr",
    "doorst",
    "rv",
    "enc",
    "i",
    "vl",
    "pd",
    "transf",
    "weitergeleitet",
    "forwarded message",
    "betr",
    "bls",
    "bl",
    "atb",
];

/// Marks among them that say the message was forwarded.
const FORWARD_MARKS: &[&str] = &[
    "fw",
    "fwd",
    "wg",
    "vb",
    "vbs",
    "tr",
    "doorst",
    "rv",
    "enc",
    "vl",
    "pd",
    "transf",
    "weitergeleitet",
    "forwarded message",
];

/// Longest mark with its counter: `re[12]`.
const MARK_CHARS_MAX: usize = 24;

/// The subject without `Re:`, `AW:`, `Fwd:`, `Re[2]:` and without our ticket token, white space collapsed.
pub fn bare(subject: &str) -> String {
    let mut rest = subject.trim();
    loop {
        let next = strip_token(rest).or_else(|| strip_mark(rest).map(|(_, rest)| rest));
        match next {
            Some(next) => rest = next.trim_start(),
            None => break,
        }
    }
    let without_token: Vec<&str> =
        rest.split_whitespace().filter(|word| parse_token(word).is_none()).collect();
    without_token.join(" ")
}

/// Whether the outermost mark is one of forwarding.
pub fn is_forward(subject: &str) -> bool {
    let mut rest = subject.trim();
    while let Some(next) = strip_token(rest) {
        rest = next.trim_start();
    }
    strip_mark(rest).is_some_and(|(mark, _)| FORWARD_MARKS.contains(&mark.as_str()))
}

/// Whether the outermost mark is one of replying.
pub fn is_reply(subject: &str) -> bool {
    let mut rest = subject.trim();
    while let Some(next) = strip_token(rest) {
        rest = next.trim_start();
    }
    strip_mark(rest).is_some_and(|(mark, _)| !FORWARD_MARKS.contains(&mark.as_str()))
}

/// The number in the first token `[MR-1001]`, in any letter case.
pub fn ticket_number(subject: &str) -> Option<i64> {
    subject
        .split('[')
        .skip(1)
        .find_map(|rest| rest.split_once(']').and_then(|(token, _)| parse_reference(token)))
}

fn parse_token(word: &str) -> Option<i64> {
    parse_reference(word.strip_prefix('[')?.strip_suffix(']')?)
}

fn parse_reference(token: &str) -> Option<i64> {
    let token = token.trim();
    let (letters, digits) = token.split_once('-')?;
    let known = letters.trim().eq_ignore_ascii_case("MR");
    let digits = digits.trim();
    let plain = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    if known && plain { digits.parse().ok() } else { None }
}

fn strip_token(text: &str) -> Option<&str> {
    let (token, rest) = text.strip_prefix('[')?.split_once(']')?;
    parse_reference(token).map(|_| rest)
}

fn strip_mark(text: &str) -> Option<(String, &str)> {
    let head: String = text.chars().take(MARK_CHARS_MAX).collect();
    let colon = head.chars().position(|c| c == ':' || c == '：')?;
    let mark: String = head.chars().take(colon).collect::<String>().to_lowercase();
    let mut chars = text.chars();
    chars.by_ref().take(colon + 1).for_each(drop);
    let word = mark.trim().trim_end_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | '*' | '.')
    });
    let word = word.trim();
    MARKS.contains(&word).then(|| (word.to_owned(), chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_tokens_are_stripped() {
        for (subject, expected) in [
            ("", ""),
            ("Order 4711", "Order 4711"),
            ("Re: Order 4711", "Order 4711"),
            ("RE: AW: SV: Fwd:  Order   4711 ", "Order 4711"),
            ("Re[2]: Order", "Order"),
            ("AW : WG: Bestellung", "Bestellung"),
            ("Rép : TR : Commande", "Commande"),
            ("SV: [MR-1001] Sv: Beställning", "Beställning"),
            ("[MR-1001] Order 4711", "Order 4711"),
            ("Order [mr-7] 4711", "Order 4711"),
            ("Reg: our order", "Reg: our order"),
            ("Invoice: 12", "Invoice: 12"),
            ("Re:", ""),
        ] {
            assert_eq!(bare(subject), expected, "{subject}");
        }
    }

    #[test]
    fn tokens_are_found_only_in_brackets() {
        for (subject, expected) in [
            ("Re: [MR-1001] Order", Some(1001)),
            ("AW: Order [mr-1002]", Some(1002)),
            ("[EXT] [MR-3] x", Some(3)),
            ("MR-1001", None),
            ("[MR-]", None),
            ("[MR-99999999999999999999]", None),
            ("[RT-1001]", None),
            ("[MR-1001", None),
        ] {
            assert_eq!(ticket_number(subject), expected, "{subject}");
        }
    }

    #[test]
    fn forwards_are_told_from_replies() {
        assert!(is_forward("Fwd: order") && is_forward("WG: Bestellung") && is_forward("VB: order"));
        assert!(!is_forward("Re: Fwd: order") && is_reply("Re: Fwd: order") && !is_reply("order"));
    }
}
