//! An order against those that came before: the same again, or what a change changes.

use super::account::strsim_ratio;
use crate::model::{
    account::{EarlierOrder, Known},
    draft::{Draft, Kind, Line},
    finding::{Finding, Severity},
    text::{fold, squeeze},
};
use rust_decimal::Decimal;
use std::str::FromStr as _;

/// Columns of a line in which a change is told.
const COMPARED: [&str; 4] = ["quantity", "unit_price", "delivery_date", "unit"];

/// Orders that came so long before are not taken for the same again, in days.
const SAME_WITHIN_DAYS: i32 = 14;

/// What the order's own number and its lines tell.
pub fn check(draft: &Draft, known: &Known) -> Vec<Finding> {
    let number = draft.text("po_number").map(squeeze).filter(|n| n.len() >= 3);
    let earlier = number.and_then(|number| earlier_order(draft, known, &number));
    let mut findings = match (draft.kind, earlier) {
        (Kind::PurchaseOrder, Some(same)) => {
            let message = format!(
                "Order {} came twice: keep one of them; the other is in {}.",
                same.po_number, same.place
            );
            vec![Finding::new("duplicate_order", Severity::Problem, message).about("po_number")]
        }
        (Kind::PurchaseOrder, None) => same_content(draft, known).into_iter().collect(),
        (Kind::PurchaseOrderChange, Some(order)) => differences(draft, order),
        (Kind::PurchaseOrderCancellation, Some(order)) => {
            let message = format!("This cancels order {} of {}.", order.po_number, order.place);
            vec![Finding::new("cancels_order", Severity::Note, message).about("po_number")]
        }
        _ => Vec::new(),
    };
    if draft.kind == Kind::PurchaseOrder {
        findings.extend(amended(draft, known));
    }
    findings
}

/// What the customer changed or cancelled since.
fn amended(draft: &Draft, known: &Known) -> Vec<Finding> {
    let Some(number) = draft.text("po_number").map(squeeze) else { return Vec::new() };
    let its_own = known.amendments.iter().filter(|amendment| {
        squeeze(&amendment.po_number) == number && is_of_buyer(draft, amendment.buyer_name.as_deref())
    });
    let told = its_own.map(|amendment| {
        let (number, place) = (&amendment.po_number, &amendment.place);
        let (code, message) = if amendment.cancels {
            let message =
                format!("The customer cancelled order {number}: the cancellation waits in {place}. Decide about it first.");
            ("order_cancelled", message)
        } else {
            let message =
                format!("The customer changed order {number}: the change waits in {place}. Look at it before this one is approved.");
            ("order_changed", message)
        };
        Finding::new(code, Severity::Problem, message).about("po_number")
    });
    told.collect()
}

/// Whether a name is that of the buyer; a name that was not read may be.
fn is_of_buyer(draft: &Draft, name: Option<&str>) -> bool {
    match (draft.text("buyer_name"), name) {
        (Some(buyer), Some(name)) => strsim_ratio(&fold(buyer), &fold(name)) > 0.85,
        _ => true,
    }
}

/// An order of the same customer with the same goods, of these days, under another number.
fn same_content(draft: &Draft, known: &Known) -> Option<Finding> {
    let account = super::match_account(draft, known, None).and_then(|m| known.accounts.get(m.index))?;
    let same = known.earlier_orders.iter().find(|earlier| {
        let near = earlier.arrived.zip(known.arrived).is_some_and(|(then, now)| {
            then.until(now).is_ok_and(|span| span.get_days().abs() <= SAME_WITHIN_DAYS)
        });
        near && earlier.account_no.as_ref() == Some(&account.account_no)
            && same_goods(&draft.lines, &earlier.lines)
    })?;
    let message = format!(
        "Order {} in {} has the same goods in the same quantities: ask whether this is the same order again.",
        same.po_number, same.place
    );
    Some(Finding::new("same_content", Severity::Check, message).about("lines"))
}

/// The same items in the same quantities, in the same order.
fn same_goods(lines: &[Line], others: &[Line]) -> bool {
    let same = |(line, other): (&Line, &Line)| {
        let item = ["sku", "customer_sku", "description"]
            .iter()
            .find_map(|name| Some(squeeze(text(line, name)?) == squeeze(text(other, name)?)));
        let quantity = text(line, "quantity").zip(text(other, "quantity"));
        item == Some(true) && quantity.is_some_and(|(a, b)| says_the_same(a, b))
    };
    !lines.is_empty() && lines.len() == others.len() && lines.iter().zip(others).all(same)
}

/// The same order number from the same buyer.
fn earlier_order<'a>(draft: &Draft, known: &'a Known, number: &str) -> Option<&'a EarlierOrder> {
    known.earlier_orders.iter().find(|earlier| {
        squeeze(&earlier.po_number) == number && is_of_buyer(draft, earlier.buyer_name.as_deref())
    })
}

/// What a change changes, line by line. Lines that it does not name stay as they are.
fn differences(draft: &Draft, order: &EarlierOrder) -> Vec<Finding> {
    if order.lines.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in draft.lines.iter().enumerate() {
        let what = ["sku", "customer_sku", "description"].iter().find_map(|name| text(line, name));
        let what = what.unwrap_or("without an item number");
        let Some(before) = order.lines.iter().find(|before| is_same_line(before, line)) else {
            let message = format!(
                "Line {}: {what} is not among the lines of order {} in {}: is it new?",
                index + 1,
                order.po_number,
                order.place
            );
            findings.push(
                Finding::new("line_not_in_order", Severity::Check, message)
                    .about(format!("lines.{index}.sku")),
            );
            continue;
        };
        for name in COMPARED {
            let (Some(old), Some(new)) = (text(before, name), text(line, name)) else { continue };
            if !says_the_same(old, new) {
                let said = name.replace('_', " ");
                let message = format!(
                    "Line {}: {what}: {said} {old} of order {} becomes {new}.",
                    index + 1,
                    order.po_number
                );
                findings.push(
                    Finding::new("line_changed", Severity::Note, message)
                        .about(format!("lines.{index}.{name}")),
                );
            }
        }
    }
    findings
}

fn text<'a>(line: &'a Line, name: &str) -> Option<&'a str> {
    line.get(name).and_then(|p| p.value.as_text())
}

/// The same item; where neither line names one, the same position.
fn is_same_line(before: &Line, line: &Line) -> bool {
    let same = |name: &str| {
        let (a, b) = (text(before, name).map(squeeze), text(line, name).map(squeeze));
        Some(a? == b?)
    };
    let position = || same("line_no").unwrap_or(false);
    match same("sku").or_else(|| same("customer_sku")) {
        // one item in two lines of an order: their numbers tell them apart
        Some(item) => item && same("line_no").unwrap_or(true),
        None => position(),
    }
}

fn says_the_same(old: &str, new: &str) -> bool {
    match (Decimal::from_str(old), Decimal::from_str(new)) {
        (Ok(a), Ok(b)) => a == b,
        _ => fold(old) == fold(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        account::{Account, Amendment},
        draft::{Content, Proposal, Source},
    };

    fn line(cells: &[(&str, &str)]) -> Line {
        let proposal = |value: &str| Proposal {
            value: Content::Text(value.to_owned()),
            confidence: 0.9,
            source: Source::Rule("test".to_owned()),
            printed: None,
        };
        cells.iter().map(|(name, value)| ((*name).to_owned(), proposal(value))).collect()
    }

    fn draft() -> Draft {
        Draft {
            kind: Kind::PurchaseOrderChange,
            kind_confidence: 1.0,
            language: "en".to_owned(),
            standard: None,
            page_range: [1, 1],
            fields: Line::new(),
            lines: Vec::new(),
            findings: Vec::new(),
            precedents: Vec::new(),
        }
    }

    #[test]
    fn a_change_is_told_line_by_line() {
        let order = EarlierOrder {
            po_number: "PO-7".to_owned(),
            place: "MR-1001".to_owned(),
            lines: vec![
                line(&[("line_no", "1"), ("sku", "A-1"), ("quantity", "10"), ("unit_price", "2.50")]),
                line(&[("line_no", "2"), ("sku", "B-2"), ("quantity", "4")]),
            ],
            ..EarlierOrder::default()
        };
        for (cells, expected) in [
            (vec![("sku", "a1"), ("quantity", "12"), ("unit_price", "2.5")], vec!["line_changed"]),
            (vec![("sku", "B-2"), ("quantity", "4.0")], vec![]),
            (vec![("sku", "C-3"), ("quantity", "1")], vec!["line_not_in_order"]),
            (vec![("line_no", "2"), ("quantity", "5")], vec!["line_changed"]),
        ] {
            let draft =
                Draft { fields: line(&[("po_number", "PO-7")]), lines: vec![line(&cells)], ..draft() };
            let known = Known { earlier_orders: vec![order.clone()], ..Known::default() };
            let codes: Vec<String> = check(&draft, &known).into_iter().map(|f| f.code).collect();
            assert_eq!(codes, expected, "{cells:?}");
        }
    }

    #[test]
    fn an_order_that_the_customer_amended_is_held() {
        let amendment = |cancels, buyer: &str| Amendment {
            cancels,
            buyer_name: Some(buyer.to_owned()),
            po_number: "PO 7".to_owned(),
            place: "MR-1004".to_owned(),
        };
        for (amendment, expected) in [
            (amendment(true, "Larch Ltd"), &["order_cancelled"][..]),
            (amendment(false, "LARCH LTD"), &["order_changed"]),
            (amendment(true, "Another buyer"), &[]),
        ] {
            let fields = line(&[("po_number", "PO-7"), ("buyer_name", "Larch Ltd")]);
            let draft = Draft { kind: Kind::PurchaseOrder, fields, ..draft() };
            let known = Known { amendments: vec![amendment.clone()], ..Known::default() };
            let found = check(&draft, &known);
            assert_eq!(found.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), expected, "{amendment:?}");
            assert!(found.iter().all(|f| f.severity == Severity::Problem));
        }
    }

    #[test]
    fn the_same_goods_within_days_are_perhaps_the_same_order() {
        let day = |text: &str| text.parse().ok();
        let goods = vec![line(&[("sku", "A-1"), ("quantity", "10")])];
        let account = Account { account_no: "C1".to_owned(), ..Account::default() };
        let earlier = |arrived: &str, lines: &[Line]| EarlierOrder {
            account_no: Some("C1".to_owned()),
            po_number: "PO-7".to_owned(),
            lines: lines.to_vec(),
            arrived: day(arrived),
            ..EarlierOrder::default()
        };
        let other = [line(&[("sku", "A-1"), ("quantity", "11")])];
        for (order, expected) in [
            (earlier("2026-03-01", &goods), &["same_content"][..]),
            (earlier("2026-01-01", &goods), &[]),
            (earlier("2026-03-01", &other), &[]),
        ] {
            let draft = Draft {
                kind: Kind::PurchaseOrder,
                fields: line(&[("po_number", "PO-8"), ("account_no", "C1")]),
                lines: goods.clone(),
                ..draft()
            };
            let known = Known {
                accounts: [account.clone()].into(),
                earlier_orders: vec![order.clone()],
                arrived: day("2026-03-04"),
                ..Known::default()
            };
            let codes: Vec<String> = check(&draft, &known).into_iter().map(|f| f.code).collect();
            assert_eq!(codes, expected, "{order:?}");
        }
    }
}
