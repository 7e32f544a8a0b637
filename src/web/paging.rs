//! Long lists in parts: one row more than a page holds is asked for, and if it comes, a link goes on after the page.

/// Rows to ask the store for, so that [`Part::cut`] knows whether there are more.
pub(super) const fn ask(per_page: u32) -> u32 {
    per_page.saturating_add(1)
}

/// The rows of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<T> {
    /// At most as many as a page holds.
    pub rows: Vec<T>,
    more: bool,
}

impl<T> Part<T> {
    /// Takes the rows of a page from the [`ask`]ed.
    pub(super) fn cut(mut found: Vec<T>, per_page: u32) -> Self {
        let more = found.len() > per_page as usize;
        found.truncate(per_page as usize);
        Self { rows: found, more }
    }

    /// The address of the next part, made from the last row of this one; none if this is the last part.
    pub(super) fn next(&self, address: impl FnOnce(&T) -> String) -> Option<String> {
        self.rows.last().filter(|_| self.more).map(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_on_only_where_there_is_more() {
        for (found, rows, next) in [
            (vec![], vec![], None),
            (vec![1, 2], vec![1, 2], None),
            (vec![1, 2, 3], vec![1, 2], Some("/x?after=2")),
        ] {
            let part = Part::cut(found, 2);
            assert_eq!(part.next(|last| format!("/x?after={last}")).as_deref(), next);
            assert_eq!(part.rows, rows);
        }
        assert_eq!(ask(50), 51);
    }
}
