//! Buckets of histograms.

/// The buckets of a histogram. Values are whole numbers (nanoseconds, bytes), so that sums are exact.
#[derive(Debug, PartialEq)]
pub struct Scale {
    /// Upper bounds of the buckets, each included.
    pub bounds: &'static [u64],
    /// How many of them make the metric's unit.
    pub per_unit: f64,
}

impl Eq for Scale {}

impl Scale {
    /// A value in the metric's unit.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "OTLP has doubles; beyond 2^53 they are exact enough")]
    pub fn in_unit(&self, value: u64) -> f64 {
        value as f64 / self.per_unit
    }
}

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The advice of the HTTP conventions.
pub(super) static REQUEST: Scale = Scale {
    bounds: &[
        5 * MS,
        10 * MS,
        25 * MS,
        50 * MS,
        75 * MS,
        100 * MS,
        250 * MS,
        500 * MS,
        750 * MS,
        1_000 * MS,
        2_500 * MS,
        5_000 * MS,
        7_500 * MS,
        10_000 * MS,
    ],
    per_unit: 1e9,
};

/// States and waits begin where a request's time ends to be visible.
pub(crate) static FINE: Scale = Scale {
    bounds: &[
        10 * US,
        25 * US,
        50 * US,
        100 * US,
        250 * US,
        500 * US,
        MS,
        2_500 * US,
        5 * MS,
        10 * MS,
        25 * MS,
        50 * MS,
        100 * MS,
        250 * MS,
        500 * MS,
        1_000 * MS,
        2_500 * MS,
        5_000 * MS,
        10_000 * MS,
    ],
    per_unit: 1e9,
};

/// The first bucket has what has no body.
pub(super) static BODY: Scale = Scale {
    bounds: &[
        0,
        64,
        256,
        KIB,
        4 * KIB,
        16 * KIB,
        64 * KIB,
        256 * KIB,
        MIB,
        4 * MIB,
        16 * MIB,
        64 * MIB,
        256 * MIB,
    ],
    per_unit: 1.0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_exact_in_their_unit() {
        let shown: Vec<f64> = REQUEST.bounds.iter().map(|bound| REQUEST.in_unit(*bound)).collect();
        let advised = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        assert_eq!(shown, advised);
    }
}
