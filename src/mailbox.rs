//! Where mail comes from: IMAP, Maildir, mbox, single files, memory.
