//! Lines of a body into new text, quoted text and signature.
//!
//! A quote is: lines with `>`; what markup says is one; an attribution ("On … wrote:") with what it introduces; all that
//! follows an "Original Message" line or a block of From/Sent/To/Subject lines. Text below or between quotes stays new.
//! Does not: drop anything. The whole text stays in [`Message::text`](crate::model::message::Message::text).
//! In doubt text counts as new: losing a customer's sentence is worse than showing one twice.

use super::{signature, words};

/// What is known of a line before its text is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing.
    #[default]
    Plain,
    /// Markup says it is quoted.
    Quoted,
    /// It and all that follows is quoted.
    Cut,
    /// Markup says it is a signature.
    Signature,
}

/// One line of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without its line break.
    pub(super) text: String,
    /// What markup says of it.
    pub(super) mark: Mark,
}

/// The three parts of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// What the sender wrote now.
    pub(super) new: String,
    /// What is quoted.
    pub(super) quoted: String,
    /// The signature.
    pub(super) signature: String,
}

/// An attribution spans at most this many lines.
const ATTRIBUTION_LINES_MAX: usize = 5;
/// An attribution has at most this many characters.
pub(super) const ATTRIBUTION_CHARS_MAX: usize = 400;
/// Lines that might begin an attribution are looked at this many times; a longer thread has said enough.
const ATTRIBUTIONS_TRIED_MAX: usize = 1_000;
/// Separators are looked for in this many lines.
const LINES_SCANNED_MAX: usize = 50_000;
/// A block of From/Sent/To/Subject lines is looked for in this many lines.
const HEADER_BLOCK_LINES_MAX: usize = 14;

/// Lines of plain text.
pub(super) fn lines_of(text: &str) -> Vec<Line> {
    text.lines().map(|l| Line { text: l.to_owned(), mark: Mark::Plain }).collect()
}

/// Splits a body. `sender` is the display name, which helps to find a signature.
pub(super) fn split(lines: &[Line], sender: &str) -> Split {
    let quoted = quoted_lines(lines);
    let mut new = Vec::new();
    let mut old = Vec::new();
    for (line, quoted) in lines.iter().zip(&quoted) {
        if *quoted { old.push(line.text.as_str()) } else { new.push(line) }
    }
    let (new, signature) = signature::split(&new, sender);
    Split { new: tidy(&new), quoted: tidy(&old), signature: tidy(&signature) }
}

/// Joins lines, without empty ones at the ends and with at most one between.
fn tidy(lines: &[&str]) -> String {
    let mut out: Vec<&str> = Vec::with_capacity(lines.len());
    for line in lines {
        let line = line.trim_end();
        if !line.trim().is_empty() || out.last().is_some_and(|l| !l.trim().is_empty()) {
            out.push(line);
        }
    }
    out.join("\n").trim_end().to_owned()
}

/// For each line whether it is quoted.
fn quoted_lines(lines: &[Line]) -> Vec<bool> {
    let mut quoted: Vec<bool> = lines.iter().map(|l| l.mark == Mark::Quoted || depth(&l.text) > 0).collect();
    let mut at = 0;
    let mut tries = 0;
    while let Some(line) = lines.get(at).filter(|_| at < LINES_SCANNED_MAX) {
        if line.mark == Mark::Cut || (depth(&line.text) == 0 && cuts(lines, at)) {
            mark_from(&mut quoted, at);
            break;
        }
        let bare = words::is_bare_attribution(line.text.trim_start_matches(['>', ' ']).trim_end());
        if bare && introduces_marked_quote(&quoted, lines, at + 1) {
            quoted.iter_mut().skip(at).take(1).for_each(|q| *q = true);
        }
        let hopeful = tries < ATTRIBUTIONS_TRIED_MAX && words::may_start_attribution(&line.text);
        tries += usize::from(hopeful);
        let count = if hopeful { attribution_length(lines, at) } else { 0 };
        if count > 0 {
            if introduces_marked_quote(&quoted, lines, at + count) {
                quoted.iter_mut().skip(at).take(count).for_each(|q| *q = true);
                at += count;
                continue;
            }
            if stands_for_unmarked_quote(lines, at, count) {
                mark_from(&mut quoted, at);
                break;
            }
        }
        at += 1;
    }
    mark_wrapped_lines(lines, &mut quoted);
    quoted
}

fn mark_from(quoted: &mut [bool], at: usize) {
    quoted.iter_mut().skip(at).for_each(|q| *q = true);
}

/// Number of `>` before the text. `>From` is a mail that was kept in an mbox.
fn depth(text: &str) -> usize {
    let text = text.trim_start();
    if text.starts_with(">From ") {
        return 0;
    }
    text.chars().take_while(|c| matches!(c, '>' | ' ')).filter(|c| *c == '>').count()
}

/// Whether all from this line on is quoted.
fn cuts(lines: &[Line], at: usize) -> bool {
    let Some(text) = lines.get(at).map(|l| plain(&l.text)) else { return false };
    words::is_separator(&text)
        || words::is_reply_marker(&text)
        || is_header_block(lines, at)
        || (is_rule(&text) && next_filled(lines, at + 1).is_some_and(|next| is_header_block(lines, next)))
}

/// A line of underscores or hyphens.
fn is_rule(text: &str) -> bool {
    text.len() >= 5 && text.chars().all(|c| matches!(c, '_' | '-' | '—' | '=' | '*'))
}

fn next_filled(lines: &[Line], from: usize) -> Option<usize> {
    lines.iter().enumerate().skip(from).take(3).find(|(_, l)| !l.text.trim().is_empty()).map(|(at, _)| at)
}

/// Text without the stars that stand for bold in plain text.
fn plain(text: &str) -> String {
    text.trim().trim_matches('*').replace('*', "").trim().to_owned()
}

/// From/Sent/To/Subject lines as Outlook and its kin put them above a quoted message.
fn is_header_block(lines: &[Line], at: usize) -> bool {
    let first = lines.get(at).map(|l| plain(&l.text)).unwrap_or_default();
    let Some(start) = words::header_key(&first) else { return false };
    let mut kinds = vec![start];
    let mut evidence = first.contains('@') && start == words::HeaderKey::From;
    let mut gap = 0;
    for line in lines.iter().skip(at + 1).take(HEADER_BLOCK_LINES_MAX) {
        let text = plain(&line.text);
        if text.is_empty() {
            gap += 1;
            if gap > 2 {
                break;
            }
            continue;
        }
        match words::header_key(&text) {
            Some(kind) => {
                gap = 0;
                evidence |=
                    text.contains('@') && matches!(kind, words::HeaderKey::From | words::HeaderKey::To);
                evidence |= words::is_sent_key(&text);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            None if gap > 0 => break,
            None => {}
        }
    }
    evidence |= words::is_sent_key(&first);
    kinds.contains(&words::HeaderKey::From) && kinds.len() >= 3 && evidence
}

/// How many lines from here form an attribution such as "On … wrote:"; 0 if they do not.
fn attribution_length(lines: &[Line], at: usize) -> usize {
    let mut joined = String::new();
    let base = lines.get(at).map_or(0, |l| depth(&l.text));
    for (count, line) in lines.iter().skip(at).take(ATTRIBUTION_LINES_MAX).enumerate() {
        let torn = matches!(line.text.trim(), ">:" | "> :");
        let text =
            if torn { ">:".to_owned() } else { plain(line.text.trim_start().trim_start_matches(['>', ' '])) };
        if text.is_empty() || (depth(&line.text) != base && !torn) || joined.len() > ATTRIBUTION_CHARS_MAX {
            return 0;
        }
        if count > 0 {
            joined.push(' ');
        }
        joined.push_str(&text);
        if words::is_attribution(&joined) {
            return count + 1;
        }
    }
    0
}

/// Whether what comes next is marked as quoted, by `>` or by markup.
fn introduces_marked_quote(quoted: &[bool], lines: &[Line], from: usize) -> bool {
    lines
        .iter()
        .zip(quoted)
        .skip(from)
        .take(4)
        .find(|(l, quoted)| !l.text.trim().is_empty() || **quoted)
        .is_some_and(|(_, quoted)| *quoted)
}

/// Whether an attribution without marks below it is one: it must say who and when.
fn stands_for_unmarked_quote(lines: &[Line], at: usize, count: usize) -> bool {
    let text: String =
        lines.iter().skip(at).take(count).map(|l| l.text.as_str()).collect::<Vec<_>>().join(" ");
    let digits = text.chars().filter(char::is_ascii_digit).count();
    words::has_writing_verb(&text) && (text.contains('@') || digits >= 3)
}

/// The tail of a quoted line that a mail program broke without repeating its `>`.
fn mark_wrapped_lines(lines: &[Line], quoted: &mut [bool]) {
    let wrapped: Vec<usize> = lines
        .windows(3)
        .enumerate()
        .filter_map(|(at, window)| match window {
            [before, line, after] => {
                let tail = line.text.trim();
                let small =
                    !tail.is_empty() && tail.chars().count() <= 20 && tail.starts_with(char::is_lowercase);
                let long = before.text.chars().count() >= 60;
                (small && long && depth(&before.text) > 0 && depth(&line.text) == 0 && depth(&after.text) > 0)
                    .then_some(at + 1)
            }
            _ => None,
        })
        .collect();
    for at in wrapped {
        if let Some(flag) = quoted.get_mut(at) {
            *flag = true;
        }
    }
}
