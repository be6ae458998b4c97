//! Buckets of this process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    Key, Outcome, Refused, Want,
    rule::{Level, step},
};

/// The most buckets at once; about a hundred bytes each.
const MOST: usize = 200_000;
/// The fewest for which it is worth looking which are full again.
const FEW: usize = 1000;

#[derive(Default)]
pub struct Memory(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// When each is full again; a full one is not kept.
    full_at: HashMap<Key, i64>,
    /// With so many it is time to look for full ones.
    look_at: usize,
}

impl Memory {
    /// Takes all that is wanted, or nothing.
    pub fn take(&self, now: i64, wants: &[Want]) -> Outcome {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<Key> = wants.iter().map(|want| table.key(want.key)).collect();
        let mut refused: Option<(usize, i64)> = None;
        let mut then = Vec::with_capacity(wants.len());
        for (at, (want, key)) in wants.iter().zip(&keys).enumerate() {
            let full_at = table.full_at.get(key).copied().unwrap_or(now);
            then.push(step(want.rate, full_at, now, want.points).unwrap_or_else(|wait| {
                if refused.is_none_or(|(_, longest)| longest < wait) {
                    refused = Some((at, wait));
                }
                full_at
            }));
        }
        if refused.is_none() {
            for (key, full_at) in keys.iter().zip(&then) {
                table.put(*key, *full_at, now);
            }
        } else {
            let old = |key: &Key| table.full_at.get(key).copied().unwrap_or(now);
            then = keys.iter().map(old).collect();
        }
        let levels = wants.iter().zip(then);
        let levels = levels.map(|(want, full_at)| Level::new(want.rate, full_at - now)).collect();
        Outcome { levels, refused: refused.map(Refused::new), shared: false }
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).full_at.len()
    }
}

impl Table {
    /// Where there is no room for one more, all that are new share one.
    fn key(&self, key: Key) -> Key {
        match self.full_at.len() < MOST || self.full_at.contains_key(&key) {
            true => key,
            false => key.shared(),
        }
    }

    fn put(&mut self, key: Key, full_at: i64, now: i64) {
        if full_at <= now {
            self.full_at.remove(&key);
            return;
        }
        self.full_at.insert(key, full_at);
        if self.full_at.len() >= self.look_at.max(FEW) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.look_at = (2 * self.full_at.len()).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::buckets::Rate;

    fn want(address: u32, points: i64) -> Want {
        let address = IpAddr::from(address.to_be_bytes());
        Want { key: Key::Anonymous(address), rate: Rate::per_minute(10), points }
    }

    #[test]
    fn all_is_taken_or_nothing() {
        let memory = Memory::default();
        assert!(memory.take(0, &[want(1, 8)]).refused.is_none());
        let both = memory.take(0, &[want(2, 5), want(1, 3)]);
        let refused = both.refused.unwrap();
        assert_eq!((refused.which, refused.retry_after.as_secs()), (1, 6));
        assert_eq!(both.levels.iter().map(|level| level.left()).collect::<Vec<_>>(), [10, 2]);
        assert!(memory.take(0, &[want(2, 10)]).refused.is_none());
    }

    #[test]
    fn full_buckets_are_forgotten_and_too_many_share_one() {
        let memory = Memory::default();
        for address in 0..300_000 {
            memory.take(i64::from(address), &[want(address, 1)]);
        }
        assert!(memory.len() <= MOST + 1, "{}", memory.len());
        // Nothing was full again: the ones behind share a bucket, and it is empty.
        assert!(memory.take(300_000, &[want(400_000, 1)]).refused.is_some());
        assert!(memory.take(300_000, &[want(1, 1)]).refused.is_none(), "a known one has its own");
        let later = 120_000_000;
        assert!(memory.take(later, &[want(400_000, 1)]).refused.is_none());
        for address in 0..3 {
            memory.take(later, &[want(address, 10)]);
            memory.take(later, &[want(address, -10)]);
        }
        assert!(memory.len() <= MOST + 1);
    }
}
