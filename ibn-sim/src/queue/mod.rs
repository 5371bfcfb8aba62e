//! A single queue: the textbook models by simulation, with their closed forms beside them.
//!
//! What the cluster does is too much for a formula. Its parts are not: random numbers, laws, the event queue, quantiles. This
//! is where they are held against what is known exactly.

mod agenda;
mod formula;
mod run;

use std::time::Duration;

pub use agenda::Agenda;
pub use formula::Exact;
pub use run::Report;

use crate::error::Result;
use crate::law::Law;

/// Customers that arrive at random (Poisson) at one station.
///
/// ```
/// use std::time::Duration;
/// use ibn_sim::Law;
/// use ibn_sim::queue::Queue;
///
/// // M/M/1 at 80 %: the mean wait is ρ/(1−ρ) services, 4 ms.
/// let queue = Queue::at_load(0.8, 1, Law::Exponential { mean: Duration::from_millis(1) });
/// let seen = queue.run_by_recursion(200_000, 1)?;
/// let exact = queue.exact();
/// assert!((exact.mean_wait.unwrap() - 0.004).abs() < 1e-12);
/// assert!((seen.mean_wait - 0.004).abs() < 3.0 * seen.standard_error);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// Customers that arrive in a second.
    pub arrivals_per_s: f64,
    /// What each needs.
    pub service: Law,
    /// Customers that are served at once.
    pub servers: u32,
    /// In which way.
    pub discipline: Discipline,
    /// Customers that there is room for, those in service included; unlimited where absent.
    pub capacity: Option<u32>,
}

/// Who is served when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served.
    Fifo,
    /// All at once, each equally fast, as if by one server that is shared.
    ProcessorSharing,
}

impl Queue {
    /// A queue with unlimited room, served in turn, with an offered load of `load` for each server.
    #[must_use]
    pub fn at_load(load: f64, servers: u32, service: Law) -> Self {
        Self {
            arrivals_per_s: load * f64::from(servers) / service.mean().as_secs_f64(),
            service,
            servers,
            discipline: Discipline::Fifo,
            capacity: None,
        }
    }

    /// Offered load for each server.
    #[must_use]
    pub fn load(&self) -> f64 {
        self.arrivals_per_s * self.service.mean().as_secs_f64() / f64::from(self.servers.max(1))
    }

    /// What is known of it without simulating.
    #[must_use]
    pub fn exact(&self) -> Exact {
        formula::exact(self)
    }

    /// Simulates `customers` customers one by one, by the times at which servers become free (Kiefer and Wolfowitz 1955).
    /// For first come, first served with unlimited room.
    ///
    /// # Errors
    /// [`crate::Error::Queue`] for a queue that isn't of that kind, or isn't one at all.
    pub fn run_by_recursion(&self, customers: u64, seed: u64) -> Result<Report> {
        run::by_recursion(self, customers, seed)
    }

    /// Simulates the same customers by events: arrivals and departures in the order of time.
    ///
    /// # Errors
    /// [`crate::Error::Queue`] for what is no queue.
    pub fn run_by_events(&self, customers: u64, seed: u64) -> Result<Report> {
        run::by_events(self, customers, seed)
    }

    /// The mean time between two arrivals.
    fn gap(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.arrivals_per_s).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests;
