//! Who or what wrote a message, and which ticket it belongs to: one question a file, in one visible order.
