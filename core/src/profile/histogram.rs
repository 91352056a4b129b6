//! How often what was how large, by powers of two.

use core::fmt;

/// Forty-eight counts: of the value 0, and of the values from 2^(n-1) to below 2^n. The last one has all that is larger.
///
/// A count and the total wrap around; [`since`](Self::since) tells the difference all the same.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(into = "Parts"))]
#[repr(C)] // as in Zig
pub struct Histogram {
    total: u64,
    counts: [u32; Self::BUCKETS],
}

impl Histogram {
    /// How many counts there are.
    pub const BUCKETS: usize = 48;

    /// Nothing yet.
    pub const fn new() -> Self {
        Self { counts: [0; Self::BUCKETS], total: 0 }
    }

    /// One value more.
    pub fn record(&mut self, value: u64) {
        let bucket = Self::bucket(value);
        self.counts[bucket] = self.counts[bucket].wrapping_add(1);
        self.total = self.total.wrapping_add(value);
    }

    fn bucket(value: u64) -> usize {
        ((u64::BITS - value.leading_zeros()) as usize).min(Self::BUCKETS - 1)
    }

    /// The largest value that is counted there.
    fn upper(bucket: usize) -> u64 {
        if bucket == Self::BUCKETS - 1 { u64::MAX } else { (1 << bucket) - 1 }
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// The sum of the values.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The mean of the values, exactly; 0 if there was none.
    pub fn mean(&self) -> u64 {
        self.total.checked_div(self.count()).unwrap_or(0)
    }

    /// A value that so many of the values, a share from 0 to 1, do not exceed: the upper end of a bucket, at most twice the
    /// true one; of the last bucket `u64::MAX`. 0 if there was none.
    pub fn quantile(&self, share: f64) -> u64 {
        self.value_at((self.count() as f64 * share.clamp(0.0, 1.0)) as u64)
    }

    /// The upper end of the bucket of the value that so many lie below; of the largest, if there are not so many.
    pub(crate) fn value_at(&self, rank: u64) -> u64 {
        let count = self.count();
        let mut below = 0;
        for (bucket, here) in self.counts.iter().enumerate() {
            below += u64::from(*here);
            if below > rank || (below == count && below > 0) {
                return Self::upper(bucket);
            }
        }
        0
    }

    /// What has values: the smallest and the largest that is counted there, and the count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u32)> + '_ {
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(bucket, count)| {
            let lower = if bucket == 0 { 0 } else { 1 << (bucket - 1) };
            (lower, Self::upper(bucket), *count)
        })
    }

    /// What came after `earlier`, a state of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut new = *self;
        for (count, before) in new.counts.iter_mut().zip(earlier.counts) {
            *count = count.wrapping_sub(before);
        }
        new.total = new.total.wrapping_sub(earlier.total);
        new
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets = self.buckets().map(|(lower, upper, count)| (lower..=upper, count));
        f.debug_map().entries(buckets).finish()
    }
}

/// `1234 values, mean 56, half up to 63, 99 % up to 1023`: of times in the units that suit them.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) histogram: &'a Histogram,
    pub(super) is_time: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histogram, is_time } = *self;
        let count = histogram.count();
        if count == 0 {
            return f.write_str("none");
        }
        let value = |value| Value { value, is_time };
        write!(
            f,
            "{count}, mean {}, half up to {}, 99 % up to {}",
            value(histogram.mean()),
            value(histogram.quantile(0.5)),
            value(histogram.quantile(0.99)),
        )
    }
}

struct Value {
    value: u64,
    is_time: bool,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            value if !self.is_time => write!(f, "{value}"),
            nanos @ 0..1_000 => write!(f, "{nanos} ns"),
            nanos @ 1_000..1_000_000 => write!(f, "{:.1} µs", nanos as f64 / 1e3),
            nanos @ 1_000_000..1_000_000_000 => write!(f, "{:.1} ms", nanos as f64 / 1e6),
            nanos => write!(f, "{:.1} s", nanos as f64 / 1e9),
        }
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown { histogram: self, is_time: false }.fmt(f)
    }
}

/// What a histogram is for machines: only what has values.
#[cfg(feature = "serde")]
#[derive(serde::Serialize)]
struct Parts {
    count: u64,
    total: u64,
    mean: u64,
    p50: u64,
    p99: u64,
    /// Largest value, count.
    buckets: alloc::vec::Vec<(u64, u32)>,
}

#[cfg(feature = "serde")]
impl From<Histogram> for Parts {
    fn from(histogram: Histogram) -> Self {
        Self {
            count: histogram.count(),
            total: histogram.total(),
            mean: histogram.mean(),
            p50: histogram.quantile(0.5),
            p99: histogram.quantile(0.99),
            buckets: histogram.buckets().map(|(_, upper, count)| (upper, count)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    #[test]
    fn every_value_is_in_the_bucket_that_has_it() {
        let values = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in values.chain([u64::MAX - 1, u64::MAX]) {
            let histogram = of(&[value]);
            let buckets: Vec<_> = histogram.buckets().collect();
            assert!(matches!(buckets[..], [(lower, upper, 1)] if lower <= value && value <= upper));
            assert_eq!((histogram.total(), histogram.mean(), histogram.count()), (value, value, 1));
        }
    }

    #[test]
    fn quantiles_are_not_below_the_true_ones_and_less_than_twice_as_large() {
        let mut values: Vec<u64> = (0..1000).map(|n| n * n % 7919).collect();
        let histogram = of(&values);
        values.sort_unstable();
        for share in [0.0, 0.01, 0.5, 0.9, 0.99, 1.0] {
            let rank = ((values.len() as f64 * share) as usize).min(values.len() - 1);
            let (true_one, told) = (values[rank], histogram.quantile(share));
            assert!(told >= true_one && told < 2 * true_one.max(1), "{share}: {told}, {true_one}");
        }
        assert_eq!(Histogram::new().quantile(0.5), 0);
    }

    #[test]
    fn the_difference_of_two_states_is_what_came_in_between() {
        let before = of(&[1, 2, 3, 1 << 40]);
        let mut after = before;
        [5, 6, 700].iter().for_each(|value| after.record(*value));
        assert_eq!(after.since(&before), of(&[5, 6, 700]));
        let mut full = before;
        full.counts[1] = u32::MAX;
        let mut wrapped = full;
        (0..3).for_each(|_| wrapped.record(1));
        assert_eq!(wrapped.since(&full), of(&[1, 1, 1]));
    }

    #[test]
    fn it_shows_itself_in_units() {
        let histogram = of(&[900, 1_500, 40_000_000]);
        assert_eq!(histogram.buckets().count(), vec![10, 11, 26].len());
        let shown = Shown { histogram: &histogram, is_time: true }.to_string();
        assert_eq!(shown, "3, mean 13.3 ms, half up to 2.0 µs, 99 % up to 67.1 ms");
        assert_eq!(Histogram::new().to_string(), "none");
        assert_eq!(of(&[4]).to_string(), "1, mean 4, half up to 7, 99 % up to 7");
    }
}
