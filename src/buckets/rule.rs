//! The rule of a bucket (GCRA). All that is kept of one is a moment: when it will be full again.
//! Taking moves the moment away, giving back brings it nearer; a moment that has passed is a full
//! bucket, and need not be kept at all. `script.lua` says the same to Redis.

use std::time::Duration;

const SECOND: u32 = 1_000_000;

/// How much a bucket holds, and how soon it is there again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub size: u32,
    /// Microseconds until one more is there.
    pub interval: u32,
}

impl Rate {
    pub fn per_second(size: u32, restored: u32) -> Self {
        Self { size, interval: (SECOND / restored.max(1)).max(1) }
    }

    /// How many are there again after a second.
    pub fn restored(self) -> u32 {
        SECOND / self.interval.max(1)
    }

    /// As many a minute as it holds.
    pub fn per_minute(size: u32) -> Self {
        Self { size, interval: (60 * SECOND / size.max(1)).max(1) }
    }

    /// Until an empty bucket is full.
    pub(super) fn span(self) -> i64 {
        i64::from(self.size) * i64::from(self.interval)
    }

    /// How much is there, when it is full in so many microseconds.
    pub(super) fn left(self, full_in: i64) -> u32 {
        let left = (self.span() - full_in.max(0)).max(0) / i64::from(self.interval);
        u32::try_from(left).unwrap_or(self.size)
    }
}

/// Takes points out of a bucket that is full at `full_at`, or puts back what is less than none: when
/// it is full then. Refused: in how many microseconds there is enough.
pub fn step(rate: Rate, full_at: i64, now: i64, points: i64) -> Result<i64, i64> {
    let then = full_at.max(now).saturating_add(points.saturating_mul(rate.interval.into()));
    let over = then.saturating_sub(now).saturating_sub(rate.span());
    match points > 0 && over > 0 {
        true => Err(over),
        false => Ok(then),
    }
}

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub rate: Rate,
    /// Microseconds.
    full_in: i64,
}

impl Level {
    pub(super) fn new(rate: Rate, full_in: i64) -> Self {
        Self { rate, full_in: full_in.max(0) }
    }

    pub fn full(rate: Rate) -> Self {
        Self::new(rate, 0)
    }

    pub fn left(self) -> u32 {
        self.rate.left(self.full_in)
    }

    pub fn full_in(self) -> Duration {
        Duration::from_micros(u64::try_from(self.full_in).unwrap_or_default())
    }

    /// How it stands once so much is put back.
    #[must_use]
    pub fn with(self, points: u32) -> Self {
        let back = i64::from(points).saturating_mul(self.rate.interval.into());
        Self::new(self.rate, self.full_in.saturating_sub(back))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let rate = Rate::per_second(10, 5);
        let now = 1_000_000_000;
        let full_at = step(rate, 0, now, 10).unwrap();
        assert_eq!(Level::new(rate, full_at - now).left(), 0);
        assert_eq!(step(rate, full_at, now, 1), Err(200_000), "one more is there in 0.2 s");
        assert_eq!(step(rate, full_at, now, 10), Err(2_000_000));
        let full_at = step(rate, full_at, now + 200_000, 1).unwrap();
        assert!(step(rate, full_at, now + 200_000, 1).is_err());
        let full_at = step(rate, full_at, now + 200_000, -4).unwrap();
        assert_eq!(Level::new(rate, full_at - now - 200_000).left(), 4);
        assert_eq!(Level::new(rate, 0).left(), 10);
    }

    #[test]
    fn a_minute_gives_what_a_minute_may_take() {
        for size in [1, 7, 10, 60, 100, 100_000_000] {
            let rate = Rate::per_minute(size);
            assert!(rate.span() <= 60_000_000 || size > 60_000_000, "{size}");
            assert_eq!(Level::full(rate).left(), size);
        }
    }

    proptest! {
        /// Whatever comes when: nobody gets more than the bucket holds and what flows into it, who
        /// is told to wait is served after that time, and nothing is refused without need.
        #[test]
        fn nobody_gets_more_than_flows(
            size in 1_u32..1000,
            restored in 1_u32..2000,
            steps in prop::collection::vec((0_i64..500_000, 1_u32..1200, 0_u32..1200), 1..60),
        ) {
            let rate = Rate::per_second(size, restored);
            let (mut full_at, mut now, mut spent) = (0_i64, 1_000_000_000_i64, 0_i64);
            let began = now;
            for (pause, take, back) in steps {
                now += pause;
                let take = take.min(size);
                match step(rate, full_at, now, take.into()) {
                    Ok(then) => {
                        full_at = then;
                        let back = back.min(take);
                        full_at = step(rate, full_at, now, -i64::from(back)).unwrap();
                        spent += i64::from(take - back);
                    }
                    Err(wait) => {
                        prop_assert!(Level::new(rate, full_at - now).left() < take);
                        prop_assert!(step(rate, full_at, now + wait, take.into()).is_ok());
                        prop_assert!(step(rate, full_at, now + wait - 1, take.into()).is_err());
                    }
                }
                let flowed = (now - began) / i64::from(rate.interval) + i64::from(size);
                prop_assert!(spent <= flowed, "{} of {}", spent, flowed);
                prop_assert!(Level::new(rate, full_at - now).left() <= size);
            }
        }
    }
}
