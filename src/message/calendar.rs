//! An invitation (iCalendar, RFC 5545) in a few lines of text: what, when, where, who, and its description.
//!
//! Does not: expand recurrences or resolve time zones; times are told as they were written, with their zone's name.
//! Limit: [`LINES_MAX`].

/// Lines beyond this number are not read.
const LINES_MAX: usize = 2_000;

/// The first event or task of a calendar as text; none if it has none.
pub(super) fn summary(calendar: &str) -> Option<String> {
    let mut event = Event::default();
    let mut inside = 0_usize;
    for line in unfold(calendar) {
        let Some((name, value)) = split_line(&line) else { continue };
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        let name = name.trim().to_ascii_uppercase();
        match (name.as_str(), value.trim().to_ascii_uppercase().as_str()) {
            ("BEGIN", "VEVENT" | "VTODO") if inside == 0 => inside = 1,
            // An alarm within the event has a description of its own.
            ("BEGIN", _) if inside > 0 => inside += 1,
            ("END", _) if inside == 1 => return event.text(),
            ("END", _) if inside > 1 => inside -= 1,
            _ if inside == 1 => event.take(&name, parameters, value),
            _ => {}
        }
    }
    event.text()
}

#[derive(Default)]
struct Event {
    summary: String,
    start: String,
    end: String,
    location: String,
    organizer: String,
    description: String,
}

impl Event {
    fn take(&mut self, name: &str, parameters: &str, value: &str) {
        let (slot, value) = match name {
            "SUMMARY" => (&mut self.summary, unescape(value)),
            "DTSTART" => (&mut self.start, time(parameters, value)),
            "DTEND" | "DUE" => (&mut self.end, time(parameters, value)),
            "LOCATION" => (&mut self.location, unescape(value)),
            "ORGANIZER" => (&mut self.organizer, person(parameters, value)),
            "DESCRIPTION" => (&mut self.description, unescape(value)),
            _ => return,
        };
        if slot.is_empty() {
            *slot = value.trim().to_owned();
        }
    }

    fn text(self) -> Option<String> {
        let times: Vec<&str> =
            [self.start.as_str(), self.end.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
        let times = times.join(" – ");
        let head = [&self.summary, &times, &self.location, &self.organizer];
        let head: Vec<&str> = head.into_iter().map(String::as_str).filter(|l| !l.is_empty()).collect();
        let blocks = [head.join("\n"), self.description];
        let text = blocks.into_iter().filter(|b| !b.is_empty()).collect::<Vec<_>>().join("\n\n");
        (!text.is_empty()).then_some(text)
    }
}

/// Lines with their continuations, which begin with white space.
fn unfold(calendar: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in calendar.lines().take(LINES_MAX) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Name with parameters, and value: at the first colon outside quotes.
fn split_line(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == ':' && !quoted).then_some(at)
    })?;
    let (name, value) = line.split_at_checked(at)?;
    Some((name, value.strip_prefix(':')?))
}

fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters
        .split(';')
        .filter_map(|p| p.split_once('='))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches('"'))
}

/// `20250603T091500Z` as `2025-06-03 09:15 UTC`, `20250603` as `2025-06-03`; anything else as it is.
fn time(parameters: &str, value: &str) -> String {
    let value = value.trim();
    let (date, clock) = value.split_once('T').unwrap_or((value, ""));
    let digits =
        |text: &str, count| text.len() >= count && text.bytes().take(count).all(|b| b.is_ascii_digit());
    let (Some(year), Some(month), Some(day), true) =
        (date.get(..4), date.get(4..6), date.get(6..8), digits(date, 8))
    else {
        return value.to_owned();
    };
    let date = format!("{year}-{month}-{day}");
    let (Some(hour), Some(minute), true) = (clock.get(..2), clock.get(2..4), digits(clock, 4)) else {
        return date;
    };
    let zone = if clock.ends_with('Z') { Some("UTC") } else { parameter(parameters, "TZID") };
    let zone = zone.map(|zone| format!(" {zone}")).unwrap_or_default();
    format!("{date} {hour}:{minute}{zone}")
}

fn person(parameters: &str, value: &str) -> String {
    let value = value.trim();
    let email = value.get(7..).filter(|_| value.to_ascii_lowercase().starts_with("mailto:")).unwrap_or(value);
    match parameter(parameters, "CN").filter(|name| !name.is_empty() && *name != email) {
        Some(name) => format!("{name} <{email}>"),
        None => email.to_owned(),
    }
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_told_in_words() {
        for (calendar, expected) in [
            (
                "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Delivery\\, gate 4\r\nDTSTART;TZID=\"Europe/Stockholm\":20250603T0\r\n 91500\r\nDTEND:20250603T081500Z\r\nLOCATION:Yard\r\nORGANIZER;CN=\"Berg: Lena\":mailto:l@b.example\r\nBEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nDESCRIPTION:Two pallets.\\nCall first.\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
                "Delivery, gate 4\n2025-06-03 09:15 Europe/Stockholm – 2025-06-03 08:15 UTC\nYard\nBerg: Lena <l@b.example>\n\nTwo pallets.\nCall first.",
            ),
            ("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20250603\nSUMMARY:Closed", "Closed\n2025-06-03"),
            ("BEGIN:VEVENT\nDTSTART:soonå\nORGANIZER:MAILTO:a@b.example\nEND:VEVENT", "soonå\na@b.example"),
            ("BEGIN:VTIMEZONE\nSUMMARY:none\nEND:VTIMEZONE", ""),
            ("", ""),
        ] {
            assert_eq!(summary(calendar).unwrap_or_default(), expected, "{calendar:?}");
        }
    }
}
