//! How wide the columns of a pretty line are, so that it does not wrap in the terminal it is made for.

/// Least width that the columns are made for; in narrower terminals lines wrap.
const NARROWEST: usize = 64;
/// From here on the time has milliseconds and the bar its full length.
const WIDE: usize = 113;
/// Two states with their shares, in their longest words: ` schedule 51% queue 49%`.
const SHARES: usize = 23;
/// The longest end reason, with the space before it.
const OUTCOME: usize = 21;
/// Spaces between columns, three digits of a status, and a duration.
const FIXED: usize = 6 + 3 + 6;

/// Characters of each column; the sum is at most the terminal's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Widths {
    /// Time of day, with or without milliseconds.
    pub clock: usize,
    pub method: usize,
    pub path: usize,
    pub bar: usize,
    /// Shares, end reason and error together.
    pub tail: usize,
}

impl Widths {
    /// For lines that may be as long as they are: in files and pipes.
    pub(super) const UNBOUNDED: Self = Self { clock: 12, method: 7, path: 36, bar: 20, tail: usize::MAX };

    /// For a terminal of so many columns.
    pub(super) fn of(columns: usize) -> Self {
        let columns = columns.max(NARROWEST);
        if columns < WIDE { Self::narrow(columns) } else { Self::wide(columns) }
    }

    fn wide(columns: usize) -> Self {
        let Self { clock, method, path, bar, .. } = Self::UNBOUNDED;
        let rest = columns - (FIXED + clock + method + path + bar);
        // What is left when an end reason has its place makes longer paths visible.
        let path = path + rest.saturating_sub(SHARES + OUTCOME);
        Self { clock, method, path, bar, tail: rest.min(SHARES + OUTCOME) }
    }

    fn narrow(columns: usize) -> Self {
        let (clock, method) = (8, 6);
        let rest = columns - (FIXED + clock + method + SHARES);
        let bar = (rest * 3 / 10).min(Self::UNBOUNDED.bar);
        Self { clock, method, path: rest - bar, bar, tail: SHARES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_terminal_and_no_more() {
        for columns in NARROWEST..300 {
            let Widths { clock, method, path, bar, tail } = Widths::of(columns);
            assert_eq!(FIXED + clock + method + path + bar + tail, columns, "{columns}");
            assert!(path >= 8 && bar >= 3, "{columns}");
        }
        assert_eq!(Widths::of(0), Widths::of(NARROWEST));
        assert_eq!(Widths::of(80), Widths { clock: 8, method: 6, path: 20, bar: 8, tail: 23 });
    }
}
