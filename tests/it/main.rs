//! All integration tests, in one binary: one module for each scenario.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail loudly"
)]

mod acceptance;
mod accounts;
mod api;
mod accessibility;
mod backup;
mod crash;
mod demo;
mod evidence;
mod history;
mod mailbox;
mod mailboxes;
mod oauth;
mod openid;
mod queues;
mod reply;
mod review;
mod messages;
mod extract;
mod flows;
mod fuzz;
mod scenario;
mod hostile;
mod reader;
mod reader_life;
mod roles;
mod search;
mod search_page;
mod sent;
mod orders;
mod people;
mod settings;
mod store;
mod store_pages;
mod store_together;
mod support;
mod tickets;
mod tidy;
mod verify;
mod web;
