//! A letter and the customer's language into subject and text.
//!
//! A template is one text file: a first line `Subject: …`, an empty line, the text. The built-in ones lie in
//! `templates/mail/<name>/<language>.txt` and are part of the program; a folder of the site may replace any of them, file by
//! file, without a rebuild. Every template sees every key of [`Context`]; an unknown key is an error, found when the
//! templates are opened, not when a customer waits.
//!
//! [`Name::ALL`] lists the letters, [`LANGUAGES`] the languages; [`Templates::source`] gives the text of one as it is in use,
//! [`Templates::render`] a letter from a [`Context`], or a preview from [`Context::sample`].
//!
//! Does not: choose whether to write, or send. Limits: [`TEMPLATE_BYTES_MAX`], [`SUBJECT_CHARS_MAX`].

use crate::model::{codes, draft::named};
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use rust_decimal::Decimal;
use serde::Serialize;
use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The largest template that a site may bring.
pub const TEMPLATE_BYTES_MAX: u64 = 64 * 1024;

/// A longer subject is cut.
pub const SUBJECT_CHARS_MAX: usize = 200;

/// The languages in which every template exists; the first is for everybody else.
pub const LANGUAGES: &[&str] = &["en", "sv", "de", "fr"];

named! {
    /// What a letter is for.
    Name {
        /// We got it; here is its number.
        Acknowledgement = "acknowledgement",
        /// This is what we enter into our books.
        OrderConfirmation = "order_confirmation",
        /// The order as it is after a change.
        OrderChanged = "order_changed",
        /// The order is cancelled.
        Cancellation = "cancellation",
        /// Where an order stands.
        OrderStatus = "order_status",
        /// We need something before we can go on.
        MissingInformation = "missing_information",
        /// We cannot do that, and why.
        Refusal = "refusal",
        /// An invoice once more, attached.
        InvoiceCopy = "invoice_copy",
        /// Another document once more, attached.
        DocumentCopy = "document_copy",
        /// Goods may be sent back.
        ReturnAuthorisation = "return_authorisation",
        /// Somebody else decides, and by when.
        Escalation = "escalation",
        /// The conversation is over; was the answer of use?
        Closing = "closing",
        /// What a person wrote.
        Answer = "answer",
        /// A message that came in, passed on to somebody else.
        Forward = "forward",
    }
}

impl Name {
    /// What a person can send around words of his or her own.
    pub const BY_PERSON: &[Self] = &[
        Self::Answer,
        Self::Forward,
        Self::OrderStatus,
        Self::InvoiceCopy,
        Self::DocumentCopy,
        Self::ReturnAuthorisation,
        Self::Cancellation,
        Self::Escalation,
        Self::Closing,
    ];

    /// Whether it says something without words of a person's own.
    pub fn is_whole(self) -> bool {
        self != Self::Answer
    }

    /// Whether the program sends it on its own, so that limits against loops hold it back.
    pub fn is_automatic(self) -> bool {
        self == Self::Acknowledgement
    }
}

/// The texts of a letter in the languages of [`LANGUAGES`].
macro_rules! built_in {
    ($($name:ident $folder:literal,)*) => {
        &[$((
            Name::$name,
            [
                include_str!(concat!("../../templates/mail/", $folder, "/en.txt")),
                include_str!(concat!("../../templates/mail/", $folder, "/sv.txt")),
                include_str!(concat!("../../templates/mail/", $folder, "/de.txt")),
                include_str!(concat!("../../templates/mail/", $folder, "/fr.txt")),
            ],
        )),*]
    };
}

const BUILT_IN: &[(Name, [&str; 4])] = built_in! {
    Acknowledgement "acknowledgement",
    OrderConfirmation "order_confirmation",
    OrderChanged "order_changed",
    Cancellation "cancellation",
    OrderStatus "order_status",
    MissingInformation "missing_information",
    Refusal "refusal",
    InvoiceCopy "invoice_copy",
    DocumentCopy "document_copy",
    ReturnAuthorisation "return_authorisation",
    Escalation "escalation",
    Closing "closing",
    Answer "answer",
    Forward "forward",
};

/// Everything that a letter may say. What does not apply stays empty; numbers are decimal with a dot, dates ISO.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// Reference of the ticket: `MR-1001`.
    pub ticket: String,
    /// Subject of the conversation, without reply prefixes and without the reference.
    pub subject: String,
    /// Name of the person whom we write to; empty if unknown.
    pub name: String,
    /// Our own name, under the letter.
    pub site_name: String,
    /// What a person wrote.
    pub text: String,
    /// Refusal: why.
    pub reason: String,
    /// Missing information: what is missing or wrong, one sentence each.
    pub missing: Vec<String>,
    /// The customer's order number.
    pub po_number: String,
    /// Date of the order.
    pub order_date: String,
    /// ISO 4217.
    pub currency: String,
    /// Lines of the order.
    pub lines: Vec<OrderLine>,
    /// Sum before tax.
    pub subtotal: String,
    /// Tax.
    pub tax: String,
    /// Sum to pay.
    pub total: String,
    /// Terms of payment, in words.
    pub payment_terms: String,
    /// Delivery address on one line.
    pub ship_to: String,
    /// Number of the invoice or other document that is attached.
    pub document_number: String,
    /// Number under which goods may be sent back.
    pub rma_number: String,
    /// The day by which we answer, in working time.
    pub answer_by: String,
    /// Address of a page that asks whether the customer is satisfied.
    pub survey_link: String,
    /// Who wrote the message that is passed on, by name and address.
    pub forwarded_from: String,
    /// The day of that message.
    pub forwarded_date: String,
    /// Its subject.
    pub forwarded_subject: String,
    /// Its text.
    pub forwarded_text: String,
}

/// One line of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderLine {
    /// Our item number.
    pub sku: String,
    /// The customer's item number.
    pub customer_sku: String,
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: String,
    /// Of what unit.
    pub unit: String,
    /// Price of one unit.
    pub unit_price: String,
    /// Amount of the line.
    pub amount: String,
    /// When it will be delivered.
    pub delivery_date: String,
}

/// A letter, ready to be composed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line; ends in the ticket's reference in brackets.
    pub subject: String,
    /// Plain text, lines end in `\n`.
    pub body: String,
    /// The language that it is written in.
    pub language: &'static str,
}

/// Why a template cannot be used.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// A file of the site cannot be read.
    #[error("cannot read the template {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// From the system.
        source: io::Error,
    },
    /// A file of the site lies there under a name that no template has.
    #[error("{} is no template: the names are <name>/<language>.txt, as in acknowledgement/en.txt", path.display())]
    Unknown {
        /// Which.
        path: PathBuf,
    },
    /// It does not begin with a subject.
    #[error("the template {template} must begin with a line `Subject: …` and an empty line")]
    NoSubject {
        /// Which.
        template: String,
    },
    /// Wrong syntax, or an unknown key.
    #[error("the template {template} does not work (line {line}: {text})")]
    Wrong {
        /// Which.
        template: String,
        /// Line in the file, from 1; 0 if unknown.
        line: usize,
        /// What is wrong.
        text: String,
    },
}

impl TemplateError {
    /// Whether the same call may succeed later without anybody changing the templates.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File { .. } => true,
            Self::Unknown { .. } | Self::NoSubject { .. } | Self::Wrong { .. } => false,
        }
    }
}

/// All templates, checked.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// The built-in templates, replaced by those in the site's folder, if it has one. All of them are tried out.
    pub fn open(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_filter("number", number);
        environment.add_filter("money", money);
        environment.add_filter("date", date);
        let mut templates = Self { environment };
        for (name, sources) in BUILT_IN {
            for (language, source) in LANGUAGES.iter().zip(sources) {
                templates.add(*name, language, source)?;
            }
        }
        if let Some(folder) = folder {
            for (name, language, source) in read_folder(folder)? {
                templates.add(name, language, &source)?;
            }
        }
        for name in Name::ALL {
            for language in LANGUAGES {
                templates.try_out(*name, language)?;
            }
        }
        Ok(templates)
    }

    /// The same with another text in one place, tried out: a key that no letter knows is named in the error.
    pub fn with(&self, name: Name, language: &str, source: &str) -> Result<Self, TemplateError> {
        let id = template_id(name, known_language(language));
        let too_large = source.len() as u64 > TEMPLATE_BYTES_MAX;
        if too_large {
            let text = format!("it is larger than {TEMPLATE_BYTES_MAX} bytes");
            return Err(TemplateError::Wrong { template: id, line: 0, text });
        }
        let mut changed = self.clone();
        changed.add(name, known_language(language), source)?;
        let unknown = changed.unknown(&id)?;
        if !unknown.is_empty() {
            let text = format!("no letter knows {}", unknown.join(", "));
            return Err(TemplateError::Wrong { template: id, line: 0, text });
        }
        changed.try_out(name, language)?;
        Ok(changed)
    }

    /// Renders with nothing in any key, and with something in every one.
    fn try_out(&self, name: Name, language: &str) -> Result<(), TemplateError> {
        self.render(name, language, &Context::default())?;
        self.render(name, language, &Context::sample()).map(drop)
    }

    /// The keys that a template names, in order.
    fn named(&self, id: &str) -> Result<Vec<String>, TemplateError> {
        let template = self.environment.get_template(id).map_err(|error| wrong(id, &error))?;
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.sort();
        Ok(names)
    }

    fn unknown(&self, id: &str) -> Result<Vec<String>, TemplateError> {
        let known = Context::keys();
        Ok(self.named(id)?.into_iter().filter(|name| name != "language" && !known.contains(name)).collect())
    }

    /// The keys that a letter names and that this context has nothing for.
    pub fn missing(
        &self,
        name: Name,
        language: &str,
        context: &Context,
    ) -> Result<Vec<String>, TemplateError> {
        let values = serde_json::to_value(context).unwrap_or_default();
        let is_empty = |key: &String| match values.get(key) {
            Some(serde_json::Value::String(text)) => text.is_empty(),
            Some(serde_json::Value::Array(list)) => list.is_empty(),
            _ => false,
        };
        let named = self.named(&template_id(name, known_language(language)))?;
        Ok(named.into_iter().filter(is_empty).collect())
    }

    /// Writes a letter, in English if the language is none of [`LANGUAGES`].
    pub fn render(&self, name: Name, language: &str, context: &Context) -> Result<Rendered, TemplateError> {
        let language = known_language(language);
        let id = template_id(name, language);
        let values = Values { language, context };
        let text = self
            .environment
            .get_template(&id)
            .and_then(|template| template.render(Serde(&values)))
            .map_err(|error| wrong(&id, &error))?;
        let (head, body) = text.split_once("\n\n").ok_or_else(|| no_subject(&id))?;
        let subject = head.strip_prefix("Subject:").ok_or_else(|| no_subject(&id))?;
        Ok(Rendered {
            subject: with_reference(subject, &context.ticket),
            body: format!("{}\n", body.trim()),
            language,
        })
    }

    /// The text of a template as it is in use: the site's, or the built-in one. Unknown languages get the English one.
    pub fn source(&self, name: Name, language: &str) -> Result<String, TemplateError> {
        let id = template_id(name, known_language(language));
        let template = self.environment.get_template(&id).map_err(|error| wrong(&id, &error))?;
        Ok(template.source().to_owned())
    }

    fn add(&mut self, name: Name, language: &str, source: &str) -> Result<(), TemplateError> {
        let id = template_id(name, language);
        let source = source.replace("\r\n", "\n");
        if !source.starts_with("Subject:") || !source.contains("\n\n") {
            return Err(no_subject(&id));
        }
        self.environment.add_template_owned(id.clone(), source).map_err(|error| wrong(&id, &error))
    }
}

impl Context {
    /// The names that a template can use, in order.
    pub fn keys() -> Vec<String> {
        match serde_json::to_value(Self::default()) {
            Ok(serde_json::Value::Object(fields)) => fields.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Something in every key: what templates are tried out with, and what a preview shows.
    pub fn sample() -> Self {
        let line = OrderLine {
            sku: "HX-840".to_owned(),
            customer_sku: "4711-22".to_owned(),
            description: "Hex bolt M8 × 40".to_owned(),
            quantity: "1200".to_owned(),
            unit: "pcs".to_owned(),
            unit_price: "0.42".to_owned(),
            amount: "504.00".to_owned(),
            delivery_date: "2026-12-01".to_owned(),
        };
        let second = OrderLine {
            description: "Washer".to_owned(),
            quantity: "2.5".to_owned(),
            ..OrderLine::default()
        };
        Self {
            ticket: "MR-1001".to_owned(),
            subject: "Order 4500012345".to_owned(),
            name: "Anna Lind".to_owned(),
            site_name: "Example Fasteners".to_owned(),
            text: "Your goods will leave us on Monday.".to_owned(),
            reason: "The item is no longer made.".to_owned(),
            missing: vec!["The delivery address".to_owned(), "The quantity on line 2".to_owned()],
            po_number: "4500012345".to_owned(),
            order_date: "2026-11-20".to_owned(),
            currency: "EUR".to_owned(),
            lines: vec![line, second],
            subtotal: "504.00".to_owned(),
            tax: "126.00".to_owned(),
            total: "12630.00".to_owned(),
            payment_terms: "30 days net".to_owned(),
            ship_to: "Lindströms Verkstad AB, Hamngatan 1, 111 47 Stockholm, SE".to_owned(),
            document_number: "900417".to_owned(),
            rma_number: "RMA-2041".to_owned(),
            answer_by: "2026-11-30".to_owned(),
            survey_link: "https://example.com/survey".to_owned(),
            forwarded_from: "Anna Lind <anna@example.net>".to_owned(),
            forwarded_date: "2026-11-20".to_owned(),
            forwarded_subject: "Order 4500012345".to_owned(),
            forwarded_text: "Please send us what is in the attached order.".to_owned(),
        }
    }
}

#[derive(Serialize)]
struct Values<'a> {
    language: &'a str,
    #[serde(flatten)]
    context: &'a Context,
}

fn known_language(language: &str) -> &'static str {
    LANGUAGES.iter().find(|known| known.eq_ignore_ascii_case(language)).copied().unwrap_or("en")
}

fn template_id(name: Name, language: &str) -> String {
    format!("{}/{language}.txt", name.as_str())
}

fn no_subject(id: &str) -> TemplateError {
    TemplateError::NoSubject { template: id.to_owned() }
}

fn wrong(id: &str, error: &minijinja::Error) -> TemplateError {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    TemplateError::Wrong { template: id.to_owned(), line: error.line().unwrap_or(0), text: detail }
}

/// One clean line that ends in `[MR-1001]`, however long the subject and whatever is in it.
fn with_reference(subject: &str, ticket: &str) -> String {
    let token = format!("[{ticket}]");
    let bare = subject.replace(&token, " ");
    let bare = bare.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let bare = bare.collect::<Vec<_>>().join(" ");
    let room = SUBJECT_CHARS_MAX.saturating_sub(token.chars().count() + 1);
    let mut line = bare.chars().take(room).collect::<String>();
    if !ticket.is_empty() {
        let _infallible = write!(line, " {token}");
    }
    line.trim().to_owned()
}

fn read_folder(folder: &Path) -> Result<Vec<(Name, &'static str, String)>, TemplateError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::File { path, source }
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(file(folder))? {
        let folder = entry.map_err(file(folder))?.path();
        let name = folder.file_name().and_then(|name| Name::parse(name.to_str()?));
        let (Some(name), true) = (name, folder.is_dir()) else {
            return Err(TemplateError::Unknown { path: folder });
        };
        for entry in std::fs::read_dir(&folder).map_err(file(&folder))? {
            let path = entry.map_err(file(&folder))?.path();
            let stem = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".txt"));
            let language = stem.and_then(|stem| LANGUAGES.iter().find(|known| **known == stem));
            let Some(language) = language else { return Err(TemplateError::Unknown { path }) };
            let size = path.metadata().map_err(file(&path))?.len();
            if size > TEMPLATE_BYTES_MAX {
                let source = io::Error::other(format!("it is larger than {TEMPLATE_BYTES_MAX} bytes"));
                return Err(TemplateError::File { path, source });
            }
            found.push((name, *language, std::fs::read_to_string(&path).map_err(file(&path))?));
        }
    }
    Ok(found)
}

/// `1234.5` as people write it in a language: `1,234.5`, `1 234,5`, `1.234,5`. What is no number stays.
#[expect(clippy::needless_pass_by_value, reason = "the template engine hands over owned strings")]
fn number(value: String, language: String) -> String {
    let (sign, digits) = value.strip_prefix('-').map_or(("", value.as_str()), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !only_digits(whole) || !only_digits(fraction) {
        return value;
    }
    let (group, point) = match language.as_str() {
        "sv" | "fr" => ('\u{a0}', ','),
        "de" => ('.', ','),
        _ => (',', '.'),
    };
    let mut out = sign.to_owned();
    let count = whole.chars().count();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (count - position).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    out
}

/// An amount with as many decimals as its currency has (ISO 4217), as people write it in a language. A price in smaller
/// parts keeps them; where the currency is not known, two decimals are written.
fn money(value: String, currency: String, language: String) -> String {
    let Ok(amount) = value.parse::<Decimal>() else { return value };
    let mut amount = amount.normalize();
    amount.rescale(amount.scale().max(codes::decimals(&currency).unwrap_or(2)));
    number(amount.to_string(), language)
}

/// `2026-11-22` as people write it in a language. What is no date stays.
#[expect(clippy::needless_pass_by_value, reason = "the template engine hands over owned strings")]
fn date(value: String, language: String) -> String {
    let Ok(day) = value.parse::<jiff::civil::Date>() else { return value };
    match language.as_str() {
        "sv" => value,
        "de" => day.strftime("%d.%m.%Y").to_string(),
        "fr" => day.strftime("%d/%m/%Y").to_string(),
        _ => day.strftime("%-d %B %Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_says_what_it_must_in_its_language() {
        let templates = Templates::open(None).unwrap();
        let sample = Context::sample();
        for (name, words) in [
            (Name::Acknowledgement, vec!["MR-1001", "Anna Lind"]),
            (
                Name::OrderConfirmation,
                vec!["4500012345", "HX-840", "4711-22", "Hamngatan 1", "MR-1001", "Washer", "EUR"],
            ),
            (
                Name::MissingInformation,
                vec!["- The delivery address\n- The quantity on line 2\n", "4500012345", "MR-1001"],
            ),
            (Name::Refusal, vec!["The item is no longer made.", "MR-1001"]),
            (Name::Answer, vec!["Your goods will leave us on Monday.", "Anna Lind"]),
            (Name::OrderChanged, vec!["4500012345", "HX-840", "Hamngatan 1", "EUR", "MR-1001"]),
            (Name::Cancellation, vec!["4500012345", "The item is no longer made.", "MR-1001"]),
            (Name::OrderStatus, vec!["4500012345", "HX-840", "Your goods will leave us on Monday."]),
            (Name::InvoiceCopy, vec!["900417", "4500012345", "MR-1001"]),
            (Name::DocumentCopy, vec!["900417", "4500012345", "MR-1001"]),
            (Name::ReturnAuthorisation, vec!["RMA-2041", "4500012345", "HX-840"]),
            (Name::Escalation, vec!["2026", "30", "MR-1001"]),
            (Name::Closing, vec!["https://example.com/survey", "MR-1001"]),
            (
                Name::Forward,
                vec!["Your goods will leave us on Monday.", "anna@example.net", "attached order"],
            ),
        ] {
            for language in LANGUAGES {
                let rendered = templates.render(name, language, &sample).unwrap();
                let subject = rendered.subject.split_once(": ");
                assert_eq!(subject.map(|s| s.1), Some("Order 4500012345 [MR-1001]"));
                assert_eq!(subject.map(|s| s.0) == Some("Re"), name != Name::Forward);
                assert_eq!(rendered.language, *language);
                for word in words.iter().chain(&["Example Fasteners"]) {
                    assert!(rendered.body.contains(word), "{name:?} {language} {word}:\n{}", rendered.body);
                }
                assert!(!rendered.body.contains("\n\n\n"), "{name:?} {language}:\n{}", rendered.body);
                assert!(rendered.body.lines().all(|line| line.trim_end() == line), "{}", rendered.body);
            }
        }
    }

    #[test]
    fn the_text_in_use_can_be_shown() {
        let templates = Templates::open(None).unwrap();
        for name in Name::ALL {
            assert!(templates.source(*name, "de").unwrap().starts_with("Subject: "), "{name:?}");
            assert_eq!(templates.source(*name, "xx").unwrap(), templates.source(*name, "en").unwrap());
        }
    }

    #[test]
    fn an_order_confirmation_reads_as_a_person_would_write_it() {
        let templates = Templates::open(None).unwrap();
        let body =
            |language| templates.render(Name::OrderConfirmation, language, &Context::sample()).unwrap().body;
        assert_eq!(
            body("en"),
            "Dear Anna Lind,\n\n\
            Thank you for your order 4500012345 of 20 November 2026. We are pleased to confirm it as follows:\n\n\
            1. Hex bolt M8 × 40 (HX-840)\n   1,200 pcs × 0.42 EUR = 504.00 EUR\n   Your item number: 4711-22\n   Delivery: 1 December 2026\n\n\
            2. Washer\n   2.5\n\n\
            Net: 504.00 EUR\nVAT: 126.00 EUR\nTotal: 12,630.00 EUR\nTerms of payment: 30 days net\n\
            Deliver to: Lindströms Verkstad AB, Hamngatan 1, 111 47 Stockholm, SE\n\n\
            Please check these details. If anything is not as you intended, simply reply to this message.\n\n\
            Your reference is MR-1001. If you reply to this message, please leave the reference in the subject line so that your answer reaches the right person.\n\n\
            Kind regards,\nExample Fasteners\n"
        );
        assert!(body("sv").contains("Totalt: 12\u{a0}630,00 EUR"), "{}", body("sv"));
        assert!(
            body("de").contains("vom 20.11.2026") && body("de").contains("12.630,00 EUR"),
            "{}",
            body("de")
        );
        assert!(
            body("fr").contains("du 20/11/2026") && body("fr").contains("Total : 12\u{a0}630,00"),
            "{}",
            body("fr")
        );
    }

    #[test]
    fn unknown_languages_get_english() {
        let templates = Templates::open(None).unwrap();
        for language in ["", "pl", "english", "EN"] {
            assert_eq!(templates.render(Name::Answer, language, &Context::sample()).unwrap().language, "en");
        }
    }

    #[test]
    fn the_reference_ends_the_subject_once_whatever_is_in_it() {
        for (subject, ticket, expected) in [
            (" Re: Order", "MR-7", "Re: Order [MR-7]"),
            ("Re: Order [MR-7]", "MR-7", "Re: Order [MR-7]"),
            ("Re: a\r\nBcc: x@y.z", "MR-7", "Re: a Bcc: x@y.z [MR-7]"),
            ("Re: Order", "", "Re: Order"),
        ] {
            assert_eq!(with_reference(subject, ticket), expected);
        }
        let long = with_reference(&"ä".repeat(1000), "MR-1001");
        assert_eq!(long.chars().count(), SUBJECT_CHARS_MAX);
        assert!(long.ends_with(" [MR-1001]"));
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (value, currency, language, expected) in [
            ("198.4", "EUR", "en", "198.40"),
            ("1198.4", "SEK", "sv", "1\u{a0}198,40"),
            ("1234567", "EUR", "de", "1.234.567,00"),
            ("0.4215", "EUR", "fr", "0,4215"),
            ("0.500", "EUR", "en", "0.50"),
            ("1200.00", "JPY", "en", "1,200"),
            ("12.5", "KWD", "en", "12.500"),
            ("12.5", "", "de", "12,50"),
            ("to be agreed", "EUR", "en", "to be agreed"),
            ("", "EUR", "en", ""),
        ] {
            let written = money(value.to_owned(), currency.to_owned(), language.to_owned());
            assert_eq!(written, expected, "{value} {currency}");
        }
        let mut context = Context::sample();
        context.total = "1198.4".to_owned();
        let letter = Templates::open(None).unwrap().render(Name::OrderConfirmation, "sv", &context).unwrap();
        assert!(letter.body.contains("Totalt: 1\u{a0}198,40 EUR"), "{}", letter.body);
    }

    #[test]
    fn numbers_and_dates_follow_the_language() {
        for (value, en, sv, de) in [
            ("1234567.5", "1,234,567.5", "1\u{a0}234\u{a0}567,5", "1.234.567,5"),
            ("-1000", "-1,000", "-1\u{a0}000", "-1.000"),
            ("999", "999", "999", "999"),
            ("", "", "", ""),
            ("about 12", "about 12", "about 12", "about 12"),
        ] {
            let as_in = |language: &str| number(value.to_owned(), language.to_owned());
            assert_eq!(
                (as_in("en"), as_in("sv"), as_in("de")),
                (en.to_owned(), sv.to_owned(), de.to_owned())
            );
        }
        assert_eq!(date("soon".into(), "en".into()), "soon");
    }

    #[test]
    fn a_site_replaces_templates_file_by_file_and_learns_of_mistakes_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer/sv.txt");
        std::fs::create_dir(folder.path().join("answer")).unwrap();
        std::fs::write(&path, "Subject: {{ subject }}\r\n\r\nHejsan! {{ text }}\r\n").unwrap();
        let templates = Templates::open(Some(folder.path())).unwrap();
        let sample = Context::sample();
        assert_eq!(
            templates.render(Name::Answer, "sv", &sample).unwrap().body,
            "Hejsan! Your goods will leave us on Monday.\n"
        );
        assert!(templates.render(Name::Answer, "en", &sample).unwrap().body.starts_with("Dear Anna"));
        for (source, expected) in [
            ("Hello", "the template answer/sv.txt must begin with a line `Subject: …` and an empty line"),
            (
                "Subject: a\n\n{{ tikcet }}",
                "the template answer/sv.txt does not work (line 3: `tikcet` is undefined)",
            ),
            (
                "Subject: a\n\n{% if %}",
                "the template answer/sv.txt does not work (line 3: unexpected end of block)",
            ),
        ] {
            std::fs::write(&path, source).unwrap();
            assert_eq!(Templates::open(Some(folder.path())).unwrap_err().to_string(), expected);
        }
        std::fs::rename(&path, folder.path().join("answer/se.txt")).unwrap();
        assert!(Templates::open(Some(folder.path())).unwrap_err().to_string().contains("is no template"));
    }
}
