//! What several scenarios need: servers of our own, fresh databases, a site with pages, a browser.

pub(crate) mod bombs;
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod cut;
pub(crate) mod database;
pub(crate) mod desk;
pub(crate) mod dice;
pub(crate) mod cyrus;
pub(crate) mod dovecot;
pub(crate) mod files;
pub(crate) mod glewlwyd;
pub(crate) mod http;
pub(crate) mod openid_server;
pub(crate) mod postgres;
pub(crate) mod rows;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod smtp_server;
pub(crate) mod token_server;
pub(crate) mod visitor;
