//! Open lines: sockets and streams of events. Each is counted for whoever it belongs to, so that
//! nobody holds more than their share.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use crate::{access::Viewer, tenants::TenantId};

/// Of one server.
pub const MOST: usize = 10_000;

/// Whose a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    Reader(TenantId, Uuid),
    Address(Option<IpAddr>),
    /// Of whoever it may turn out to be: all of the server's.
    Anybody,
}

impl Whose {
    pub fn of(viewer: Option<&Viewer>, address: Option<IpAddr>) -> Self {
        match viewer {
            Some(viewer) => Self::Reader(viewer.tenant, viewer.actor()),
            None => Self::Address(address),
        }
    }
}

/// All lines of the server.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<HashMap<Whose, usize>>>);

/// One line; it is closed when this is dropped.
#[derive(Debug)]
pub struct Line {
    lines: Lines,
    whose: Whose,
}

impl Lines {
    /// `None`: there are as many as there may be.
    pub fn open(&self, whose: Whose, most: usize) -> Option<Line> {
        let mut open = self.locked();
        let count = open.entry(whose).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Line { lines: self.clone(), whose })
    }

    /// A line of somebody's, which is one of the server's.
    pub fn both(&self, whose: Whose, most: usize) -> Option<[Line; 2]> {
        Some([self.open(Whose::Anybody, MOST)?, self.open(whose, most)?])
    }

    /// How many sockets and streams there are.
    pub fn count(&self) -> usize {
        self.locked().get(&Whose::Anybody).copied().unwrap_or_default()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Whose, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut open = self.lines.locked();
        if let Some(count) = open.get_mut(&self.whose) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_until_it_is_closed() {
        let lines = Lines::default();
        let first = lines.open(Whose::Anybody, 2).unwrap();
        let _second = lines.open(Whose::Anybody, 2).unwrap();
        assert!(lines.open(Whose::Anybody, 2).is_none());
        assert!(lines.open(Whose::Address(None), 2).is_some(), "somebody else");
        drop(first);
        assert_eq!(lines.count(), 1);
        assert!(lines.open(Whose::Anybody, 2).is_some());
    }
}
