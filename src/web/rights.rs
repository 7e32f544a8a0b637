//! Who may do what: the one place that says so.
//!
//! Every route of [`super::routes`] states its [`Guard`]; [`super::session::gate`] asks here before the page runs.
//! Pages that only hide what would be refused ask the same question through [`super::session::Visit::may`].

use crate::{model::draft::named, store::person::Role};

named! {
    /// What a request does, as far as rights are concerned.
    Right {
        /// Looks at tickets, drafts, accounts, and what is found: everyone who is signed in.
        Read = "read",
        /// Changes what is oneself’s: how one signs in, searches and lists that one keeps. Everyone who is signed in.
        Own = "own",
        /// Works on tickets and writes to customers.
        Answer = "answer",
        /// Decides drafts, teaches, and keeps accounts and catalogue.
        Review = "review",
        /// Looks at how the service runs and at the log.
        Oversee = "oversee",
        /// Changes how the service runs and who may sign in.
        Administer = "administer",
    }
}

impl Role {
    /// Whether somebody in this role may do that.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::Read | Right::Own => true,
            Right::Answer => matches!(self, Self::Administrator | Self::Reviewer | Self::Agent),
            Right::Review => matches!(self, Self::Administrator | Self::Reviewer),
            Right::Oversee => matches!(self, Self::Administrator | Self::Auditor),
            Right::Administer => self == Self::Administrator,
        }
    }
}

named! {
    /// What a token of the JSON API is for, within the rights of its owner.
    Scope {
        /// Reads tickets, messages, drafts, records, accounts and searches.
        Read = "read",
        /// Writes answers and changes tickets.
        Tickets = "tickets",
        /// Decides drafts.
        Drafts = "drafts",
        /// Changes accounts.
        Accounts = "accounts",
    }
}

/// What stands before a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing: the sign-in and the assets.
    Open,
    /// A session of somebody with that right, and our own form for every change.
    Session(Right),
    /// A token with that scope, of somebody with that right.
    Token(Scope, Right),
}
