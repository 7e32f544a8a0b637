//! Cuts text into what is indexed: folded words, and the trigrams of codes.
//!
//! Two views of one text. [`words`] are for reading: case and accents are folded away (`Fü` and `FU` are one word),
//! `ü` is also kept as `ue` at the same place, CJK runs become overlapping pairs of characters, every pictograph is
//! a word. [`codes`] are for part, order and telephone numbers: whatever holds a digit, written together without
//! its separators (`AB-12/34`, `4500 123 456`), in overlapping groups of three characters, so that any part of a
//! code is found however it was written.
//!
//! Does not: stem words or drop stop words (`IT`, `OR-12` and `WILL` are names too), look at the language, nor lose
//! long words (they are cut into pieces that follow one another). Both views are streams: memory does not grow with
//! the text. Folding is by Unicode's compatibility decomposition (UAX #15) and a short table for letters without one.

use std::{collections::VecDeque, iter::Peekable, str::CharIndices};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longer words are cut into pieces of this many characters.
pub(super) const WORD_CHARS_MAX: usize = 64;

/// A code longer than this, without separators, is no code that a person looks for; its parts are indexed apart.
pub(super) const CODE_CHARS_MAX: usize = 64;

/// Characters in one group of a code; shorter searches find whole words only.
pub(super) const CODE_GROUP_CHARS: usize = 3;

/// Digits in one group of a number that is written with blanks: `4500 123 456`.
const NUMBER_GROUP_CHARS_MAX: usize = 4;

/// One indexed unit of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// First byte in the text.
    pub(super) start: usize,
    /// Byte after the last one.
    pub(super) end: usize,
    /// Rank among the words; those of equal rank stand for the same word.
    pub(super) position: usize,
    /// As it is indexed.
    pub(super) text: String,
}

/// The words of a text.
pub(super) fn words(text: &str) -> Words<'_> {
    Words { pieces: Pieces::new(text), ready: VecDeque::new(), position: 0 }
}

/// The groups of three characters of all codes in a text.
pub(super) fn codes(text: &str) -> CodeGroups<'_> {
    CodeGroups { codes: Codes::new(text), ready: VecDeque::new(), position: 0 }
}

/// The folded words of a text that is searched for: for each place its spellings, the plain one first.
pub(super) fn query_words(text: &str) -> Vec<Vec<String>> {
    let mut places: Vec<Vec<String>> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    for token in words(text) {
        match (last, places.last_mut()) {
            (Some((position, _)), Some(place)) if position == token.position => place.push(token.text),
            // The last character of a CJK run is indexed alone too; within a longer search it adds nothing.
            (Some((_, end)), Some(_)) if token.start < end && token.text.chars().count() == 1 => {}
            _ => places.push(vec![token.text]),
        }
        last = Some((token.position, token.end));
    }
    places
}

/// A searched text as a code: folded, without anything but letters and digits.
pub(super) fn code_form(text: &str) -> String {
    Pieces::new(text).filter(|p| p.kind == PieceKind::Word).map(|p| p.folded).collect()
}

/// Case and accents folded away: `Ångström` is `angstrom`, `ﬁ` is `fi`, `ß` is `ss`.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    text.chars().for_each(|c| push_folded(&mut folded, c));
    folded
}

/// Whether this character is written without blanks between words.
pub(super) fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{323af}')
        && c.is_alphanumeric()
}

/// Signs that mean something by themselves: pictographs, arrows, dingbats; not variation marks and skin tones.
fn is_pictograph(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}')
}

/// Invisible characters that may stand within a word.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Accents and vowel points that people leave out when they search.
fn is_dropped_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe2f}')
}

fn is_word_char(c: char) -> bool {
    (c.is_alphanumeric() && !is_cjk(c) && !is_pictograph(c)) || is_combining_mark(c)
}

/// What may stand within a code, one at a time.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        '-' | '/' | '.' | '_' | '\\' | ',' | ':' | '#' | '+' | '\'' | '\u{2010}'..='\u{2015}' | '\u{2212}'
    )
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

fn push_folded(folded: &mut String, c: char) {
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
        return;
    }
    if ('\u{ac00}'..='\u{d7a3}').contains(&c) {
        folded.push(c);
        return;
    }
    for part in std::iter::once(c).nfkd() {
        match part {
            _ if is_dropped_mark(part) || is_ignorable(part) => {}
            'ß' | 'ẞ' => folded.push_str("ss"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'ø' | 'Ø' => folded.push('o'),
            'ł' | 'Ł' => folded.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => folded.push('d'),
            'þ' | 'Þ' => folded.push_str("th"),
            'ħ' | 'Ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            // Decompositions hold signs too: `⑴` is `(1)`.
            _ if !part.is_alphanumeric() && !is_combining_mark(part) && !is_pictograph(part) => {}
            _ => folded.extend(part.to_lowercase().filter(|c| !is_dropped_mark(*c))),
        }
    }
}

/// The other spelling of a word with German or Nordic letters: `Müller` as `mueller`, `Åsa` as `aasa`.
fn spelled_out(text: &str) -> Option<String> {
    let letter = |c: char| match c {
        'ä' | 'Ä' => Some("ae"),
        'ö' | 'Ö' | 'ø' | 'Ø' => Some("oe"),
        'ü' | 'Ü' => Some("ue"),
        'å' | 'Å' => Some("aa"),
        _ => None,
    };
    text.chars().any(|c| letter(c).is_some()).then(|| {
        let mut folded = String::with_capacity(text.len());
        for c in text.chars() {
            match letter(c) {
                Some(pair) => folded.push_str(pair),
                None => push_folded(&mut folded, c),
            }
        }
        folded
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PieceKind {
    /// Letters, digits and their marks.
    Word,
    /// One CJK character.
    Cjk,
    /// One pictograph.
    Pictograph,
}

#[derive(Clone, Debug)]
struct Piece {
    kind: PieceKind,
    start: usize,
    end: usize,
    folded: String,
    spelled_out: Option<String>,
}

/// The runs of word characters and the single signs of a text.
#[derive(Clone)]
struct Pieces<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, chars: text.char_indices().peekable() }
    }

    fn word_from(&mut self, start: usize) -> Piece {
        let mut end = start;
        while let Some((at, c)) = self.chars.next_if(|(_, c)| is_word_char(*c) || is_ignorable(*c)) {
            end = at + c.len_utf8();
        }
        let written = self.text.get(start..end).unwrap_or_default();
        let spelled_out = if written.is_ascii() { None } else { spelled_out(written) };
        Piece { kind: PieceKind::Word, start, end, folded: fold(written), spelled_out }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let (start, c) = *self.chars.peek()?;
            if is_word_char(c) {
                let piece = self.word_from(start);
                if !piece.folded.is_empty() {
                    return Some(piece);
                }
                continue;
            }
            self.chars.next();
            let kind = if is_cjk(c) {
                PieceKind::Cjk
            } else if is_pictograph(c) {
                PieceKind::Pictograph
            } else {
                continue;
            };
            let mut folded = String::new();
            push_folded(&mut folded, c);
            return Some(Piece { kind, start, end: start + c.len_utf8(), folded, spelled_out: None });
        }
    }
}

/// Iterator made by [`words`].
#[derive(Clone)]
pub(super) struct Words<'a> {
    pieces: Pieces<'a>,
    ready: VecDeque<Token>,
    position: usize,
}

impl Words<'_> {
    fn push(&mut self, start: usize, end: usize, text: String) {
        self.ready.push_back(Token { start, end, position: self.position, text });
    }

    fn push_word(&mut self, piece: Piece) {
        if piece.folded.len() <= WORD_CHARS_MAX {
            if let Some(other) = piece.spelled_out.filter(|other| *other != piece.folded) {
                self.push(piece.start, piece.end, piece.folded);
                self.push(piece.start, piece.end, other);
            } else {
                self.push(piece.start, piece.end, piece.folded);
            }
            self.position += 1;
            return;
        }
        let mut chars = piece.folded.chars().peekable();
        while chars.peek().is_some() {
            let part = chars.by_ref().take(WORD_CHARS_MAX).collect();
            self.push(piece.start, piece.end, part);
            self.position += 1;
        }
    }

    /// A pair with the next character of the run, or the last character alone.
    fn push_cjk(&mut self, piece: Piece) {
        let next = self.pieces.clone().next();
        match next.filter(|next| next.kind == PieceKind::Cjk && next.start == piece.end) {
            Some(next) => self.push(piece.start, next.end, piece.folded + &next.folded),
            None => self.push(piece.start, piece.end, piece.folded),
        }
        self.position += 1;
    }
}

impl Iterator for Words<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while self.ready.is_empty() {
            let piece = self.pieces.next()?;
            match piece.kind {
                PieceKind::Word => self.push_word(piece),
                PieceKind::Cjk => self.push_cjk(piece),
                PieceKind::Pictograph => {
                    self.push(piece.start, piece.end, piece.folded);
                    self.position += 1;
                }
            }
        }
        self.ready.pop_front()
    }
}

/// A code in a text: at least one digit, without separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    /// First byte in the text.
    pub(super) start: usize,
    /// Byte after the last one.
    pub(super) end: usize,
    /// Folded letters and digits.
    pub(super) text: String,
}

/// The codes of a text; made by [`Codes::new`].
#[derive(Clone)]
pub(super) struct Codes<'a> {
    text: &'a str,
    pieces: Peekable<Pieces<'a>>,
    ready: VecDeque<Code>,
}

impl<'a> Codes<'a> {
    /// The codes of a text in its order.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, pieces: Pieces::new(text).peekable(), ready: VecDeque::new() }
    }

    /// The next run of words that single separators, or the blanks of a grouped number, hold together.
    fn next_run(&mut self) -> Option<Vec<Piece>> {
        let mut run = vec![self.pieces.find(|p| p.kind == PieceKind::Word)?];
        let mut run_chars = 0;
        while let (Some(last), Some(next)) = (run.last(), self.pieces.peek()) {
            let joined = next.kind == PieceKind::Word
                && match only_char(self.text, last.end, next.start) {
                    Some(c) if is_separator(c) => true,
                    Some(c) if is_blank(c) => is_number_group(last) && is_number_group(next),
                    _ => false,
                };
            run_chars += last.folded.len();
            if !joined || run_chars + next.folded.len() > CODE_CHARS_MAX * 2 {
                break;
            }
            run.extend(self.pieces.next());
        }
        Some(run)
    }
}

/// The character between two places, if there is exactly one.
fn only_char(text: &str, from: usize, to: usize) -> Option<char> {
    let mut chars = text.get(from..to)?.chars();
    let only = chars.next()?;
    chars.next().is_none().then_some(only)
}

fn is_number_group(piece: &Piece) -> bool {
    (1..=NUMBER_GROUP_CHARS_MAX).contains(&piece.folded.len())
        && piece.folded.bytes().all(|b| b.is_ascii_digit())
}

impl Iterator for Codes<'_> {
    type Item = Code;

    fn next(&mut self) -> Option<Code> {
        while self.ready.is_empty() {
            let run = self.next_run()?;
            let text: String = run.iter().map(|p| p.folded.as_str()).collect();
            if !text.chars().any(char::is_numeric) {
                continue;
            }
            if text.chars().count() <= CODE_CHARS_MAX {
                let (start, end) = (run.first()?.start, run.last()?.end);
                self.ready.push_back(Code { start, end, text });
                continue;
            }
            let parts = run.into_iter().filter(|p| p.folded.chars().any(char::is_numeric));
            self.ready.extend(parts.map(|p| Code { start: p.start, end: p.end, text: p.folded }));
        }
        self.ready.pop_front()
    }
}

/// Iterator made by [`codes`].
#[derive(Clone)]
pub(super) struct CodeGroups<'a> {
    codes: Codes<'a>,
    ready: VecDeque<Token>,
    position: usize,
}

impl Iterator for CodeGroups<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while self.ready.is_empty() {
            let code = self.codes.next()?;
            for group in code_groups(&code.text) {
                self.ready.push_back(Token {
                    start: code.start,
                    end: code.end,
                    position: self.position,
                    text: group,
                });
                self.position += 1;
            }
            // A gap, so that no search runs from one code into the next.
            self.position += 1;
        }
        self.ready.pop_front()
    }
}

/// The overlapping groups of a code; none if it is too short.
pub(super) fn code_groups(code: &str) -> Vec<String> {
    let chars: Vec<char> = code.chars().take(CODE_CHARS_MAX).collect();
    chars.windows(CODE_GROUP_CHARS).map(|group| group.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word_texts(text: &str) -> Vec<String> {
        words(text).map(|t| format!("{}{}", t.position, t.text)).collect()
    }

    #[test]
    fn words_are_folded() {
        for (text, expected) in [
            ("Order Confirmation", "0order 1confirmation"),
            ("Fü FU fu\u{308}", "0fu 0fue 1fu 2fu"),
            ("Straße", "0strasse"),
            ("Åsa Ängström", "0asa 0aasa 1angstrom 1aengstroem"),
            ("ＦＵＬＬ ﬁne №5", "0full 1fine 25"),
            ("HEX1025-B", "0hex1025 1b"),
            ("erik@acme.se", "0erik 1acme 2se"),
            ("soft\u{ad}hyphen", "0softhyphen"),
            ("👍🏽 ok 🚚✈️", "0👍 1ok 2🚚 3✈"),
            ("東京都", "0東京 1京都 2都"),
            ("注文123号", "0注文 1文 2123 3号"),
            ("한국어", "0한국 1국어 2어"),
            ("Ελλάς", "0ελλασ"),
            ("", ""),
            ("--- !!", ""),
        ] {
            let expected: Vec<_> = expected.split_whitespace().map(str::to_owned).collect();
            assert_eq!(word_texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_words_are_cut_not_lost() {
        let long = "x".repeat(WORD_CHARS_MAX * 2 + 5);
        let lengths: Vec<_> = words(&long).map(|t| (t.position, t.text.len())).collect();
        assert_eq!(lengths, [(0, WORD_CHARS_MAX), (1, WORD_CHARS_MAX), (2, 5)]);
    }

    #[test]
    fn codes_lose_their_separators() {
        for (text, expected) in [
            ("part HEX1025-B, please", vec!["hex1025b"]),
            ("AB-12/34 or AB1234", vec!["ab1234", "ab1234"]),
            ("PO 4500 123 456 dated", vec!["4500123456"]),
            ("total 1,234.50 EUR", vec!["123450"]),
            ("e-mail me", vec![]),
            ("+46 8 123 45 67", vec!["4681234567"]),
            ("M8x40–A2", vec!["m8x40a2"]),
        ] {
            let got: Vec<_> = Codes::new(text).map(|c| c.text).collect();
            assert_eq!(got, expected, "{text:?}");
        }
    }

    #[test]
    fn groups_of_one_code_follow_one_another_and_leave_a_gap_to_the_next() {
        let got: Vec<_> = codes("AB-12 X7Y").map(|t| (t.position, t.text)).collect();
        let expected = [(0, "ab1"), (1, "b12"), (3, "x7y")].map(|(p, t)| (p, t.to_owned()));
        assert_eq!(got, expected);
    }

    #[test]
    fn odd_text_is_harmless() {
        for text in ["\u{0}\u{ffff}", "\u{301}\u{301}", "-1-", "\u{200d}\u{200d}", "a\u{10ffff}b", "🏳️‍🌈"]
        {
            assert!(words(text).count() < 10);
            assert!(codes(text).count() < 10);
            assert!(query_words(text).len() < 10);
        }
    }

    #[test]
    fn searched_cjk_needs_no_closing_character() {
        assert_eq!(query_words("東京"), [["東京"]]);
        assert_eq!(query_words("京"), [["京"]]);
        assert_eq!(query_words("Müller AG"), [vec!["muller", "mueller"], vec!["ag"]]);
    }
}
