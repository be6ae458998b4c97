//! When a failed job is tried again.

use std::time::Duration;

const TRIES: i32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The pause after so many failures; `None` when that was the last one. `dice` is any number: the
/// pause is a fifth longer or shorter by it, so that what failed together does not come back
/// together.
pub fn pause(failures: i32, dice: u32) -> Option<Duration> {
    if failures >= TRIES {
        return None;
    }
    let steps = u32::try_from(failures.max(1) - 1).unwrap_or_default();
    let pause = FIRST_PAUSE * 4_u32.pow(steps);
    Some(pause * (80 + dice % 41) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let seconds = |failures, dice| pause(failures, dice).map(|pause| pause.as_secs());
        assert_eq!([1, 2, 3, 4].map(|n| seconds(n, 20).unwrap()), [10, 40, 160, 640]);
        assert_eq!((seconds(1, 0), seconds(1, 40)), (Some(8), Some(12)));
        assert_eq!(pause(5, 0), None);
    }
}
