//! Measuring with Prometheus.

mod answer;
mod signal_query;
mod template;
mod templates;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use ibn_core::ErrorKind;
use ibn_core::observation::{Observation, Reading, Signal};
use ibn_core::roles::{Clock, Monitor};
use ibn_core::units::Quantile;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Timestamp;
use prometheus_http_query::Client;

pub use template::{Binding, Template};
pub use templates::Templates;

use crate::error::{Error, Result};

/// After so many questions that weren't answered in one round, no more are asked in it.
const GIVE_UP_AFTER: usize = 3;

/// Measures workloads by PromQL.
///
/// Each signal is one query, all of one round for the same instant. Value and time of the samples come together: a
/// reading is as old as the newest sample behind it, not as the question. What has no result is missing, NaN stays NaN, and
/// an expression with several results has none that is meant.
///
/// A question that fails leaves its signal missing. Where the server can't be reached, is overloaded or answers with an
/// error of its own three times in a round, or to everything that was asked, the round fails.
///
/// ```
/// use std::sync::Arc;
/// use ibn_assurance::prometheus::{PrometheusMonitor, Templates};
/// use ibn_core::roles::{Monitor, VirtualClock};
///
/// let clock = Arc::new(VirtualClock::new("2026-01-01T00:00:00Z".parse()?));
/// let monitor = PrometheusMonitor::new("http://127.0.0.1:9090", Templates::kubernetes()?, clock)?;
/// let monitor: Box<dyn Monitor> = Box::new(monitor.with_concurrency(4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PrometheusMonitor {
    client: Client,
    address: String,
    templates: Templates,
    clock: Arc<dyn Clock>,
    quantiles: Vec<Quantile>,
    concurrency: usize,
    timeout: Duration,
}

impl PrometheusMonitor {
    /// A monitor that asks the server at `url`, for the median, p95 and p99 of the latency, eight questions at once, each
    /// to be answered within five seconds.
    ///
    /// # Errors
    /// A URL that can't be used.
    pub fn new(url: &str, templates: Templates, clock: Arc<dyn Clock>) -> Result<Self> {
        let timeout = Duration::from_secs(5);
        Ok(Self {
            client: client(url, timeout)?,
            address: url.to_owned(),
            templates,
            clock,
            quantiles: vec![Quantile::P50, Quantile::P95, Quantile::P99],
            concurrency: 8,
            timeout,
        })
    }

    /// The same with an HTTP client of the caller's, for TLS, credentials or a proxy; its own time-out holds.
    ///
    /// # Errors
    /// A URL that can't be used.
    pub fn with_client(mut self, client: reqwest::Client) -> Result<Self> {
        self.client =
            Client::from(client, &self.address).map_err(|error| unusable(&self.address, error))?;
        Ok(self)
    }

    /// The same for these quantiles of the latency.
    #[must_use]
    pub fn with_quantiles(mut self, quantiles: &[Quantile]) -> Self {
        self.quantiles = quantiles.to_vec();
        self.quantiles.sort_unstable();
        self.quantiles.dedup();
        self
    }

    /// The same with so many questions at once, one at least.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// The same with this time for each answer.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self> {
        self.client = client(&self.address, timeout)?;
        self.timeout = timeout;
        Ok(self)
    }

    async fn ask(
        &self,
        workload: &WorkloadRef,
        signal: &Signal,
        window: Duration,
        now: Timestamp,
    ) -> ibn_core::Result<Option<Reading>> {
        let Some(query) = self.templates.query(signal) else {
            return Ok(None);
        };
        let mut binding = Binding::new(workload, window);
        if let Signal::Latency(quantile) = signal {
            binding = binding.with_quantile(*quantile);
        }
        let seconds = now.as_millisecond() as f64 / 1000.0;
        let sent = self
            .client
            .query(query.fill(&binding))
            .query("time", format!("{seconds:.3}"))
            .post_raw()
            .await;
        let answer = answer::read(sent, self.timeout).await?;
        Ok(query
            .read(&answer, now)
            .map(|(value, at)| Reading { value, at }))
    }
}

fn client(url: &str, timeout: Duration) -> Result<Client> {
    let http = reqwest::Client::builder()
        .timeout(timeout)
        .build()
        .map_err(|error| unusable(url, error))?;
    Client::from(http, url).map_err(|error| unusable(url, error))
}

fn unusable(url: &str, reason: impl ToString) -> Error {
    Error::Address {
        url: url.to_owned(),
        reason: reason.to_string(),
    }
}

impl std::fmt::Debug for PrometheusMonitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrometheusMonitor")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Monitor for PrometheusMonitor {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let now = self.clock.now();
        let mut seen: Vec<Observation> = workloads
            .iter()
            .map(|workload| Observation::new(workload.clone(), now, window))
            .collect();
        let mut questions: Vec<(usize, Signal)> = Vec::new();
        for (idx, workload) in workloads.iter().enumerate() {
            if workload.kind != WorkloadKind::Namespace {
                questions.extend(
                    self.templates
                        .signals(&self.quantiles)
                        .map(|signal| (idx, signal)),
                );
            }
        }
        let unanswered = AtomicUsize::new(0);
        let unanswered = &unanswered;
        let mut answers = stream::iter(questions)
            .map(|(idx, signal)| async move {
                let workload = workloads.get(idx)?;
                if unanswered.load(Ordering::Relaxed) >= GIVE_UP_AFTER {
                    return None;
                }
                let answer = self.ask(workload, &signal, window, now).await;
                if answer
                    .as_ref()
                    .is_err_and(|error| error.kind() == ErrorKind::Unavailable)
                {
                    unanswered.fetch_add(1, Ordering::Relaxed);
                }
                Some((idx, signal, answer))
            })
            .buffer_unordered(self.concurrency);
        let mut first_error = None;
        let mut any_answer = false;
        while let Some(answered) = answers.next().await {
            match answered {
                Some((idx, signal, Ok(reading))) => {
                    any_answer = true;
                    if let (Some(seen), Some(reading)) = (seen.get_mut(idx), reading) {
                        seen.readings.insert(signal, reading);
                    }
                }
                Some((_, _, Err(error))) => first_error = first_error.or(Some(error)),
                None => {}
            }
        }
        drop(answers);
        let gave_up = unanswered.load(Ordering::Relaxed) >= GIVE_UP_AFTER;
        match first_error {
            Some(error) if gave_up || !any_answer => Err(error),
            _ => Ok(seen),
        }
    }
}
