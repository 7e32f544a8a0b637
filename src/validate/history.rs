//! Whether an order came before.

use super::account::{fold, squeeze, strsim_ratio};
use crate::model::{
    account::Known,
    draft::{Draft, Kind},
    finding::{Finding, Severity},
};

/// The same order number from the same buyer.
pub fn check(draft: &Draft, known: &Known) -> Option<Finding> {
    if draft.kind != Kind::PurchaseOrder {
        return None;
    }
    let number = draft.text("po_number").map(squeeze).filter(|n| n.len() >= 3)?;
    let buyer = draft.text("buyer_name").map(fold);
    let same = known.earlier_orders.iter().find(|earlier| {
        let names = (buyer.as_deref(), earlier.buyer_name.as_deref().map(fold));
        let alike = match names {
            (Some(a), Some(b)) => strsim_ratio(a, &b) > 0.85,
            _ => true,
        };
        alike && squeeze(&earlier.po_number) == number
    })?;
    let message =
        format!("Order {} came before: keep one of them; the other is in {}.", same.po_number, same.place);
    Some(Finding::new("duplicate_order", Severity::Problem, message).about("po_number"))
}
