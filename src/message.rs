//! Raw bytes into a [`Message`](crate::model::message::Message): headers, bodies, new text, attachments. Total: never fails, never panics.
