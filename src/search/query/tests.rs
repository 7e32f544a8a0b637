//! What people type, what is understood, and what is told.

use super::*;
use Condition::{All, Any, Dates, Everything, In, Not, Phrase, Prefix, Ticket, Words};
use jiff::{Zoned, civil::date};

fn now() -> Zoned {
    date(2025, 4, 2).at(12, 0, 0, 0).in_tz("UTC").unwrap()
}

fn words(text: &str) -> Condition {
    Words(text.split(' ').map(str::to_owned).collect())
}

fn not(condition: Condition) -> Condition {
    Not(Box::new(condition))
}

#[test]
fn queries_become_conditions() {
    let day = |d: i64| d * 86_400_000;
    for (text, expected) in [
        ("", Everything),
        ("pump valve", words("pump valve")),
        ("HEX1025-B 4500 123", words("HEX1025-B 4500 123")),
        ("\"delivery date\" pump", All(vec![Phrase("delivery date".into()), words("pump")])),
        ("pump -valve", All(vec![words("pump"), not(words("valve"))])),
        ("NOT valve", not(words("valve"))),
        ("a OR b", Any(vec![words("a"), words("b")])),
        ("a AND b", words("a b")),
        ("a & b", words("a b")),
        ("a OR &", words("a")),
        ("(a OR b) c", All(vec![Any(vec![words("a"), words("b")]), words("c")])),
        ("((a))", All(vec![words("a")])),
        ("()", Everything),
        ("pump*", Prefix("pump".into())),
        ("M8*30", words("M8*30")),
        ("from:erik@acme.se", In(TextField::From, "erik@acme.se".into())),
        ("FROM:\"Erik S\" x", All(vec![In(TextField::From, "Erik S".into()), words("x")])),
        ("-from:erik", not(In(TextField::From, "erik".into()))),
        ("filename:po.pdf", In(TextField::File, "po.pdf".into())),
        ("after:1970-01-02", Dates(Some(day(1)), None)),
        ("before:1970-02", Dates(None, Some(day(31)))),
        ("on:1970", Dates(Some(0), Some(day(365)))),
        ("on:yesterday", Dates(Some(day(20_179)), Some(day(20_180)))),
        ("has:PDF", Condition::Has(Has::Pdf)),
        ("has:attachments", Condition::Has(Has::Attachment)),
        ("is:open", Condition::Is(Is::Open)),
        ("kind:purchase-order", Condition::Kind(Kind::PurchaseOrder)),
        ("lang:SV", Condition::Language("sv".into())),
        ("ticket:MR-1001", Ticket(1001)),
        ("ticket:1001", Ticket(1001)),
        ("queue:order-status", Condition::Queue(Queue::OrderStatus)),
        ("queue:\"order status\"", Condition::Queue(Queue::OrderStatus)),
        ("po:4500-12", Condition::Code(CodeField::Po, "450012".into(), false)),
        ("sku:A-13*", Condition::Code(CodeField::Sku, "a13".into(), true)),
        ("amount>1000", Condition::Amount(Some(100_001), None)),
        ("amount>=99.5", Condition::Amount(Some(9_950), None)),
        ("Amount<5", Condition::Amount(None, Some(499))),
        ("amount<=5", Condition::Amount(None, Some(500))),
        ("amount:5", Condition::Amount(Some(500), Some(500))),
        ("amount:>1000", Condition::Amount(Some(100_001), None)),
        ("amount:<=5", Condition::Amount(None, Some(500))),
        ("amount=5..7", Condition::Amount(Some(500), Some(700))),
        ("https://example.com/x", words("https://example.com/x")),
        ("12:30", words("12:30")),
        ("Re: pump", words("Re: pump")),
        ("a<b", words("a<b")),
        ("sort:newest", Everything),
    ] {
        assert_eq!(parse(text, &now()).map(|q| q.condition), Ok(expected), "{text:?}");
    }
    assert_eq!(parse("x sort:oldest", &now()).unwrap().order, Some(Order::Oldest));
}

/// A mistake, the part of the text that it stands at, and what was perhaps meant.
#[test]
fn mistakes_are_told_with_their_place_and_a_way_out() {
    for (text, mistake, said, suggestion) in [
        ("pump color:red", Mistake::UnknownField, "color", Some("pump \"color:red\"")),
        ("pump subjekt:x y", Mistake::UnknownField, "subjekt", Some("pump subject:x y")),
        ("before:yestreday", Mistake::BadDate, "yestreday", Some("before:yesterday")),
        ("after:2025-13", Mistake::BadDate, "2025-13", None),
        ("on:14.3.2025 x", Mistake::BadDate, "14.3.2025", Some("on:2025-03-14 x")),
        ("has:wings", Mistake::UnknownValue, "wings", None),
        ("has:attachement", Mistake::UnknownValue, "attachement", Some("has:attachment")),
        (
            "kind:\"purchase orden\" x",
            Mistake::UnknownValue,
            "\"purchase orden\"",
            Some("kind:purchase_order x"),
        ),
        ("queue:nowhere", Mistake::UnknownValue, "nowhere", None),
        ("sort:newst", Mistake::UnknownValue, "newst", Some("sort:newest")),
        ("ticket:abc", Mistake::BadTicket, "abc", None),
        ("ticket:-5", Mistake::BadTicket, "-5", None),
        ("lang:svenska", Mistake::BadLanguage, "svenska", Some("lang:sv")),
        ("amount>1.000", Mistake::BadAmount, "1.000", Some("amount>1000")),
        ("amount>much", Mistake::BadAmount, "much", None),
        ("from: erik", Mistake::EmptyValue, "from:", Some("from:erik")),
        ("from:", Mistake::EmptyValue, "from:", None),
        ("from:\"\" x", Mistake::EmptyValue, "from:\"\"", None),
        ("a \"not closed", Mistake::UnclosedQuote, "", Some("a \"not closed\"")),
        ("(a b", Mistake::UnclosedParenthesis, "(", Some("(a b)")),
        ("a) b", Mistake::UnopenedParenthesis, ")", Some("a b")),
        ("OR b", Mistake::LonelyWord, "OR", Some("b")),
        ("-", Mistake::NoWords, "", None),
        ("\"!\" ?", Mistake::NoWords, "", None),
        ("lang:xx", Mistake::BadLanguage, "xx", None),
        ("a OR", Mistake::LonelyWord, "OR", Some("a")),
        ("a OR OR b", Mistake::LonelyWord, "OR", Some("a OR b")),
        ("a AND", Mistake::LonelyWord, "AND", Some("a")),
        ("NOT", Mistake::LonelyWord, "NOT", Some("")),
        ("(NOT) a", Mistake::LonelyWord, "NOT", Some("() a")),
        ("p*", Mistake::ShortPrefix, "p*", None),
        ("x *pump", Mistake::LeadingStar, "*pump", Some("x pump*")),
    ] {
        let error = parse(text, &now()).expect_err(text);
        assert_eq!((error.mistake, error.suggestion.as_deref()), (mistake, suggestion), "{text:?}");
        assert!(text.get(error.place.clone()).is_some(), "{text:?} {:?}", error.place);
        if !said.is_empty() {
            assert_eq!(error.said, said, "{text:?}");
        }
        assert!(error.to_string().ends_with('.'), "{error}");
    }
    let many = "a ".repeat(QUERY_CLAUSES_MAX + 1);
    let long = "a".repeat(QUERY_CHARS_MAX + 1);
    let deep = "(".repeat(QUERY_DEPTH_MAX + 1) + "a";
    for (text, mistake) in [(many, Mistake::TooManyWords), (long, Mistake::TooLong), (deep, Mistake::TooDeep)]
    {
        assert_eq!(parse(&text, &now()).unwrap_err().mistake, mistake);
    }
}

#[test]
fn queries_are_narrowed_and_widened_by_a_clause() {
    for (text, clause, expected) in [
        ("", "is:open", "is:open"),
        ("pump", "is:open", "pump is:open"),
        ("a OR b", "is:open", "(a OR b) is:open"),
    ] {
        let narrow = narrowed(text, clause);
        assert_eq!(narrow, expected);
        assert!(parse(&narrow, &now()).is_ok(), "{narrow}");
    }
    for (text, clause, expected) in [
        ("pump is:open x", "is:open", Some("pump x")),
        ("pump IS:open", "is:open", Some("pump")),
        ("account:\"K 1\" x", "account:\"K 1\"", Some("x")),
        ("pump -is:open", "is:open", None),
        ("(pump is:open) x", "is:open", None),
        ("pump OR is:open", "is:open", None),
        ("pump", "is:open", None),
    ] {
        assert_eq!(widened(text, clause).as_deref(), expected, "{text}");
    }
}

#[test]
fn odd_input_never_panics() {
    let pieces = [
        "\"", "(", ")", "-", "OR", "AND", ":", "from:", "amount>", "on:", "a", "*", "|", "\u{0}", "👍",
        "NOT", "é", "“", "--", "::",
    ];
    // Every sequence of three pieces, glued and spaced.
    for a in pieces {
        for b in pieces {
            for c in pieces {
                for glue in ["", " "] {
                    let text = [a, b, c].join(glue);
                    if let Err(error) = parse(&text, &now()) {
                        assert!(text.get(error.place.clone()).is_some(), "{text:?} {error:?}");
                        assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
    }
}
