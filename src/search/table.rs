//! Hits as lines of a CSV file for spreadsheet programs.

use super::Hit;
use jiff::{Timestamp, tz::TimeZone};

/// The first line: names of the columns.
pub const HEAD: [&str; 8] = ["ticket", "date", "from", "subject", "file", "page", "text", "message"];

/// The cells of a hit. What a spreadsheet program would take for a formula is written as text.
pub fn cells(hit: &Hit, zone: &TimeZone) -> [String; 8] {
    let date = Timestamp::from_millisecond(hit.date_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    [
        hit.ticket_number.map_or_else(String::new, |number| format!("MR-{number}")),
        date.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        plain(&hit.from.text),
        plain(&hit.subject.text),
        hit.file.as_ref().map_or_else(String::new, |file| plain(&file.text)),
        hit.page.map_or_else(String::new, |page| page.to_string()),
        plain(&hit.body.text),
        hit.message_id.to_string(),
    ]
}

fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn formulas_stay_text() {
        for (text, expected) in [("=1+1", "'=1+1"), ("@SUM", "'@SUM"), ("a=b", "a=b"), ("", "")] {
            assert_eq!(super::plain(text), expected);
        }
    }
}
