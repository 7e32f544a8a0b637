//! Is this a newsletter or a mailing list?
//!
//! `List-*` fields (RFC 2369, 2919), `Precedence: list`, feedback ids of bulk senders. Asked before automatic replies:
//! newsletters carry their signs too.

use super::{Site, Verdict, says};
use crate::model::message::{Message, Origin};

/// Fields that only lists and bulk senders set.
const FIELDS: &[&str] = &[
    "List-Id",
    "List-Post",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Mailing-List",
    "X-Mailing-List",
    "X-Campaign-Id",
    "X-CampaignID",
    "X-Mailchimp-Id",
    "X-MC-User",
];

/// Fields of lists.
pub fn check(message: &Message, _site: &Site) -> Option<Verdict> {
    if let Some((name, value)) =
        FIELDS.iter().find_map(|name| message.header(name).map(|value| (name, value)))
    {
        return Some(Verdict::muted(Origin::List, says(name, value)));
    }
    ["Precedence", "X-Precedence"].iter().find_map(|name| {
        let value = message.header(name)?;
        value.trim().eq_ignore_ascii_case("list").then(|| Verdict::muted(Origin::List, says(name, value)))
    })
}
