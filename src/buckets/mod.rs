//! Buckets: how much each caller and each address may ask in a while. In this process, or, where
//! there is a Redis, shared by all servers; while that is away, each server has its own again.
//!
//! The crate `governor` has the same rule (GCRA), but neither gives points back nor says how a
//! bucket stands; so the rule is here, a few lines.
//!
//! Architecture Invariant: nothing here knows what is counted, and a bucket never fails: a Redis
//! that is slow or gone means the buckets of this process, not errors and not delays.

mod memory;
mod rule;
mod shared;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use tokio::sync::watch;
use uuid::Uuid;

use memory::Memory;
pub use rule::{Level, Rate, step};
use shared::Shared;

use crate::{clock::Clock, error::Result};

/// Whose bucket, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The points of a person or a program in a tenant.
    Caller { tenant: Uuid, who: Uuid },
    /// The points of whoever asks from an address without sign-in.
    Address(IpAddr),
    /// Operations without sign-in.
    Anonymous(IpAddr),
    /// Sign-ins and resets.
    SignIn(IpAddr),
}

impl Key {
    /// The bucket of all for whom there is no room.
    fn shared(self) -> Self {
        let nobody = IpAddr::from([0; 16]);
        match self {
            Self::Caller { .. } => Self::Caller { tenant: Uuid::nil(), who: Uuid::nil() },
            Self::Address(_) => Self::Address(nobody),
            Self::Anonymous(_) => Self::Anonymous(nobody),
            Self::SignIn(_) => Self::SignIn(nobody),
        }
    }
}

/// As it is called in Redis.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller { tenant, who } => write!(f, "kontor:points:{tenant}:{who}"),
            Self::Address(address) => write!(f, "kontor:points:{address}"),
            Self::Anonymous(address) => write!(f, "kontor:anonymous:{address}"),
            Self::SignIn(address) => write!(f, "kontor:sign-in:{address}"),
        }
    }
}

/// Whoever has one IPv6 address has 2⁶⁴ of them.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(_) => IpNet::new(address, 64).map_or(address, |net| net.trunc().addr()),
    }
}

/// So much of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    pub key: Key,
    pub rate: Rate,
    /// Less than none is put back.
    points: i64,
}

impl Want {
    pub fn new(key: Key, rate: Rate, points: u64) -> Self {
        // Some more than it holds is as refused as all the more.
        let points = points.min(u64::from(rate.size) + 1);
        Self { key, rate, points: i64::try_from(points).unwrap_or(i64::MAX) }
    }

    pub fn points(&self) -> u32 {
        u32::try_from(self.points).unwrap_or_default()
    }
}

/// How the buckets stand after something was wanted of them.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One for each that was asked.
    pub levels: Vec<Level>,
    /// Then nothing was taken.
    pub refused: Option<Refused>,
    /// Was it Redis that answered?
    shared: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The one among those asked that takes longest.
    pub which: usize,
    pub retry_after: Duration,
}

impl Refused {
    fn new((which, wait): (usize, i64)) -> Self {
        Self { which, retry_after: Duration::from_micros(u64::try_from(wait).unwrap_or_default()) }
    }
}

/// All buckets.
#[derive(Clone)]
pub struct Buckets(Arc<Inner>);

struct Inner {
    clock: Clock,
    memory: Memory,
    shared: Option<Shared>,
}

impl Buckets {
    /// Of this process alone.
    pub fn own(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, memory: Memory::default(), shared: None }))
    }

    /// Shared by all servers that name the same Redis; [`Buckets::run`] keeps it connected.
    pub fn shared(clock: Clock, url: &str) -> Result<Self> {
        let shared = Some(Shared::new(url)?);
        Ok(Self(Arc::new(Inner { clock, memory: Memory::default(), shared })))
    }

    /// Takes all that is wanted, or nothing.
    pub async fn take(&self, wants: &[Want]) -> Outcome {
        if let Some(shared) = &self.0.shared
            && let Some(outcome) = shared.take(wants).await
        {
            return outcome;
        }
        self.0.memory.take(self.0.clock.now().0.timestamp_micros(), wants)
    }

    /// Puts points back into a bucket of which they were taken.
    pub fn give_back(&self, taken: &Outcome, want: Want, points: u32) {
        let want = Want { points: -i64::from(points), ..want };
        match &self.0.shared {
            Some(shared) if taken.shared => shared.put_back(want),
            _ => {
                self.0.memory.take(self.0.clock.now().0.timestamp_micros(), &[want]);
            }
        }
    }

    /// How many buckets this process keeps.
    pub fn kept(&self) -> usize {
        self.0.memory.len()
    }

    /// Is it Redis that answers now?
    pub fn is_shared(&self) -> bool {
        self.0.shared.as_ref().is_some_and(Shared::is_here)
    }

    /// Keeps the connection to Redis until it is told to stop; whoever starts the server lets it run.
    pub async fn run(self, mut stops: watch::Receiver<bool>) {
        match &self.0.shared {
            Some(shared) => shared.run(&mut stops).await,
            None => {
                let _ = stops.wait_for(|stops| *stops).await;
            }
        }
    }
}
