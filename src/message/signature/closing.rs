//! Phrases that end a letter, in the languages of [`crate::message::quote`].

/// Phrases that end a letter, whole.
const CLOSINGS: &[&str] = &[
    "best regards",
    "kind regards",
    "warm regards",
    "warmest regards",
    "regards",
    "with regards",
    "many regards",
    "best",
    "best wishes",
    "all the best",
    "sincerely",
    "yours sincerely",
    "yours faithfully",
    "yours truly",
    "respectfully",
    "cheers",
    "thanks",
    "thank you",
    "thanks again",
    "many thanks",
    "thx",
    "thanks and regards",
    "thanks & regards",
    "thanks in advance",
    "thank you in advance",
    "thank you very much",
    "thanks so much",
    "thanks a lot",
    "rgds",
    "br",
    "kr",
    "take care",
    "cordially",
    "med vänlig hälsning",
    "med vänliga hälsningar",
    "vänliga hälsningar",
    "vänlig hälsning",
    "bästa hälsningar",
    "hälsningar",
    "hälsning",
    "mvh",
    "m v h",
    "med hälsning",
    "hälsar",
    "med bästa hälsningar",
    "varma hälsningar",
    "hjärtliga hälsningar",
    "allt gott",
    "tack",
    "tack på förhand",
    "tack på förhand och vänlig hälsning",
    "tackar",
    "vh",
    "hej då",
    "mit freundlichen grüßen",
    "mit freundlichen gruessen",
    "mit freundlichen grüssen",
    "mit freundlichem gruß",
    "mit freundlichem gruss",
    "freundliche grüße",
    "freundliche grüsse",
    "freundlicher gruß",
    "viele grüße",
    "viele gruesse",
    "viele grüsse",
    "beste grüße",
    "beste grüsse",
    "liebe grüße",
    "lieben gruß",
    "schöne grüße",
    "herzliche grüße",
    "grüße",
    "gruß",
    "gruss",
    "mfg",
    "m.f.g",
    "lg",
    "vg",
    "hochachtungsvoll",
    "vielen dank",
    "danke",
    "besten dank",
    "danke und gruß",
    "vielen dank und viele grüße",
    "vielen dank im voraus",
    "danke im voraus",
    "mit besten grüßen",
    "mit herzlichen grüßen",
    "einen schönen tag noch",
    "cordialement",
    "bien cordialement",
    "très cordialement",
    "bien à vous",
    "salutations",
    "sincères salutations",
    "meilleures salutations",
    "cdt",
    "cdlt",
    "bonne journée",
    "bonne réception",
    "amicalement",
    "merci",
    "merci d'avance",
    "merci par avance",
    "avec mes remerciements",
    "respectueusement",
    "à bientôt",
    "d'avance merci",
    "bien à toi",
    "met vriendelijke groet",
    "met vriendelijke groeten",
    "groeten",
    "hartelijke groet",
    "saludos",
    "un saludo",
    "saludos cordiales",
    "atentamente",
    "cordiali saluti",
    "distinti saluti",
    "saluti",
    "atenciosamente",
    "ystävällisin terveisin",
    "med venlig hilsen",
    "venlig hilsen",
    "med vennlig hilsen",
    "vennlig hilsen",
    "hilsen",
    "pozdrawiam",
];

/// Beginnings of long closing phrases.
const CLOSING_STARTS: &[&str] = &[
    "veuillez agréer",
    "je vous prie d'agréer",
    "nous vous prions d'agréer",
    "je vous prie de croire",
    "recevez, ",
    "dans l'attente de",
    "thanks and best",
    "thank you and",
    "thanks and kind",
    "thanks, and",
    "with kind regards",
    "with best regards",
    "mit den besten grüßen",
    "med vänliga",
    "mit freundliche",
    "best regards",
    "kind regards",
    "med vänlig hälsning",
    "mvh",
    "vielen dank und",
    "danke und",
    "tack och",
];

/// First words of what may follow "Thanks".
const STARTS_OF_SENTENCES: &[&str] = &[
    "please", "can", "could", "we", "i", "the", "bitte", "können", "kan", "vi", "jag", "ich", "wir", "nous",
    "je", "pouvez", "for", "för", "für", "pour",
];

/// A word of thanks, which may be all that somebody wants to say.
pub(super) fn is_thanks(head: &str) -> bool {
    ["thank", "thx", "tack", "dank", "vielen dank", "besten dank", "merci"]
        .iter()
        .any(|t| head.starts_with(t))
}

/// Whether a line ends a letter: a closing phrase, with a name behind it at most.
pub(super) fn is_closing(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    if lower.chars().count() > 60 {
        return false;
    }
    let core = lower.trim_matches(|c: char| !c.is_alphanumeric());
    if core.is_empty() || lower.ends_with('?') {
        return false;
    }
    let head =
        core.split([',', '!', '/', '|', '.']).next().unwrap_or_default().trim().trim_end_matches(['.', ' ']);
    if CLOSINGS.contains(&head) {
        // What follows must be a name, as it stands in the text with its capitals.
        let rest: String = text
            .trim()
            .trim_start_matches(|c: char| !c.is_alphanumeric())
            .chars()
            .skip(head.chars().count())
            .collect();
        let rest: Vec<&str> = rest
            .split_whitespace()
            .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|w| !w.is_empty())
            .collect();
        let is_name = rest.iter().all(|w| {
            w.starts_with(char::is_uppercase) && !STARTS_OF_SENTENCES.contains(&w.to_lowercase().as_str())
        });
        let sentence = rest.is_empty() && is_thanks(head) && text.trim().ends_with(['.', '!']);
        return rest.len() <= 4 && is_name && !sentence;
    }
    // "MVH Anna", "Regards Ben Smith".
    let words: Vec<&str> = text.split_whitespace().collect();
    let begins = |closing: &&&str| core.strip_prefix(**closing).is_some_and(|rest| rest.starts_with(' '));
    let named = CLOSINGS.iter().filter(|c| c.len() >= 2).filter(begins).any(|closing| {
        let count = closing.split_whitespace().count();
        (1..=3).contains(&words.len().saturating_sub(count))
            && words
                .iter()
                .skip(count)
                .all(|w| w.trim_start_matches(['/', '-']).starts_with(char::is_uppercase))
            && !matches!(
                *closing,
                "best" | "thanks" | "thank you" | "tack" | "danke" | "merci" | "br" | "kr" | "lg"
            )
    });
    named || CLOSING_STARTS.iter().any(|s| core.starts_with(s)) && core.chars().count() <= 50
}
