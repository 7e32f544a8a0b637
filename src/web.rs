//! The pages: router on one page, one file for each noun.
