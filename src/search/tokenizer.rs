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
    Words { text, pieces: Pieces::new(text).peekable(), ready: VecDeque::new(), position: 0 }
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
    Pieces::new(text).filter(|p| p.kind == PieceKind::Word).map(|p| fold(p.of(text))).collect()
}

/// Case and accents folded away: `Ångström` is `angstrom`, `ﬁ` is `fi`, `ß` is `ss`.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
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
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
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

/// A run of word characters or a single sign, as a place in the text.
#[derive(Clone, Copy, Debug)]
struct Piece {
    kind: PieceKind,
    start: usize,
    end: usize,
}

impl Piece {
    fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The pieces of a text in its order.
#[derive(Clone)]
struct Pieces<'a> {
    chars: Peekable<CharIndices<'a>>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        Self { chars: text.char_indices().peekable() }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let (start, c) = self.chars.next()?;
            let mut end = start + c.len_utf8();
            if is_word_char(c) {
                while let Some((at, c)) = self.chars.next_if(|(_, c)| is_word_char(*c) || is_ignorable(*c)) {
                    end = at + c.len_utf8();
                }
                return Some(Piece { kind: PieceKind::Word, start, end });
            }
            if is_cjk(c) {
                return Some(Piece { kind: PieceKind::Cjk, start, end });
            }
            if is_pictograph(c) {
                return Some(Piece { kind: PieceKind::Pictograph, start, end });
            }
        }
    }
}

/// Iterator made by [`words`].
#[derive(Clone)]
pub(super) struct Words<'a> {
    text: &'a str,
    pieces: Peekable<Pieces<'a>>,
    /// Further tokens of the piece before.
    ready: VecDeque<Token>,
    position: usize,
}

impl Words<'_> {
    fn token(&self, piece: Piece, text: String) -> Token {
        Token { start: piece.start, end: piece.end, position: self.position, text }
    }

    /// The first token of a word; the others wait. None if nothing is left of it.
    fn word(&mut self, piece: Piece) -> Option<Token> {
        let written = piece.of(self.text);
        let folded = fold(written);
        if folded.len() > WORD_CHARS_MAX {
            let mut chars = folded.chars().peekable();
            while chars.peek().is_some() {
                let part = chars.by_ref().take(WORD_CHARS_MAX).collect();
                self.ready.push_back(self.token(piece, part));
                self.position += 1;
            }
            return self.ready.pop_front();
        }
        if folded.is_empty() {
            return None;
        }
        if !written.is_ascii()
            && let Some(other) = spelled_out(written).filter(|other| *other != folded)
        {
            self.ready.push_back(self.token(piece, other));
        }
        let token = self.token(piece, folded);
        self.position += 1;
        Some(token)
    }

    /// A pair with the next character of the run, or the last character alone.
    fn cjk(&mut self, mut piece: Piece) -> Option<Token> {
        let next = self.pieces.peek().filter(|next| next.kind == PieceKind::Cjk && next.start == piece.end);
        piece.end = next.map_or(piece.end, |next| next.end);
        let token = self.token(piece, fold(piece.of(self.text)));
        self.position += 1;
        Some(token)
    }
}

impl Iterator for Words<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(token) = self.ready.pop_front() {
            return Some(token);
        }
        loop {
            let piece = self.pieces.next()?;
            let token = match piece.kind {
                PieceKind::Word => self.word(piece),
                PieceKind::Cjk => self.cjk(piece),
                PieceKind::Pictograph => {
                    let token = self.token(piece, fold(piece.of(self.text)));
                    self.position += 1;
                    Some(token)
                }
            };
            if token.is_some() {
                return token;
            }
        }
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
    run: Vec<Piece>,
    ready: VecDeque<Code>,
}

impl<'a> Codes<'a> {
    /// The codes of a text in its order.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, pieces: Pieces::new(text).peekable(), run: Vec::new(), ready: VecDeque::new() }
    }

    /// The next run of words that single separators, or the blanks of a grouped number, hold together.
    fn read_run(&mut self) -> Option<()> {
        self.run.clear();
        let first = self.pieces.find(|p| p.kind == PieceKind::Word)?;
        let mut last = first;
        self.run.push(first);
        while let Some(next) = self.pieces.next_if(|next| {
            next.kind == PieceKind::Word
                && next.end - first.start <= CODE_CHARS_MAX * 2
                && match only_char(self.text, last.end, next.start) {
                    Some(c) if is_separator(c) => true,
                    Some(c) if is_blank(c) => {
                        is_number_group(last.of(self.text)) && is_number_group(next.of(self.text))
                    }
                    _ => false,
                }
        }) {
            self.run.push(next);
            last = next;
        }
        Some(())
    }

    fn push_code(&mut self, pieces: &[Piece]) {
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return };
        let text: String = pieces.iter().map(|p| fold(p.of(self.text))).collect();
        self.ready.push_back(Code { start: first.start, end: last.end, text });
    }
}

/// The character between two places, if there is exactly one.
fn only_char(text: &str, from: usize, to: usize) -> Option<char> {
    let mut chars = text.get(from..to)?.chars();
    let only = chars.next()?;
    chars.next().is_none().then_some(only)
}

fn is_number_group(text: &str) -> bool {
    (1..=NUMBER_GROUP_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn has_digit(text: &str) -> bool {
    text.chars().any(char::is_numeric)
}

impl Iterator for Codes<'_> {
    type Item = Code;

    fn next(&mut self) -> Option<Code> {
        while self.ready.is_empty() {
            self.read_run()?;
            let run = std::mem::take(&mut self.run);
            let length: usize = run.iter().map(|p| p.end - p.start).sum();
            if length <= CODE_CHARS_MAX {
                if run.iter().any(|p| has_digit(p.of(self.text))) {
                    self.push_code(&run);
                }
            } else {
                run.iter()
                    .filter(|p| has_digit(p.of(self.text)))
                    .for_each(|p| self.push_code(std::slice::from_ref(p)));
            }
            self.run = run;
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
