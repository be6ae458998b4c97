//! What a seal is made of, and what can be wrong with one.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Timestamp;

/// How much of an entry's hash is kept beside the seal.
pub const LEAF: usize = 16;
/// What the first seal of a tenant is chained to.
pub const BEGINNING: [u8; 32] = [0; 32];

/// A batch of a tenant's trail, as it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub number: i64,
    pub kind: String,
    /// Its places in the tenant's log.
    pub positions: (i64, i64),
    pub entries: Vec<Uuid>,
    pub leaves: Vec<u8>,
    /// From then on entries before this may be gone.
    pub cutoff: Option<Timestamp>,
    pub previous: Vec<u8>,
}

/// What is left of an entry: enough to see that it was touched.
pub fn leaf(entry: &str) -> Vec<u8> {
    Sha256::digest(entry).iter().copied().take(LEAF).collect()
}

impl Batch {
    /// All of it, so that no part can be changed for another.
    pub fn text(&self, tenant: Uuid) -> Vec<u8> {
        let (first, last) = self.positions;
        let cutoff = self.cutoff.map_or(0, |at| at.0.timestamp_micros());
        let mut text = Vec::new();
        text.extend_from_slice(tenant.as_bytes());
        for number in [self.number, first, last, cutoff] {
            text.extend_from_slice(&number.to_be_bytes());
        }
        for part in [self.kind.as_bytes(), &self.previous, &self.leaves] {
            text.extend_from_slice(&u64::try_from(part.len()).unwrap_or_default().to_be_bytes());
            text.extend_from_slice(part);
        }
        self.entries.iter().for_each(|entry| text.extend_from_slice(entry.as_bytes()));
        text
    }

    /// What is kept of the entry at a place.
    pub fn leaf_at(&self, place: usize) -> Option<&[u8]> {
        self.leaves.chunks(LEAF).nth(place)
    }
}

/// Something that is not as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Changed {
        entry: Uuid,
        seal: i64,
    },
    Removed {
        entry: Uuid,
        seal: i64,
    },
    /// It was never written by the product.
    Inserted {
        entry: Uuid,
    },
    /// An entry's place in the log, but no entry.
    RemovedUnsealed {
        entry: Uuid,
    },
    /// Places in the log between these are gone.
    LogGap {
        from: i64,
        to: i64,
    },
    SealChanged {
        seal: i64,
    },
    SealMissing {
        before: i64,
    },
    /// The head that was noted elsewhere is not in the chain.
    HeadMissing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_batch_is_in_its_text() {
        let clock = crate::clock::Clock::system();
        let batch = Batch {
            number: 1,
            kind: "ENTRIES".into(),
            positions: (1, 2),
            entries: vec![Uuid::from_u128(1), Uuid::from_u128(2)],
            leaves: [leaf("a"), leaf("b")].concat(),
            cutoff: None,
            previous: BEGINNING.to_vec(),
        };
        let text = batch.text(Uuid::from_u128(9));
        assert_ne!(batch.text(Uuid::from_u128(8)), text);
        for changed in [
            Batch { number: 2, ..batch.clone() },
            Batch { kind: "RETIRED".into(), ..batch.clone() },
            Batch { positions: (1, 3), ..batch.clone() },
            Batch { entries: vec![Uuid::from_u128(1), Uuid::from_u128(3)], ..batch.clone() },
            Batch { leaves: [leaf("a"), leaf("c")].concat(), ..batch.clone() },
            Batch { cutoff: Some(clock.now()), ..batch.clone() },
            Batch { previous: vec![1; 32], ..batch.clone() },
        ] {
            assert_ne!(changed.text(Uuid::from_u128(9)), text, "{changed:?}");
        }
        assert_eq!(batch.leaf_at(1), Some(leaf("b").as_slice()));
        assert_eq!(batch.leaf_at(2), None);
    }
}
