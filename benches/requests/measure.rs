//! What rounds of requests took.

use std::time::Duration;

pub struct Round {
    pub took: Vec<Duration>,
    pub time: Duration,
    pub server: f64,
    pub postgres: f64,
}

#[derive(Default)]
pub struct Sum {
    took: Vec<Duration>,
    seconds: f64,
    server: f64,
    postgres: f64,
}

impl Sum {
    pub fn add(&mut self, round: Round) {
        self.took.extend(round.took);
        self.seconds += round.time.as_secs_f64();
        self.server += round.server;
        self.postgres += round.postgres;
    }

    fn done(&self) -> f64 {
        self.took.len() as f64
    }

    /// CPU of both, for each request.
    pub fn cpu(&self) -> f64 {
        (self.server + self.postgres) / self.done()
    }

    /// How long a request took, on average, in milliseconds.
    pub fn mean(&self) -> f64 {
        self.took.iter().sum::<Duration>().as_secs_f64() * 1000.0 / self.done()
    }

    /// Requests per second, p50 and p99, CPU per request.
    pub fn columns(&mut self) -> String {
        self.took.sort_unstable();
        let millis = |share: usize| self.took[self.took.len() * share / 100].as_secs_f64() * 1000.0;
        format!(
            "{:.0} | {:.1} / {:.1} | {:.0} + {:.0} = {:.0}",
            self.done() / self.seconds,
            millis(50),
            millis(99),
            self.server / self.done(),
            self.postgres / self.done(),
            self.cpu(),
        )
    }
}
