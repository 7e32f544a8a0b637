//! The fields of the index, and how an [`Entry`] becomes a document of it.
//!
//! Every change here, or in how [`super::tokenizer`] cuts text, raises [`SCHEMA_VERSION`]: an index of another
//! version is rebuilt from nothing. Text is stored in the index too (compressed), so that a hit can be shown without
//! asking the database.

use super::{
    Entry,
    query::{Has, Is},
    tokenizer::{self, Token},
};
use tantivy::{
    TantivyDocument, Term,
    schema::{
        FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
        Value,
    },
    tokenizer::{BoxTokenStream, Token as IndexToken, TokenStream, Tokenizer, TokenizerManager},
};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Kept beside the index; an index of another version is rebuilt.
pub(super) const SCHEMA_VERSION: u32 = 2;

/// Most bytes of one field of one message that are indexed.
pub(super) const FIELD_BYTES_MAX: usize = 4 * 1024 * 1024;

const WORDS: &str = "words";
const CODES: &str = "codes";

/// Handles of all fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) message_id: Field,
    pub(super) ticket: Field,
    pub(super) queue: Field,
    pub(super) has: Field,
    pub(super) is: Field,
    pub(super) kind: Field,
    pub(super) language: Field,
    pub(super) po: Field,
    pub(super) sku: Field,
    pub(super) amount: Field,
    pub(super) account_no: Field,
    pub(super) date: Field,
    pub(super) account: Field,
    pub(super) from: Field,
    pub(super) to: Field,
    pub(super) subject: Field,
    pub(super) body: Field,
    pub(super) file: Field,
    pub(super) file_text: Field,
    pub(super) file_id: Field,
    pub(super) code: Field,
}

impl Fields {
    /// Fields that a word without an operator is looked for in, with their weight.
    pub(super) fn searched(&self) -> [(Field, f32); 7] {
        [
            (self.subject, 2.0),
            (self.body, 1.0),
            (self.file, 1.5),
            (self.file_text, 1.0),
            (self.from, 1.5),
            (self.to, 1.0),
            (self.account, 1.0),
        ]
    }
}

/// The name of the fast field that hits are sorted by.
pub(super) const DATE: &str = "date";

/// The name of the fast field that hits are grouped by.
pub(super) const TICKET: &str = "ticket";

/// Stands between the pages of a file's text.
pub(super) const PAGE_END: char = '\u{c}';

/// The schema and the handles of its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let text = |tokenizer| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        TextOptions::default().set_indexing_options(indexing)
    };
    let mut builder = Schema::builder();
    let fields = Fields {
        message_id: builder.add_text_field("message_id", STRING | STORED),
        ticket: builder.add_i64_field(TICKET, INDEXED | STORED | FAST),
        queue: builder.add_text_field("queue", STRING | FAST),
        has: builder.add_text_field("has", STRING | FAST),
        is: builder.add_text_field("is", STRING),
        kind: builder.add_text_field("kind", STRING | FAST),
        language: builder.add_text_field("language", STRING | FAST),
        po: builder.add_text_field("po", STRING),
        sku: builder.add_text_field("sku", STRING),
        amount: builder.add_i64_field("amount", INDEXED),
        account_no: builder.add_text_field("account_no", STRING | FAST),
        date: builder.add_i64_field(DATE, INDEXED | STORED | FAST),
        account: builder.add_text_field("account", text(WORDS)),
        from: builder.add_text_field("from", text(WORDS).set_stored()),
        to: builder.add_text_field("to", text(WORDS)),
        subject: builder.add_text_field("subject", text(WORDS).set_stored()),
        body: builder.add_text_field("body", text(WORDS).set_stored()),
        file: builder.add_text_field("file", text(WORDS).set_stored()),
        file_text: builder.add_text_field("file_text", text(WORDS).set_stored()),
        file_id: builder.add_text_field("file_id", TextOptions::default().set_stored()),
        code: builder.add_text_field("code", text(CODES)),
    };
    (builder.build(), fields)
}

/// The tokenizers that the schema names.
pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(WORDS, WordTokenizer);
    manager.register(CODES, CodeTokenizer);
    manager
}

/// The document of one message.
pub(super) fn document(fields: &Fields, entry: &Entry) -> TantivyDocument {
    let mut document = TantivyDocument::default();
    document.add_text(fields.message_id, entry.message_id.as_str());
    document.add_i64(fields.date, entry.date_ms);
    if let Some(number) = entry.ticket_number {
        document.add_i64(fields.ticket, number);
    }
    if let Some(queue) = entry.queue {
        document.add_text(fields.queue, queue.as_str());
    }
    let names = entry.has.iter().map(|has| (fields.has, has.as_str()));
    let names = names.chain(entry.is.iter().map(|is| (fields.is, is.as_str())));
    let names = names.chain(entry.kinds.iter().map(|kind| (fields.kind, kind.as_str())));
    let names = names.chain(entry.language.iter().map(|code| (fields.language, code.as_str())));
    let names = names.chain(entry.account_nos.iter().map(|no| (fields.account_no, no.as_str())));
    for (field, name) in names.chain(entry.file_ids.iter().map(|id| (fields.file_id, id.as_str()))) {
        document.add_text(field, name);
    }
    let numbers = entry.po_numbers.iter().map(|number| (fields.po, number));
    for (field, number) in numbers.chain(entry.skus.iter().map(|number| (fields.sku, number))) {
        document.add_text(field, tokenizer::code_form(number));
    }
    for amount in &entry.amounts {
        document.add_i64(fields.amount, *amount);
    }
    for (field, text) in
        [(fields.account, &entry.account), (fields.from, &entry.from), (fields.to, &entry.to)]
    {
        document.add_text(field, clean(text));
    }
    let texts = [(fields.subject, &entry.subject), (fields.body, &entry.body)].into_iter();
    let names = entry.file_names.iter().map(|name| (fields.file, name));
    let contents = entry.file_texts.iter().map(|text| (fields.file_text, text));
    for (field, text) in texts.chain(names).chain(contents) {
        let text = clean(text);
        document.add_text(fields.code, &text);
        // Empty ones too: names and texts of files go together by their order.
        document.add_text(field, text);
    }
    document
}

/// Within the limit, and in composed form, so that places in it are those of the letters that people see.
fn clean(text: &str) -> String {
    let end = text.floor_char_boundary(FIELD_BYTES_MAX);
    let text = text.get(..end).unwrap_or_default();
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { text.to_owned() } else { text.nfc().collect() }
}

/// What `has:` looks up.
pub(super) fn has_term(fields: &Fields, has: Has) -> Term {
    Term::from_field_text(fields.has, has.as_str())
}

/// What `is:` looks up.
pub(super) fn is_term(fields: &Fields, is: Is) -> Term {
    Term::from_field_text(fields.is, is.as_str())
}

/// The first stored text of a field.
pub(super) fn stored_text(document: &TantivyDocument, field: Field) -> &str {
    document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default()
}

#[derive(Clone)]
struct WordTokenizer;

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = BoxTokenStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        BoxTokenStream::new(Stream { tokens: tokenizer::words(text), token: IndexToken::default() })
    }
}

#[derive(Clone)]
struct CodeTokenizer;

impl Tokenizer for CodeTokenizer {
    type TokenStream<'a> = BoxTokenStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        BoxTokenStream::new(Stream { tokens: tokenizer::codes(text), token: IndexToken::default() })
    }
}

struct Stream<I> {
    tokens: I,
    token: IndexToken,
}

impl<I: Iterator<Item = Token>> TokenStream for Stream<I> {
    fn advance(&mut self) -> bool {
        let Some(Token { start, end, position, text }) = self.tokens.next() else { return false };
        self.token = IndexToken { offset_from: start, offset_to: end, position, text, position_length: 1 };
        true
    }

    fn token(&self) -> &IndexToken {
        &self.token
    }

    fn token_mut(&mut self) -> &mut IndexToken {
        &mut self.token
    }
}
