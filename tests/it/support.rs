//! What several scenarios need: servers of our own, fresh databases, a site with pages, a browser.

pub(crate) mod browser;
pub(crate) mod database;
pub(crate) mod desk;
pub(crate) mod postgres;
pub(crate) mod rows;
pub(crate) mod site;
