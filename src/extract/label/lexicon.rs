//! Words of labels and the concepts that they stand for.
//!
//! `lexicon.txt` holds them. A word that it does not hold is taken apart as a compound (`Bestellnummer` is order and
//! number); if that fails, its letters may be misread: `E1ntrefftermin`, `Rechnunpsadresse`. What looks alike to OCR is
//! one sign in the index, and of what remains one letter in six, or two in ten, may be wrong. The index holds every
//! word with letters left out, so that a look-up costs the same however long the lexicon is.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::LazyLock,
};
use unicode_normalization::UnicodeNormalization as _;

/// What a word of a label stands for.
pub(super) type Concept = &'static str;

/// Letters of a word from which one may be wrong.
const ONE_WRONG_FROM: usize = 6;
/// Letters of a word from which two may be wrong.
const TWO_WRONG_FROM: usize = 10;
/// Letters of a word from which signs that look alike count as the same.
const ALIKE_FROM: usize = 4;
/// Letters of a word at most that is looked up with letters forgiven.
const FORGIVEN_MAX: usize = 24;
/// Letters of a compound from which one of its parts may have a letter wrong.
const COMPOUND_FROM: usize = 9;
/// Words remembered by one thread at most.
const SEEN_MAX: usize = 50_000;
/// Longer words say nothing: they are no words of a label, and there may be a megabyte of them.
const WORD_BYTES_MAX: usize = 120;

struct Lexicon {
    /// Word or word part to its concepts.
    parts: HashMap<&'static str, Vec<Concept>>,
    /// Hashes of what words look like, with no, one or two letters left out, to those words.
    near: HashMap<u64, Vec<&'static str>>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut parts: HashMap<&'static str, Vec<Concept>> = HashMap::new();
    for line in include_str!("../lexicon.txt").lines() {
        let Some((concept, words)) = line.split_once(": ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        for word in words.split_whitespace() {
            let entry = parts.entry(word).or_default();
            if !entry.contains(&concept) {
                entry.push(concept);
            }
        }
    }
    let mut words: Vec<&'static str> = parts.keys().copied().collect();
    words.sort_unstable();
    let mut near: HashMap<u64, Vec<&'static str>> = HashMap::new();
    for word in words.into_iter().filter(|w| (ALIKE_FROM..=FORGIVEN_MAX).contains(&w.chars().count())) {
        for key in shortened(&likeness(word), wrong_letters(word.chars().count() + 1)) {
            let entry = near.entry(key).or_default();
            if entry.last() != Some(&word) {
                entry.push(word);
            }
        }
    }
    Lexicon { parts, near }
});

/// What a word of a label was found to say.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What it stands for.
    pub(super) concepts: Vec<Concept>,
    /// A misread letter was forgiven.
    pub(super) forgiven: bool,
    /// The word as the lexicon has it, where letters were forgiven in a word that is no compound.
    pub(super) known: Option<&'static str>,
}

impl Found {
    fn exactly(concepts: Vec<Concept>) -> Self {
        Self { concepts, forgiven: false, known: None }
    }
}

thread_local! {
    static SEEN: RefCell<HashMap<String, Option<Found>>> = RefCell::new(HashMap::new());
}

/// Lower case without accents; `ß` becomes `ss`; dots and colons at the ends go.
pub fn fold_word(word: &str) -> String {
    if word.is_ascii() {
        return word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '#').to_ascii_lowercase();
    }
    let mut out = String::with_capacity(word.len());
    for c in word.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)) {
        match c {
            'ß' => out.push_str("ss"),
            '°' | 'º' => out.push('o'),
            '’' => out.push('\''),
            'ø' | 'Ø' => out.push('o'),
            'œ' => out.push_str("oe"),
            c => out.extend(c.to_lowercase()),
        }
    }
    out.trim_matches(|c: char| !c.is_alphanumeric() && c != '#').to_owned()
}

/// What one word says; none if it is no label word.
pub(super) fn find(word: &str) -> Option<Found> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    SEEN.with_borrow_mut(|seen| {
        // by the word as it stands: most have been seen, and most of those say nothing
        if let Some(known) = seen.get(word) {
            return known.clone();
        }
        if seen.len() > SEEN_MAX {
            seen.clear();
        }
        let folded = fold_word(word);
        let found = if folded.is_empty() { None } else { find_folded(&folded) };
        seen.insert(word.to_owned(), found.clone());
        found
    })
}

/// Whether these letters are a word of the lexicon, to the letter.
pub(super) fn is_known(folded: &str) -> bool {
    LEXICON.parts.contains_key(folded)
}

fn find_folded(word: &str) -> Option<Found> {
    let lexicon = &*LEXICON;
    if let Some(found) = lexicon.parts.get(word) {
        return Some(Found::exactly(found.clone()));
    }
    // "order/po", "l'acheteur", "lief.-termin"
    let pieces: Vec<&str> =
        word.split(|c: char| !c.is_alphanumeric() && c != '#').filter(|p| !p.is_empty()).collect();
    if pieces.len() > 1 {
        return of_pieces(&pieces).or_else(|| misread(word, lexicon));
    }
    if let Some(bare) = word.strip_suffix('#').filter(|b| !b.is_empty()) {
        let mut found = find_folded(bare)?;
        found.concepts.push("number");
        return Some(found);
    }
    if word.chars().all(char::is_alphabetic)
        && let Some(found) = compound(word, lexicon)
    {
        return Some(Found::exactly(found));
    }
    misread(word, lexicon).or_else(|| misread_compound(word, lexicon))
}

fn of_pieces(pieces: &[&str]) -> Option<Found> {
    if pieces.len() > 5 {
        return None;
    }
    let mut all = Found::exactly(Vec::new());
    for piece in pieces {
        let found = find_folded(piece)?;
        all.concepts.extend(found.concepts);
        all.forgiven |= found.forgiven;
    }
    Some(all)
}

/// Takes a compound apart: every part a known word of three letters or more, an `s` or `e` may join them.
fn compound(word: &str, lexicon: &Lexicon) -> Option<Vec<Concept>> {
    if word.len() < 5 {
        return None;
    }
    for (at, _) in word.char_indices().rev() {
        let (Some(head), Some(tail)) = (word.get(..at), word.get(at..)) else { continue };
        if head.len() < 3 || tail.len() < 2 {
            continue;
        }
        let Some(first) = meaning(head, lexicon) else { continue };
        let tail =
            if lexicon.parts.contains_key(tail) { tail } else { tail.strip_prefix('s').unwrap_or(tail) };
        let rest = if tail.len() < 2 {
            continue;
        } else if let Some(found) = meaning(tail, lexicon) {
            found.clone()
        } else if let Some(found) = compound(tail, lexicon) {
            found
        } else {
            continue;
        };
        let mut all = first.clone();
        all.extend(rest);
        return Some(all);
    }
    None
}

/// The concepts of a part of a compound: words that say nothing are none.
fn meaning<'a>(part: &str, lexicon: &'a Lexicon) -> Option<&'a Vec<Concept>> {
    lexicon.parts.get(part).filter(|c| !c.contains(&"filler"))
}

/// How many letters of a word of this length may be wrong.
fn wrong_letters(letters: usize) -> usize {
    match letters {
        TWO_WRONG_FROM.. => 2,
        ONE_WRONG_FROM.. => 1,
        _ => 0,
    }
}

/// The word that this looks like.
fn misread(word: &str, lexicon: &Lexicon) -> Option<Found> {
    let known = near(word, lexicon)?;
    let concepts = lexicon.parts.get(known)?.clone();
    Some(Found { concepts, forgiven: true, known: Some(known) })
}

/// A compound of two words, one of them misread: `Rechnunpsadresse`.
fn misread_compound(word: &str, lexicon: &Lexicon) -> Option<Found> {
    if !(COMPOUND_FROM..=FORGIVEN_MAX).contains(&word.chars().count()) {
        return None;
    }
    word.char_indices().rev().find_map(|(at, _)| {
        let (head, tail) = (word.get(..at)?, word.get(at..)?);
        if head.len() < 4 || tail.len() < 4 {
            return None;
        }
        let joined = tail.strip_prefix('s').filter(|_| !lexicon.parts.contains_key(tail)).unwrap_or(tail);
        let like = |part: &str| near(part, lexicon).and_then(|known| meaning(known, lexicon));
        let (first, second) = (meaning(head, lexicon), meaning(joined, lexicon));
        let (first, second) = match (first, second) {
            (Some(first), None) => (first, like(joined)?),
            (None, Some(second)) => (like(head)?, second),
            _ => return None,
        };
        Some(Found { concepts: first.iter().chain(second).copied().collect(), forgiven: true, known: None })
    })
}

/// The word of the lexicon that differs in the fewest letters, if that is few enough.
fn near(word: &str, lexicon: &Lexicon) -> Option<&'static str> {
    let letters = word.chars().count();
    let figures = word.chars().filter(|c| !c.is_alphabetic()).count();
    if !(ALIKE_FROM..=FORGIVEN_MAX).contains(&letters) || figures * 4 > letters {
        return None;
    }
    let like = likeness(word);
    let mut best: Option<(usize, &'static str)> = None;
    for key in shortened(&like, wrong_letters(letters)) {
        for known in lexicon.near.get(&key).into_iter().flatten() {
            let allowed = wrong_letters(letters);
            let shape = likeness(known);
            let Some(wrong) = (0..=allowed).find(|n| distance_at_most(&shape, &like, *n)) else { continue };
            // short words of the lexicon are forgiven nothing but signs that look alike
            if wrong > 0 && known.len() < ONE_WRONG_FROM {
                continue;
            }
            if best.is_none_or(|found| (wrong, *known) < found) {
                best = Some((wrong, known));
            }
        }
    }
    best.map(|(_, known)| known)
}

/// The word with signs that OCR takes for one another as one: `Bestelinr` as `Bestellnr`, `Nurnmer` as `Nummer`.
fn likeness(word: &str) -> String {
    let word = word.replace("rn", "m").replace("vv", "w").replace("ii", "u");
    let alike = |c: char| match c {
        '1' | 'l' | 'j' | '|' | '!' | '\'' => 'i',
        '0' => 'o',
        '5' => 's',
        '8' => 'b',
        'c' => 'e',
        c => c,
    };
    word.chars().map(alike).collect()
}

/// Hashes of a word with up to so many of its letters left out.
fn shortened(word: &str, most: usize) -> Vec<u64> {
    let letters: Vec<char> = word.chars().collect();
    let hash = |skip: [usize; 2]| {
        let mut hasher = DefaultHasher::new();
        for (at, letter) in letters.iter().enumerate() {
            if !skip.contains(&at) {
                letter.hash(&mut hasher);
            }
        }
        hasher.finish()
    };
    let none = letters.len();
    let mut keys = vec![hash([none, none])];
    if most >= 1 {
        keys.extend((0..none).map(|a| hash([a, none])));
    }
    if most >= 2 {
        keys.extend((0..none).flat_map(|a| (a + 1..none).map(move |b| [a, b])).map(hash));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Whether two words differ by at most `allowed` letters put in, left out or changed.
pub fn distance_at_most(a: &str, b: &str, allowed: usize) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return letters_at_most(a.as_bytes(), b.as_bytes(), allowed);
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    letters_at_most(&a, &b, allowed)
}

fn letters_at_most<T: PartialEq>(a: &[T], b: &[T], allowed: usize) -> bool {
    // What both begin and end with is the same in the best way to make one of the other.
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let a = a.get(..a.len() - same).unwrap_or_default();
    let b = b.get(..b.len() - same).unwrap_or_default();
    if a.len().abs_diff(b.len()) > allowed {
        return false;
    }
    if a.len().max(b.len()) <= allowed {
        return true;
    }
    if allowed <= 1 {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut least = left;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (j, y) in b.iter().enumerate() {
            let Some(cell) = row.get_mut(j + 1) else { continue };
            let above = *cell;
            let best = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = best;
            left = best;
            least = least.min(best);
        }
        if least > allowed {
            return false;
        }
    }
    row.last().is_some_and(|d| *d <= allowed)
}
#[cfg(test)]
mod tests {
    use super::*;

    fn check(read: &str, meant: &str) {
        let (read_as, meant_as) = (find(read), find(meant));
        assert_eq!(read_as.map(|f| f.concepts), meant_as.map(|f| f.concepts), "{read} for {meant}");
    }

    #[test]
    fn misread_letters_are_forgiven() {
        for (read, meant) in [
            ("0rder", "order"),
            ("Bestelinr.", "Bestellnr."),
            ("Nurnmer", "Nummer"),
            ("E1ntrefftermin", "Eintrefftermin"),
            ("Rechnunpsadresse", "Rechnungsadresse"),
            ("Liefenterm", "Lieferterm"),
            ("Quantlty", "Quantity"),
            ("Invo1ce", "Invoice"),
        ] {
            check(read, meant);
        }
    }

    #[test]
    fn other_words_stay_other_words() {
        for word in ["Hollister", "KS-20138", "B0LT", "M12x80", "Osnabrück"] {
            assert!(find(word).is_none_or(|f| !f.forgiven), "{word}: {:?}", find(word));
        }
    }
}
