//! What followers would read alike is read once. After a commit all who follow a tenant are woken,
//! and most of them stand at the same place and may hear of the same.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::Stretch;
use crate::{db::Reach, error::Result, tenants::TenantId};

/// Parts that are kept, of at most a hundred changes each.
const KEPT: usize = 256;

/// Where somebody reads on, and what decides what they find.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub tenant: TenantId,
    pub after: i64,
    pub tables: Vec<&'static str>,
    pub reach: Reach,
    /// The last wake that they have seen. Nothing that was read before it is found: whoever is woken
    /// hears of what they were woken for, and of nothing less than if they had read themselves.
    pub wake: u64,
}

/// What was read lately.
pub struct Shared(Cache<Place, Arc<Stretch>>);

impl Default for Shared {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

impl Shared {
    /// What somebody has read for this place, or reads now; else what `read` finds.
    pub async fn read(
        &self,
        place: &Place,
        read: impl Future<Output = Result<Stretch>>,
    ) -> Result<Arc<Stretch>> {
        self.0.get_or_insert_async(place, async { read.await.map(Arc::new) }).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use futures_util::{FutureExt, join, poll};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{db::Within, error::Error, ids::new_uuid};

    fn place(wake: u64) -> Place {
        let tenant = TenantId(new_uuid(&crate::clock::Clock::system()));
        Place { tenant, after: 7, tables: vec!["companies"], reach: Reach::All, wake }
    }

    fn stretch(until: i64) -> Stretch {
        Stretch { changes: Vec::new(), until, more: false }
    }

    #[tokio::test]
    async fn one_reads_for_all_who_stand_at_its_place() {
        let (shared, reads, gate) = (Shared::default(), AtomicI64::new(0), Semaphore::new(0));
        let read = async || {
            let number = reads.fetch_add(1, Relaxed);
            let _ = gate.acquire().await;
            Ok(stretch(number))
        };
        let here = place(1);
        let next = Place { wake: 2, ..here.clone() };
        let elsewhere = Place { reach: Reach::Within(Within::default()), ..here.clone() };
        let all = async {
            join!(
                shared.read(&here, read()),
                shared.read(&here, read()),
                shared.read(&elsewhere, read()),
                shared.read(&next, read()),
            )
        };
        let (all, ()) = join!(all, async { gate.add_permits(1) });
        let until = |read: Result<Arc<Stretch>>| read.unwrap().until;
        assert_eq!([all.0, all.1, all.2, all.3].map(until), [0, 0, 1, 2]);
        assert_eq!(until(shared.read(&here, read()).await), 0, "and for who comes later");
    }

    #[tokio::test]
    async fn who_goes_away_or_fails_leaves_it_to_the_next() {
        let (shared, here) = (Shared::default(), place(1));
        let mut gone = shared.read(&here, std::future::pending()).boxed();
        assert!(poll!(&mut gone).is_pending());
        let mut waits = shared.read(&here, async { Ok(stretch(1)) }).boxed();
        assert!(poll!(&mut waits).is_pending());
        drop(gone);
        assert_eq!(waits.await.unwrap().until, 1);
        let there = place(1);
        assert!(shared.read(&there, async { Err(Error::InvalidCursor) }).await.is_err());
        assert_eq!(shared.read(&there, async { Ok(stretch(2)) }).await.unwrap().until, 2);
    }
}
