//! The words by which mail programs introduce quotes, in the languages that customers write.
//!
//! Does not: decide what is quoted; see [`quote`](super::quote). All words are in lower case.

use std::sync::LazyLock;

/// What a line of a quoted header is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderKey {
    /// Who wrote it.
    From,
    /// To whom.
    To,
    /// Copies.
    Cc,
    /// When.
    Date,
    /// About what.
    Subject,
}

const FROM_KEYS: &[&str] = &[
    "от кого",
    "від",
    "von/from",
    "from",
    "von",
    "från",
    "de",
    "da",
    "van",
    "fra",
    "od",
    "от",
    "kimden",
    "afzender",
    "expéditeur",
    "absender",
    "lähettäjä",
    "de la",
    "feladó",
    "寄件者",
    "发件人",
    "差出人",
    "보낸 사람",
    "avsändare",
    "from/von",
];
const TO_KEYS: &[&str] = &[
    "to",
    "an",
    "till",
    "à",
    "a",
    "para",
    "aan",
    "til",
    "do",
    "кому",
    "kime",
    "empfänger",
    "vastaanottaja",
    "destinataire",
    "către",
    "címzett",
    "收件者",
    "收件人",
    "宛先",
    "받는 사람",
    "mottagare",
    "reply-to",
    "antwort an",
    "svar till",
    "répondre à",
];
const CC_KEYS: &[&str] = &[
    "cc",
    "kopia",
    "kopie",
    "copie",
    "copia",
    "kopi",
    "копия",
    "kopio",
    "bilgi",
    "másolat",
    "副本",
    "抄送",
    "bcc",
    "cci",
];
const SENT_KEYS: &[&str] = &[
    "sent",
    "gesendet",
    "skickat",
    "envoyé",
    "envoyée",
    "enviado",
    "enviado el",
    "enviada em",
    "verzonden",
    "sendt",
    "inviato",
    "wysłano",
    "отправлено",
    "gönderildi",
    "lähetetty",
    "trimis",
    "elküldve",
    "odesláno",
    "sent at",
    "gesendet am",
];
const DATE_KEYS: &[&str] = &[
    "message du",
    "送信日時",
    "发送时间",
    "寄件日期",
    "envoyé le",
    "дата отправки",
    "date",
    "datum",
    "data",
    "fecha",
    "dato",
    "дата",
    "tarih",
    "päivä",
    "日期",
    "日付",
    "date sent",
];
const SUBJECT_KEYS: &[&str] = &[
    "subject",
    "betreff",
    "ämne",
    "objet",
    "asunto",
    "assunto",
    "onderwerp",
    "emne",
    "oggetto",
    "temat",
    "тема",
    "konu",
    "aihe",
    "subiect",
    "tárgy",
    "předmět",
    "主旨",
    "主题",
    "件名",
    "sujet",
];

/// What a line of a quoted header is about; none if it is no such line.
pub(super) fn header_key(line: &str) -> Option<HeaderKey> {
    let key = key_of(line)?;
    let is = |list: &[&str]| list.contains(&key.as_str());
    if is(FROM_KEYS) {
        Some(HeaderKey::From)
    } else if is(TO_KEYS) {
        Some(HeaderKey::To)
    } else if is(CC_KEYS) {
        Some(HeaderKey::Cc)
    } else if is(SENT_KEYS) || is(DATE_KEYS) {
        Some(HeaderKey::Date)
    } else if is(SUBJECT_KEYS) {
        Some(HeaderKey::Subject)
    } else {
        None
    }
}

/// Whether the line is one of `Sent:`, `Gesendet:` and so on, with a time.
pub(super) fn is_sent_key(line: &str) -> bool {
    key_of(line).is_some_and(|key| {
        SENT_KEYS.contains(&key.as_str())
            || (DATE_KEYS.contains(&key.as_str()) && line.matches(':').count() >= 2)
    }) && line.chars().filter(char::is_ascii_digit).count() >= 3
}

fn key_of(line: &str) -> Option<String> {
    let head: String = line.chars().take(24).collect();
    let (key, _) = head.split_once([':', '：'])?;
    Some(key.trim().trim_matches(['|', '*', '-', '•']).trim().to_lowercase())
}

/// Words in lines such as `-----Original Message-----`.
const SEPARATOR_WORDS: &[&str] = &[
    "пересылаемое",
    "original",
    "forwarded",
    "ursprüngliche",
    "weitergeleitet",
    "ursprungligt",
    "ursprungliga",
    "vidarebefordrat",
    "vidarebefordrade",
    "d'origine",
    "d’origine",
    "transféré",
    "transmis",
    "réexpédié",
    "oprindelig",
    "opprinnelig",
    "oorspronkelijk",
    "doorgestuurd",
    "messaggio",
    "inoltrato",
    "reenviado",
    "mensaje",
    "mensagem",
    "oryginalna",
    "przekazana",
    "исходное",
    "пересланное",
    "reply message",
    "reply separator",
    "antwort",
    "alkuperäinen",
    "původní",
    "eredeti",
    "originalnachricht",
    "originalmeddelande",
    "ursprungsnachricht",
    "videresendt",
];

/// Lines that introduce a forwarded message without hyphens.
const FORWARD_LINES: &[&str] = &[
    "begin forwarded message:",
    "anfang der weitergeleiteten nachricht:",
    "anfang der weitergeleiteten e-mail:",
    "vidarebefordrat brev:",
    "vidarebefordrat mejl:",
    "början på vidarebefordrat brev:",
    "début du message réexpédié :",
    "début du message transféré :",
    "début du message réexpédié:",
    "début du message transféré:",
    "inizio messaggio inoltrato:",
    "inicio del mensaje reenviado:",
    "begin doorgestuurd bericht:",
];

/// A line such as `-----Original Message-----` or `Begin forwarded message:`.
pub(super) fn is_separator(line: &str) -> bool {
    if line.chars().count() > 120 {
        return false;
    }
    let lower = line.to_lowercase();
    if FORWARD_LINES.contains(&lower.as_str()) || lower.starts_with("original message processed by") {
        return true;
    }
    let dash = |c: char| matches!(c, '-' | '_' | '—' | '–' | '‐' | '=' | '+');
    let inner = lower.trim_matches(|c: char| dash(c) || c.is_whitespace());
    let dashes_before = lower.chars().take_while(|c| dash(*c)).count();
    let dashes_after = lower.chars().rev().take_while(|c| dash(*c)).count();
    let framed = dashes_before >= 2 && (dashes_after >= 2 || dashes_before >= 5);
    framed
        && !inner.is_empty()
        && inner.chars().count() <= 60
        && SEPARATOR_WORDS.iter().any(|w| inner.contains(w))
}

/// A line above which one is asked to write.
pub(super) fn is_reply_marker(line: &str) -> bool {
    const MARKERS: &[&str] = &[
        "reply above this line",
        "type your reply above",
        "write your reply above",
        "respond above this line",
        "reply above the line",
        "ovanför denna rad",
        "ovanför den här raden",
        "oberhalb dieser linie",
        "oberhalb dieser zeile",
        "über dieser linie",
        "über dieser zeile",
        "au-dessus de cette ligne",
    ];
    let lower = line.to_lowercase();
    lower.chars().count() <= 120 && MARKERS.iter().any(|m| lower.contains(m))
}

/// Verbs of attributions.
const VERBS: &[&str] = &[
    "написав",
    "skrifaði",
    "napísal",
    "wrote",
    "writes",
    "skrev",
    "schrieb",
    "schrieben",
    "a écrit",
    "écrit",
    "escribió",
    "escribio",
    "schreef",
    "geschreven",
    "ha scritto",
    "scrive",
    "escreveu",
    "napisał",
    "napisał(a)",
    "napisała",
    "napisana przez",
    "pisze",
    "kirjoitti",
    "napsal",
    "napsala",
    "написал",
    "написала",
    "написал(а)",
    "пишет",
    "пише",
    "írta",
    "a scris",
    "yazdı",
    "viết",
    "写道",
    "寫道",
    "のメール",
    "작성",
    "geschrieben",
    "skreiv",
    "said",
    "tarihinde şunu yazdı",
    "rašė",
    "kirjutas",
    "έγραψε",
    "wrote the following",
    "skrev följande",
    "hat geschrieben",
    "sent",
    "send",
];

/// Verbs among them that say other things too.
const SOFT_VERBS: &[&str] = &["said", "sent", "send", "writes"];

/// First words of attributions.
const STARTS: &[&str] = &[
    "on",
    "den",
    "am",
    "le",
    "el",
    "op",
    "il",
    "em",
    "w",
    "dnia",
    "på",
    "pe",
    "dne",
    "vào",
    "at",
    "in",
    "quoting",
    "zitat",
    "kl",
    "tor",
    "mån",
    "tis",
    "ons",
    "fre",
    "lör",
    "sön",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "måndag",
    "tisdag",
    "onsdag",
    "torsdag",
    "fredag",
    "lördag",
    "söndag",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "lun",
    "mar",
    "mer",
    "jeu",
    "ven",
    "sam",
    "dim",
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "från",
    "from",
    "von",
    "de",
    "ma",
    "ti",
    "to",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "pon",
    "wt",
    "śr",
    "czw",
    "pt",
    "sob",
    "niedz",
    "ke",
    "la",
    "su",
    "mié",
    "jue",
    "vie",
    "sáb",
    "dom",
    "gio",
    "sab",
    "wo",
    "vr",
    "za",
    "zo",
    "man",
    "tir",
    "tirs",
    "tors",
    "lør",
    "søn",
    "seg",
    "ter",
    "qua",
    "qui",
    "sex",
    "segunda",
    "terça",
    "quarta",
    "quinta",
    "sexta",
];

/// Whether a first line may begin an attribution that goes on below.
pub(super) fn may_start_attribution(line: &str) -> bool {
    let lower: String =
        line.chars().take(super::quote::ATTRIBUTION_CHARS_MAX).collect::<String>().to_lowercase();
    let first = lower.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty()).unwrap_or_default();
    let starts_with_number = first.starts_with(|c: char| c.is_ascii_digit());
    let has_digits = lower.chars().filter(char::is_ascii_digit).count() >= 2;
    (STARTS.contains(&first) && has_digits) || starts_with_number || lower.contains('@') || has_verb(&lower)
}

/// Whether a text has a verb of attributions as a word.
pub(super) fn has_writing_verb(text: &str) -> bool {
    has_verb(&text.to_lowercase())
}

/// The same of a text in lower case.
fn has_verb(lower: &str) -> bool {
    // Most lines are plain, and no other verb stands in those; most have no word that a verb begins with.
    let plain = lower.is_ascii();
    if plain && !lower.split(|c: char| !c.is_alphanumeric()).any(|word| PLAIN_STARTS.contains(&word)) {
        return false;
    }
    let verbs = VERBS.iter().filter(|verb| !plain || verb.is_ascii());
    verbs.filter(|verb| !SOFT_VERBS.contains(verb)).any(|verb| has_word(lower, verb).is_some())
}

/// The first words of the plain ones among the verbs that say nothing else.
static PLAIN_STARTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let plain = VERBS.iter().filter(|verb| verb.is_ascii() && !SOFT_VERBS.contains(verb));
    plain.filter_map(|verb| verb.split(|c: char| !c.is_alphanumeric()).next()).collect()
});

/// What stands behind the last occurrence of a word.
fn has_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.rfind(word)?;
    let before = text.get(..at)?.chars().next_back();
    let after = text.get(at + word.len()..)?;
    let wide = !word.is_ascii() && !word.chars().next().is_some_and(|c| c.is_alphabetic() && c < '\u{2000}');
    let free = |c: Option<char>| wide || !c.is_some_and(char::is_alphanumeric);
    (free(before) && free(after.chars().next())).then_some(after)
}

/// Date, name and address with a colon, without a verb: "26.06.2014, 14:41, Anna <a@b.example>:". Only a marked quote
/// behind it makes it an attribution.
pub(super) fn is_bare_attribution(text: &str) -> bool {
    let length = text.chars().count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let ends = text.ends_with([':', '：', '>']);
    (10..=160).contains(&length) && ends && digits >= 4 && text.contains('@')
}

/// "On … wrote:", "Den … skrev …:", "Am … schrieb …:", "Le … a écrit :" and their kin.
pub(super) fn is_attribution(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let length = lower.chars().count();
    if !(6..=super::quote::ATTRIBUTION_CHARS_MAX).contains(&length) {
        return false;
    }
    let first = lower.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty()).unwrap_or_default();
    let digits = lower.chars().filter(char::is_ascii_digit).count();
    let says_who_or_when = lower.contains('@') || digits >= 2;
    let starts = STARTS.contains(&first) || first.starts_with(|c: char| c.is_ascii_digit());
    let ends = lower.ends_with([':', '：']) || lower.ends_with(":>");
    if ends {
        let verb =
            VERBS.iter().any(|verb| has_word(&lower, verb).is_some_and(|rest| rest.chars().count() <= 160));
        let soft = SOFT_VERBS.iter().any(|verb| has_word(&lower, verb).is_some());
        return verb && (says_who_or_when || (starts && !soft));
    }
    // Some mobile programs leave the colon away, and some only give date, name and address.
    let verb_at_end = VERBS.iter().any(|verb| lower.ends_with(verb) && !SOFT_VERBS.contains(verb));
    if verb_at_end && starts && says_who_or_when {
        return true;
    }
    let dated = first.len() == 4 && first.chars().all(|c| c.is_ascii_digit()) && digits >= 6;
    dated && lower.ends_with('>') && lower.contains('<') && lower.contains('@')
}
