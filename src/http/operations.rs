//! What the operator says about running the edge, and what it remembers for that.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;

use super::{gate::Gate, health::Readiness};
use crate::telemetry::Metrics;

/// The edge's own part of the server's state.
pub struct Operations {
    pub metrics: Option<Metrics>,
    pub metrics_from: Vec<IpNet>,
    pub(super) gate: Gate,
    /// How long a request's body may take to arrive.
    pub arrival: Duration,
    /// From when on an operation is slow.
    pub slow: Option<Duration>,
    pub(super) readiness: Readiness,
}

/// What the operator says.
pub struct Rules {
    pub metrics: Option<Metrics>,
    /// Who may look at the metrics.
    pub metrics_from: Vec<IpNet>,
    /// The most operations at once.
    pub in_flight: usize,
    pub arrival: Duration,
    pub slow: Option<Duration>,
}

impl Operations {
    pub fn new(rules: Rules) -> Arc<Self> {
        let Rules { metrics, metrics_from, in_flight, arrival, slow } = rules;
        let (gate, readiness) = (Gate::new(in_flight.max(1)), Readiness::default());
        Arc::new(Self { metrics, metrics_from, gate, arrival, slow, readiness })
    }
}
