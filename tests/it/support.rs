//! What several scenarios need: servers of our own, fresh databases.

pub(crate) mod database;
pub(crate) mod postgres;
pub(crate) mod site;
