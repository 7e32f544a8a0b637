//! Header fields: splitting a block into fields, encoded words (RFC 2047), parameters (RFC 2231), mailboxes, ids, dates.
//!
//! Total and tolerant: what real programs send is read in the sense that its sender meant. Adjacent encoded words are
//! joined before their charset is decoded, because many programs cut in the middle of a character.
//! Does not: unfold into more than [`FIELD_BYTES_MAX`]; the rest of such a field is cut with a finding.

use super::charset;
use crate::model::message::{Address, Header};
use base64::Engine as _;

/// One field, raw header bytes beyond this are cut.
pub(super) const FIELD_BYTES_MAX: usize = 64 * 1024;
/// Fields of one block beyond this number are dropped.
pub(super) const FIELDS_MAX: usize = 1_000;
/// Mailboxes in one field beyond this number are dropped.
pub(super) const MAILBOXES_MAX: usize = 2_000;
/// Ids in one field beyond this number: the oldest are dropped.
pub(super) const IDS_MAX: usize = 1_000;

/// A field with its value unfolded, but not decoded.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Name as written.
    pub(super) name: String,
    /// Unfolded value.
    pub(super) value: String,
    /// The value was longer than [`FIELD_BYTES_MAX`].
    pub(super) cut: bool,
}

impl Field {
    /// Starts a field with the line that holds its name; none if it holds no name.
    pub(super) fn start(line: &[u8]) -> Option<Self> {
        let colon = name_end(line)?;
        let (name, value) = line.split_at_checked(colon)?;
        let name = charset::decode_header(name).trim().to_owned();
        let mut field = Self { name, value: String::new(), cut: false };
        field.extend(value.get(1..).unwrap_or_default());
        Some(field)
    }

    /// Adds a line, unfolded.
    pub(super) fn extend(&mut self, line: &[u8]) {
        let room = FIELD_BYTES_MAX.saturating_sub(self.value.len());
        let kept = line.get(..room).unwrap_or(line);
        self.cut |= kept.len() < line.len();
        let text = charset::decode_header(kept);
        let text = text.trim_end_matches(['\r', '\n']);
        self.value.push_str(if self.value.is_empty() { text.trim_start() } else { text });
    }

    /// Decoded for reading.
    pub(super) fn decoded(&self) -> Header {
        Header { name: self.name.clone(), value: decode_words(self.value.trim()) }
    }
}

/// Where the colon stands, if the line starts a field: a name of printable characters, perhaps with space before the colon.
pub(super) fn name_end(line: &[u8]) -> Option<usize> {
    let colon = line.iter().take(200).position(|b| *b == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let plain = !name.is_empty() && name.iter().all(|b| (33..=126).contains(b));
    plain.then_some(colon)
}

/// The first field of that name.
pub(super) fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
}

/// Text with its encoded words decoded.
pub(super) fn decode_words(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = text;
    // No word ends behind this: so the search below stays linear.
    let last_end = text.rfind("?=").unwrap_or(0);
    while text.len() - rest.len() < last_end
        && let Some((before, after)) = rest.split_once("=?")
    {
        let Some((label, bytes, tail)) = split_word(after) else {
            flush(&mut pending, &mut out);
            out.push_str(before);
            out.push_str("=?");
            rest = after;
            continue;
        };
        let adjacent = before.trim().is_empty() && pending.is_some();
        match &mut pending {
            // A word that returns to ASCII (ISO 2022) is complete.
            Some((last, joined))
                if adjacent && last.eq_ignore_ascii_case(label) && !joined.ends_with(b"\x1b(B") =>
            {
                joined.extend_from_slice(&bytes);
            }
            _ => {
                flush(&mut pending, &mut out);
                if !adjacent {
                    out.push_str(before);
                }
                pending = Some((label.to_owned(), bytes));
            }
        }
        rest = tail;
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    out.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect()
}

fn flush(pending: &mut Option<(String, Vec<u8>)>, out: &mut String) {
    if let Some((label, bytes)) = pending.take() {
        out.push_str(&charset::decode_as(&label, &bytes));
    }
}

/// Charset, decoded bytes and what follows, of an encoded word without its `=?`.
fn split_word(after: &str) -> Option<(&str, Vec<u8>, &str)> {
    let (label, rest) = after.split_once('?')?;
    let label = label.split_once('*').map_or(label, |(charset, _language)| charset);
    if label.is_empty() || label.len() > 40 || !label.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let (encoding, rest) = rest.split_once('?')?;
    let (data, tail) = rest.split_once("?=")?;
    let bytes = match encoding {
        "B" | "b" => decode_base64(data.as_bytes()),
        "Q" | "q" => decode_q(data),
        _ => return None,
    };
    // Letters that were never encoded have been read as UTF-8 with the header.
    let label = if !data.is_ascii() && std::str::from_utf8(&bytes).is_ok() { "utf-8" } else { label };
    Some((label, bytes, tail))
}

fn decode_q(data: &str) -> Vec<u8> {
    let spaced: Vec<u8> = data.bytes().map(|b| if b == b'_' { b' ' } else { b }).collect();
    unescape(&spaced, b'=')
}

/// Replaces `<mark>XX` by the byte; what is no such thing stays.
fn unescape(data: &[u8], mark: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let code = if byte == mark { tail.first_chunk::<2>() } else { None };
        match code.and_then(|[high, low]| hex_byte(*high, *low)) {
            Some(value) => {
                out.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => out.push(byte),
        }
    }
    out
}

/// The byte that two hex digits stand for.
pub(super) fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Base64 as it comes: line breaks and stray bytes are skipped, missing padding and inner padding are allowed.
pub(super) fn decode_base64(data: &[u8]) -> Vec<u8> {
    let engine = base64::engine::general_purpose::STANDARD;
    let clean: Vec<u8> = data.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    if let Ok(bytes) = engine.decode(&clean) {
        return bytes;
    }
    let lenient = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let known = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let mut out = Vec::with_capacity(clean.len() / 4 * 3);
    for run in clean.split(|b| *b == b'=') {
        let mut run: Vec<u8> = run.iter().copied().filter(known).collect();
        if run.len() % 4 == 1 {
            run.pop();
        }
        out.extend(lenient.decode(&run).unwrap_or_default());
    }
    out
}

/// A value with parameters: `text/plain; charset=utf-8`, `attachment; filename*0*=…`.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    /// What stands before the first semicolon, lower case.
    pub(super) value: String,
    /// Names in lower case, values decoded.
    pub(super) all: Vec<(String, String)>,
}

impl Parameters {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Reads a field's value.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = split_outside_quotes(text, ';').into_iter();
        let value = pieces.next().unwrap_or_default();
        let value = strip_comments(&value).trim().to_lowercase();
        let raw: Vec<(String, String)> = pieces.filter_map(|piece| split_parameter(&piece)).collect();
        Self { value, all: join_continuations(raw) }
    }
}

fn split_parameter(piece: &str) -> Option<(String, String)> {
    let (name, value) = piece.split_once('=')?;
    let name = name.trim().to_lowercase();
    let value = value.trim();
    let value = if let Some(inner) = value.strip_prefix('"') {
        let mut text = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                // A backslash escapes only what must be escaped: Windows paths come unescaped.
                '\\' => match chars.next() {
                    Some(next @ ('"' | '\\')) => text.push(next),
                    Some(next) => text.extend(['\\', next]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        text
    } else {
        strip_comments(value).trim().to_owned()
    };
    (!name.is_empty()).then_some((name, value))
}

/// Joins `name*0*=`, `name*1=` and decodes `charset'language'%XX`; encoded words in a value are decoded too.
fn join_continuations(raw: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut plain: Vec<(String, String)> = Vec::new();
    let mut sections: Vec<(String, u32, bool, String)> = Vec::new();
    for (name, value) in raw {
        match name.split_once('*') {
            None => plain.push((name, decode_words(&value))),
            Some((base, section)) => {
                let encoded = section.is_empty() || section.ends_with('*');
                let number = section.trim_end_matches('*').parse().unwrap_or(0);
                sections.push((base.to_owned(), number, encoded, value));
            }
        }
    }
    sections.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut out: Vec<(String, String)> = Vec::new();
    let mut rest = sections.as_slice();
    while let Some((base, ..)) = rest.first() {
        let count = rest.iter().take_while(|(b, ..)| b == base).count();
        let (group, tail) = rest.split_at(count);
        out.push((base.clone(), join_sections(group)));
        rest = tail;
    }
    // The extended form wins over the plain one (RFC 6266 and practice).
    out.extend(plain);
    out
}

fn join_sections(group: &[(String, u32, bool, String)]) -> String {
    let mut label = String::new();
    let mut bytes = Vec::new();
    for (at, (_, _, encoded, value)) in group.iter().enumerate() {
        let mut value = value.as_str();
        if *encoded && at == 0 {
            let mut parts = value.splitn(3, '\'');
            if let (Some(charset), Some(_language), Some(text)) = (parts.next(), parts.next(), parts.next()) {
                charset.clone_into(&mut label);
                value = text;
            }
        }
        if *encoded { bytes.extend(unescape(value.as_bytes(), b'%')) } else { bytes.extend(value.as_bytes()) }
    }
    let text =
        if label.is_empty() { charset::decode_header(&bytes) } else { charset::decode_as(&label, &bytes) };
    decode_words(&text)
}

/// Splits at a character that stands outside quotes, comments and angle brackets.
fn split_outside_quotes(text: &str, at: char) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped, mut depth, mut angle) = (false, false, 0_u32, false);
    for c in text.chars() {
        let plain = !quoted && depth == 0 && !angle;
        if c == at && plain && !escaped {
            pieces.push(String::new());
            continue;
        }
        if escaped {
            escaped = false;
        } else {
            match c {
                '\\' if quoted => escaped = true,
                '"' if depth == 0 => quoted = !quoted,
                '(' if !quoted && !angle => depth += 1,
                ')' if !quoted && depth > 0 => depth -= 1,
                '<' if !quoted && depth == 0 => angle = true,
                '>' if !quoted && depth == 0 => angle = false,
                _ => {}
            }
        }
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    // A quote, comment or bracket that never closes hides separators: split without regard to them.
    if (quoted || depth > 0 || angle) && pieces.len() == 1 && text.contains(at) {
        return text.split(at).map(str::to_owned).collect();
    }
    pieces
}

fn strip_comments(text: &str) -> String {
    if !text.contains('(') {
        return text.to_owned();
    }
    let mut depth = 0_u32;
    text.chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            _ => depth == 0,
        })
        .collect()
}

/// The mailboxes of an address field; groups are flattened. `Kern, Jonas <j@k.example>` without quotes is one mailbox.
pub(super) fn mailboxes(value: &str) -> Vec<Address> {
    let commas = split_outside_quotes(value, ',');
    let pieces = commas.iter().flat_map(|piece| split_outside_quotes(piece, ';'));
    let mut found: Vec<Address> = Vec::new();
    let mut surname: Option<String> = None;
    for piece in pieces {
        if found.len() >= MAILBOXES_MAX {
            break;
        }
        let is_word =
            !piece.trim().is_empty() && !piece.contains(['@', '<', '"', ':', '(']) && !piece.contains("=?");
        if let Some(before) = surname.take() {
            if piece.contains('<') && !piece.trim_start().starts_with(['<', '"']) {
                found.extend(mailbox(&format!("{},{piece}", before.trim())));
                continue;
            }
            found.extend(mailbox(&before));
        }
        if is_word {
            surname = Some(piece);
        } else {
            found.extend(mailbox(&piece));
        }
    }
    found.extend(surname.and_then(|word| mailbox(&word)));
    found
}

fn mailbox(piece: &str) -> Option<Address> {
    let piece = without_group_name(piece.trim());
    if let Some((before, after)) = split_angle(piece) {
        let inside = after.split_once('>').map_or(after, |(inside, _)| inside);
        let email = clean_email(inside);
        let name = display_name(before);
        if !email.is_empty() {
            return Some(Address { email, name });
        }
        let from_name = name.as_deref().map(clean_email).filter(|e| e.contains('@'));
        return match (from_name, name) {
            (Some(email), name) => Some(Address { email, name }),
            (None, Some(name)) => Some(Address { email: String::new(), name: Some(name) }),
            (None, None) => None,
        };
    }
    let comment = piece.split_once('(').and_then(|(_, c)| c.rsplit_once(')')).map(|(c, _)| c);
    let bare = strip_comments(piece);
    let bare = bare.trim();
    if bare.is_empty() {
        return None;
    }
    if !bare.contains('@') {
        return display_name(bare).map(|name| Address { email: String::new(), name: Some(name) });
    }
    let unquoted = bare.trim_matches(['"', '\'']);
    let word = unquoted.split_whitespace().find(|w| w.contains('@')).unwrap_or(unquoted);
    let others: Vec<&str> = unquoted.split_whitespace().filter(|w| *w != word).collect();
    let name = comment.and_then(display_name).or_else(|| display_name(&others.join(" ")));
    Some(Address { email: clean_email(word), name })
}

/// The last `<` that opens an address, outside quotes.
fn split_angle(piece: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut at = None;
    for (index, c) in piece.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => at = Some(index),
            _ => {}
        }
    }
    let at = at.or_else(|| piece.rfind('<'))?;
    let (before, after) = piece.split_at_checked(at)?;
    Some((before.trim_end_matches('<'), after.strip_prefix('<').unwrap_or(after)))
}

/// `Undisclosed recipients: a@b` without the group's name.
fn without_group_name(piece: &str) -> &str {
    match piece.split_once(':') {
        Some((name, rest)) if !name.contains(['"', '@', '<', '(']) && !name.contains("=?") => rest.trim(),
        _ => piece,
    }
}

fn display_name(text: &str) -> Option<String> {
    let text = text.trim();
    let unquoted = text.strip_prefix('"').map_or(text, |t| t.strip_suffix('"').unwrap_or(t));
    let unescaped = unquoted.replace("\\\"", "\"").replace("\\\\", "\\");
    let decoded = decode_words(&unescaped);
    let name = decoded.trim().trim_matches(['"', '\'']).trim();
    let collapsed = name.split_whitespace().collect::<Vec<_>>().join(" ");
    (!collapsed.is_empty()).then_some(collapsed)
}

/// `local@domain` with the domain in lower case; what cannot be an address is returned empty.
fn clean_email(text: &str) -> String {
    let decoded = decode_words(text.trim());
    let text =
        decoded.trim().trim_start_matches("mailto:").trim_matches(['<', '>', '"', '\'', ',', ';', ' ']);
    // A source route: <@relay:user@host>.
    let text = if text.starts_with('@') { text.rsplit_once(':').map_or(text, |(_, t)| t) } else { text };
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            let local = local.trim().replace(' ', "");
            let domain: String = domain.chars().filter(|c| !c.is_whitespace()).collect();
            format!("{local}@{}", domain.to_lowercase().trim_end_matches('.'))
        }
        None => text.split_whitespace().collect::<Vec<_>>().join(""),
    }
}

/// The message ids of a field, without angle brackets, in order.
pub(super) fn ids(value: &str) -> Vec<String> {
    let clean = |id: &str| -> Option<String> {
        let id: String = id.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        (!id.is_empty()).then_some(id)
    };
    let mut found: Vec<String> = if value.contains('<') {
        value
            .split('<')
            .skip(1)
            .filter_map(|rest| clean(rest.split_once('>').map_or(rest, |(id, _)| id)))
            .collect()
    } else {
        value.split_whitespace().filter(|w| w.contains('@')).filter_map(clean).collect()
    };
    if found.len() > IDS_MAX {
        found.drain(..found.len() - IDS_MAX);
    }
    found
}

/// A date as milliseconds UTC.
pub(super) fn date_ms(value: &str) -> Option<i64> {
    let terminated = format!("{}\n", value.trim());
    let rfc = mail_parser::DateTime::parse_rfc822(&terminated).filter(mail_parser::DateTime::is_valid);
    let iso = || mail_parser::DateTime::parse_rfc3339(value.trim()).filter(mail_parser::DateTime::is_valid);
    let date = rfc.or_else(iso)?;
    date.to_timestamp().checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_read_as_they_were_meant() {
        for (value, expected) in [
            ("a@b.example", "|a@b.example"),
            ("Anna <Anna.B@B.Example>", "Anna|Anna.B@b.example"),
            ("\"Berg, Lena\" <l@b.example>, x@y.example", "Berg, Lena|l@b.example; |x@y.example"),
            ("Kern, Jonas <j@k.example>", "Kern, Jonas|j@k.example"),
            ("=?utf-8?Q?M=C3=BCller=2C?= Ina <i@m.example>", "Müller, Ina|i@m.example"),
            ("\"=?iso-8859-1?Q?J=F6rg?=\" <j@x.example>", "Jörg|j@x.example"),
            ("a@b.example (Anna)", "Anna|a@b.example"),
            ("Staff: a@b.example, c@d.example;", "|a@b.example; |c@d.example"),
            ("undisclosed-recipients:;", ""),
            ("Fax Machine", "Fax Machine|"),
            ("Broken <a@b.example", "Broken|a@b.example"),
            ("<<a@b.example>>", "|a@b.example"),
            ("<@relay.example:a@b.example>", "|a@b.example"),
            ("mailto:a@b.example", "|a@b.example"),
            ("\"unclosed <a@b.example>, c@d.example", "unclosed|a@b.example; |c@d.example"),
            ("a@b.example <a@b.example>", "a@b.example|a@b.example"),
            ("a@b.example; c@d.example", "|a@b.example; |c@d.example"),
            ("", ""),
        ] {
            let found: Vec<String> = mailboxes(value)
                .into_iter()
                .map(|a| format!("{}|{}", a.name.unwrap_or_default(), a.email))
                .collect();
            assert_eq!(found.join("; "), expected, "{value}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        for (value, name, expected) in [
            ("text/plain; charset=UTF-8", "charset", "UTF-8"),
            ("text/plain; charset=\"utf-8\" (comment)", "charset", "utf-8"),
            ("attachment; filename=\"a;b.pdf\"", "filename", "a;b.pdf"),
            ("attachment; filename=order 7.pdf", "filename", "order 7.pdf"),
            ("attachment; filename=\"C:\\temp\\x.pdf\"", "filename", "C:\\temp\\x.pdf"),
            ("attachment; filename*=iso-8859-1'sv'%E5.pdf", "filename", "å.pdf"),
            ("attachment; filename=x.pdf; filename*=utf-8''%C3%A5.pdf", "filename", "å.pdf"),
            ("attachment; filename*1=\"b.pdf\"; filename*0=\"a\"", "filename", "ab.pdf"),
            ("attachment; filename*0*=utf-8''%C3; filename*1*=%A5.pdf", "filename", "å.pdf"),
            ("attachment; filename=\"=?utf-8?Q?=C3=A5.pdf?=\"", "filename", "å.pdf"),
            ("attachment; filename=\"unclosed.pdf", "filename", "unclosed.pdf"),
        ] {
            assert_eq!(Parameters::parse(value).get(name), Some(expected), "{value}");
        }
    }

    #[test]
    fn encoded_words_are_joined_before_they_are_decoded() {
        for (value, expected) in [
            ("plain =? text", "plain =? text"),
            ("=?utf-8?Q?a_b?= c", "a b c"),
            ("=?utf-8?B?w6U=?= =?utf-8?B?w6Q=?=", "åä"),
            ("=?utf-8?B?w6XD?=\t=?utf-8?B?pA==?=", "åä"),
            ("=?iso-8859-1*sv?Q?=E5?= and =?utf-8?Q?=C3=A4?=", "å and ä"),
            ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
            ("=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?= =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=", "テストテスト"),
            ("=?iso-8859-1?Q?grön_skog?=", "grön skog"),
            ("x=?utf-8?Q?y?=z", "xyz"),
        ] {
            assert_eq!(decode_words(value), expected, "{value}");
        }
    }

    #[test]
    fn ids_and_dates_are_read() {
        assert_eq!(ids("<a@b> (x) <c@d>"), ["a@b", "c@d"]);
        assert_eq!(ids("a@b"), ["a@b"]);
        assert_eq!(ids("<a@\tb>"), ["a@b"]);
        for (value, expected) in [
            ("Tue, 3 Jun 2025 09:15:00 +0200", Some(1_748_934_900_000)),
            ("3 Jun 2025 07:15:00 GMT", Some(1_748_934_900_000)),
            ("2025-06-03T07:15:00Z", Some(1_748_934_900_000)),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(date_ms(value), expected, "{value}");
        }
    }
}
