//! What the edge stands on besides the product: what measures it, and its certificate.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    config::Config,
    error::Result,
    http::{Certificates, Connections, Rules},
    telemetry::{Log, Metrics},
};

/// What the edge stands on besides the product.
pub struct Surroundings {
    pub metrics: Metrics,
    pub certificates: Option<Arc<Certificates>>,
}

impl Surroundings {
    pub fn of(config: &Config, log: &Log) -> Result<Self> {
        let certificates = match (&config.operations.tls_cert, &config.operations.tls_key) {
            (Some(chain), Some(key)) => Some(Certificates::open(chain, key)?),
            _ => None,
        };
        Ok(Self { metrics: Metrics::install(log)?, certificates })
    }

    pub fn rules(&self, config: &Config) -> Rules {
        let settings = &config.operations;
        Rules {
            metrics: Some(self.metrics.clone()),
            metrics_from: settings.metrics_from.clone(),
            in_flight: settings.in_flight(config.pool_size),
            arrival: Duration::from_millis(settings.read_timeout),
            slow: settings.slow_operation(),
        }
    }

    pub fn connections(
        &self,
        config: &Config,
        draining: watch::Receiver<bool>,
    ) -> Result<Connections> {
        let tls = self.certificates.as_ref().map(Certificates::acceptor).transpose()?;
        let patience = Duration::from_millis(config.operations.read_timeout);
        Ok(Connections { most: config.operations.connections(), patience, tls, draining })
    }

    /// What is done beside the requests, until they are told to stop.
    pub fn work(&self, stop: watch::Receiver<bool>) -> impl Future<Output = ()> + use<> {
        let (metrics, certificates) = (self.metrics.clone(), self.certificates.clone());
        let tidy = metrics.tidy(stop.clone());
        async move {
            match certificates {
                Some(certificates) => {
                    futures_util::join!(tidy, certificates.keep_current(stop));
                }
                None => tidy.await,
            }
        }
    }
}
