//! Whether an automatic mail may leave: what stops two machines from answering each other for ever.
//!
//! Does: look at the recipient and at how much it and everybody got lately; the first objection decides.
//! Does not: read the outbox or the clock (the caller passes both), or hold back what a person wrote.
//!
//! The windows are those that Zammad has used for years (its `ticket_trigger_loop_protection_*` settings). RFC 3834, 2.

use crate::model::message::Address;

/// So many mails to one recipient about one ticket are allowed in so many minutes.
pub const PER_RECIPIENT_AND_TICKET: &[Window] =
    &[window(10, 10), window(15, 30), window(25, 60), window(50, 180), window(100, 600)];

/// So many mails to one recipient are allowed in so many minutes.
pub const PER_RECIPIENT: &[Window] =
    &[window(30, 10), window(60, 30), window(120, 60), window(240, 180), window(360, 600)];

/// How far back [`History`] has to reach.
pub const HISTORY_MS: i64 = 600 * MINUTE_MS;

/// How the reason of the breaker begins.
pub const BREAKER_REASON: &str = "the breaker holds back automatic mail";

/// The window of the breaker for everything.
pub const BREAKER_MS: i64 = 60 * MINUTE_MS;

const MINUTE_MS: i64 = 60_000;

/// Local parts behind which nobody reads, or somebody who should not get automatic mail.
const NEVER: &[&str] = &[
    "abuse",
    "bounce",
    "bounces",
    "daemon",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "hostmaster",
    "listserv",
    "mailer-daemon",
    "majordomo",
    "news",
    "no-reply",
    "nobody",
    "no_reply",
    "noreply",
    "postmaster",
    "root",
    "usenet",
    "uucp",
    "webmaster",
];

/// A limit: at most `count` in `minutes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub count: usize,
    /// In how many minutes.
    pub minutes: i64,
}

const fn window(count: usize, minutes: i64) -> Window {
    Window { count, minutes }
}

/// What left lately, as times in milliseconds UTC; order does not matter, older than [`HISTORY_MS`] is not needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    /// To this recipient about this ticket.
    pub recipient_and_ticket_ms: &'a [i64],
    /// To this recipient.
    pub recipient_ms: &'a [i64],
    /// Automatic mails to anybody within [`BREAKER_MS`].
    pub everything: u64,
}

/// Whether an automatic mail may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Send,
    /// It may not; the reason is for the outbox row.
    Withheld {
        /// A sentence with the figures.
        reason: String,
        /// The breaker for everything did it: an operator must look.
        breaker: bool,
    },
}

/// Decides on one automatic mail. `own` are our own addresses.
pub fn decide(
    now_ms: i64,
    recipient: &str,
    own: &[String],
    history: &History<'_>,
    breaker_per_hour: u32,
) -> Decision {
    let withheld = |reason: String| Decision::Withheld { reason, breaker: false };
    if !is_address(recipient) {
        return withheld("the recipient is not a mail address".to_owned());
    }
    if own.iter().any(|address| address.trim().eq_ignore_ascii_case(recipient)) {
        return withheld("the recipient is one of our own addresses".to_owned());
    }
    if is_never_answered(recipient) {
        return withheld("nobody reads automatic mail at this kind of address".to_owned());
    }
    if history.everything >= u64::from(breaker_per_hour) {
        let reason = format!(
            "{BREAKER_REASON}: {} left within an hour, the limit is {breaker_per_hour}",
            history.everything
        );
        return Decision::Withheld { reason, breaker: true };
    }
    let about = [
        (PER_RECIPIENT_AND_TICKET, history.recipient_and_ticket_ms, "to this recipient about this ticket"),
        (PER_RECIPIENT, history.recipient_ms, "to this recipient"),
    ];
    for (windows, sent_ms, what) in about {
        if let Some(full) = windows.iter().find(|window| is_full(**window, sent_ms, now_ms)) {
            return withheld(format!(
                "{} mails {what} within {} minutes are enough",
                full.count, full.minutes
            ));
        }
    }
    Decision::Send
}

fn is_full(window: Window, sent_ms: &[i64], now_ms: i64) -> bool {
    let since_ms = now_ms.saturating_sub(window.minutes * MINUTE_MS);
    sent_ms.iter().filter(|at_ms| **at_ms > since_ms).count() >= window.count
}

/// Whether a text is an address that mail can be sent to.
pub fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

/// Whether an address is of the kind that machines use, whatever its domain: `MAILER-DAEMON@…`, `no-reply+x@…`.
pub fn is_never_answered(email: &str) -> bool {
    let address = Address { email: email.to_lowercase(), name: None };
    let local = address.email.rsplit_once('@').map_or("", |(local, _)| local);
    let bare = local.split('+').next().unwrap_or(local);
    local.is_empty()
        || NEVER.contains(&bare)
        || local.starts_with("owner-")
        || bare.ends_with("-request")
        || bare.ends_with("-bounces")
        || bare.ends_with("-owner")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn decide_for(recipient: &str, history: &History<'_>) -> String {
        match decide(NOW_MS, recipient, &["Orders@Example.com".to_owned()], history, 500) {
            Decision::Send => "send".to_owned(),
            Decision::Withheld { reason, breaker } => {
                format!("{}{reason}", if breaker { "BREAKER " } else { "" })
            }
        }
    }

    #[test]
    fn addresses_of_machines_and_our_own_get_nothing() {
        let none = History::default();
        for (recipient, expected) in [
            ("anna@customer.se", "send"),
            ("root.beer@customer.se", "send"),
            ("orders@example.com", "our own"),
            ("ORDERS@EXAMPLE.COM", "our own"),
            ("MAILER-DAEMON@mx.customer.se", "nobody reads"),
            ("postmaster@customer.se", "nobody reads"),
            ("No-Reply@customer.se", "nobody reads"),
            ("noreply+4711@customer.se", "nobody reads"),
            ("bounces+4711=a@lists.example.org", "nobody reads"),
            ("owner-list@lists.example.org", "nobody reads"),
            ("list-request@lists.example.org", "nobody reads"),
            ("", "not a mail address"),
            ("<>", "not a mail address"),
        ] {
            let decision = decide_for(recipient, &none);
            assert!(decision.contains(expected), "{recipient}: {decision}");
        }
    }

    #[test]
    fn each_window_closes_at_its_count_and_opens_with_time() {
        let all = [(PER_RECIPIENT_AND_TICKET, true), (PER_RECIPIENT, false)];
        for (windows, per_ticket) in all {
            for window in windows {
                // As late as the window still counts, so that no shorter window is full.
                let edge_ms = NOW_MS - window.minutes * MINUTE_MS;
                for (count, at_ms, sends) in [
                    (window.count - 1, edge_ms + 1, true),
                    (window.count, edge_ms + 1, false),
                    (window.count, edge_ms, true),
                ] {
                    let sent_ms = vec![at_ms; count];
                    let history = if per_ticket {
                        History { recipient_and_ticket_ms: &sent_ms, ..History::default() }
                    } else {
                        History { recipient_ms: &sent_ms, ..History::default() }
                    };
                    let decision = decide_for("anna@customer.se", &history);
                    assert_eq!(decision == "send", sends, "{window:?} {count}: {decision}");
                }
            }
        }
    }

    #[test]
    fn the_breaker_holds_everything() {
        let history = History { everything: 500, ..History::default() };
        assert!(decide_for("anna@customer.se", &history).starts_with("BREAKER"));
        let history = History { everything: 499, ..History::default() };
        assert_eq!(decide_for("anna@customer.se", &history), "send");
    }
}
