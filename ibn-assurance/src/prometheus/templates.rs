//! Which template measures which signal.

use std::collections::BTreeMap;

use ibn_core::indicator::Indicator;
use ibn_core::observation::Signal;
use ibn_core::units::Quantile;

use super::signal_query::SignalQuery;
use super::template::Template;
use crate::error::Result;

/// A template for each signal that is to be measured.
///
/// ```
/// use ibn_assurance::prometheus::Templates;
/// use ibn_core::observation::Signal;
///
/// let templates = Templates::kubernetes()?
///     .with(Signal::RequestRate, r#"sum(rate(istio_requests_total{destination_workload="{{name}}"}[{{window}}]))"#)?;
/// assert!(templates.template(&Signal::CpuUsage).is_some());
/// assert!(templates.template(&Signal::Restarts).is_none());
/// # Ok::<(), ibn_assurance::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// All but latency.
    signals: BTreeMap<Signal, SignalQuery>,
    /// For every quantile.
    latency: Option<SignalQuery>,
}

/// What `ibn` exports of the workloads that it simulates; see `deploy/prometheus/METRICS.md`. The counters run in
/// simulated time: a rate is divided by how fast that runs. The window is one by the clock on the wall.
const SIMULATED: [(Signal, &str); 9] = [
    (
        Signal::RequestRate,
        r#"sum(rate(ibn_workload_requests_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}])) / scalar(max(ibn_engine_time_speed))"#,
    ),
    (
        Signal::Throughput,
        r#"sum(rate(ibn_workload_requests_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}",outcome="ok"}[{{window}}])) / scalar(max(ibn_engine_time_speed))"#,
    ),
    (
        Signal::ErrorRate,
        r#"sum(rate(ibn_workload_requests_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}",outcome!="ok"}[{{window}}])) / sum(rate(ibn_workload_requests_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}]))"#,
    ),
    (
        Signal::CpuUsage,
        r#"sum(rate(ibn_workload_cpu_usage_seconds_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}])) / scalar(max(ibn_engine_time_speed))"#,
    ),
    (
        Signal::CpuThrottled,
        r#"sum(rate(ibn_workload_cpu_throttled_periods_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}])) / sum(rate(ibn_workload_cpu_periods_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}]))"#,
    ),
    (
        Signal::MemoryUsage,
        r#"sum(ibn_workload_memory_usage_bytes{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"})"#,
    ),
    (
        Signal::MemoryPeak,
        r#"max(ibn_workload_pod_memory_peak_bytes{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"})"#,
    ),
    (
        Signal::ReadyReplicas,
        r#"sum(ibn_workload_replicas{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}",state="ready"})"#,
    ),
    (
        Signal::Restarts,
        r#"sum(increase(ibn_workload_restarts_total{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}]))"#,
    ),
];

const SIMULATED_LATENCY: &str = r#"histogram_quantile({{quantile}}, sum by (le) (rate(ibn_workload_request_duration_seconds_bucket{namespace="{{namespace}}",kind="{{kind}}",workload="{{name}}"}[{{window}}])))"#;

/// Pods on Kubernetes: cAdvisor, and what the pods export themselves under the usual names. The kubelet's resource metrics
/// repeat some of cAdvisor's names; only the latter have an `id`. Memory is the working set, which the kernel can't take back.
const KUBERNETES: [(Signal, &str); 8] = [
    (
        Signal::RequestRate,
        r#"sum(rate(http_requests_total{namespace="{{namespace}}",pod=~"{{pods}}"}[{{window}}]))"#,
    ),
    (
        Signal::Throughput,
        r#"sum(rate(http_requests_total{namespace="{{namespace}}",pod=~"{{pods}}",code!~"5.."}[{{window}}]))"#,
    ),
    (
        Signal::ErrorRate,
        // Pods that never failed have no series of failures.
        r#"(sum(rate(http_requests_total{namespace="{{namespace}}",pod=~"{{pods}}",code=~"5.."}[{{window}}])) or 0 * sum(rate(http_requests_total{namespace="{{namespace}}",pod=~"{{pods}}"}[{{window}}]))) / sum(rate(http_requests_total{namespace="{{namespace}}",pod=~"{{pods}}"}[{{window}}]))"#,
    ),
    (
        Signal::CpuUsage,
        r#"sum(rate(container_cpu_usage_seconds_total{namespace="{{namespace}}",pod=~"{{pods}}",id!="",container!="",container!="POD"}[{{window}}]))"#,
    ),
    (
        Signal::CpuThrottled,
        r#"sum(rate(container_cpu_cfs_throttled_periods_total{namespace="{{namespace}}",pod=~"{{pods}}",container!="",container!="POD"}[{{window}}])) / sum(rate(container_cpu_cfs_periods_total{namespace="{{namespace}}",pod=~"{{pods}}",container!="",container!="POD"}[{{window}}]))"#,
    ),
    (
        Signal::MemoryUsage,
        r#"sum(container_memory_working_set_bytes{namespace="{{namespace}}",pod=~"{{pods}}",id!="",container!="",container!="POD"})"#,
    ),
    (
        Signal::MemoryPeak,
        r#"max(sum by (pod) (container_memory_working_set_bytes{namespace="{{namespace}}",pod=~"{{pods}}",id!="",container!="",container!="POD"}))"#,
    ),
    (
        Signal::ReadyReplicas,
        // What answers the scrape; where the cluster itself is asked too, put that monitor first.
        r#"count(up{namespace="{{namespace}}",pod=~"{{pods}}"} == 1)"#,
    ),
];

const KUBERNETES_LATENCY: &str = r#"histogram_quantile({{quantile}}, sum by (le) (rate(http_request_duration_seconds_bucket{namespace="{{namespace}}",pod=~"{{pods}}"}[{{window}}])))"#;

impl Templates {
    /// No template: every signal is missing.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// For the workloads that `ibn` simulates and exports.
    ///
    /// # Errors
    /// None; the templates are checked as those of users are.
    pub fn simulated() -> Result<Self> {
        Self::of(&SIMULATED, SIMULATED_LATENCY)
    }

    /// For pods on Kubernetes, by cAdvisor and their own HTTP metrics.
    ///
    /// # Errors
    /// None; the templates are checked as those of users are.
    pub fn kubernetes() -> Result<Self> {
        Self::of(&KUBERNETES, KUBERNETES_LATENCY)
    }

    fn of(signals: &[(Signal, &str)], latency: &str) -> Result<Self> {
        let mut templates = Self::default();
        for (signal, text) in signals {
            templates = templates.with(signal.clone(), text)?;
        }
        templates.with(Signal::Latency(Quantile::P95), latency)
    }

    /// The same with this template for a signal; for latency of any quantile it is that of all of them.
    ///
    /// # Errors
    /// What [`Template::new`] finds.
    pub fn with(mut self, signal: Signal, text: &str) -> Result<Self> {
        let query = SignalQuery::new(&signal.to_string(), text, &BTreeMap::new())?;
        match signal {
            Signal::Latency(_) => self.latency = Some(query),
            signal => {
                self.signals.insert(signal, query);
            }
        }
        Ok(self)
    }

    /// The same with a template for an indicator that a user defined.
    ///
    /// # Errors
    /// What [`Template::new`] finds.
    pub fn with_indicator(mut self, indicator: &Indicator) -> Result<Self> {
        let signal = Signal::Custom(indicator.metadata.name.clone());
        let spec = &indicator.spec;
        let query = SignalQuery::new(&signal.to_string(), &spec.query, &spec.parameters)?;
        self.signals.insert(signal, query);
        Ok(self)
    }

    /// The template of a signal.
    #[must_use]
    pub fn template(&self, signal: &Signal) -> Option<&Template> {
        self.query(signal).map(SignalQuery::value)
    }

    pub(super) fn query(&self, signal: &Signal) -> Option<&SignalQuery> {
        match signal {
            Signal::Latency(_) => self.latency.as_ref(),
            signal => self.signals.get(signal),
        }
    }

    /// Every signal that can be measured, latency at these quantiles.
    pub(super) fn signals<'a>(
        &'a self,
        quantiles: &'a [Quantile],
    ) -> impl Iterator<Item = Signal> + 'a {
        // A latency template without a quantile measures the same at each.
        let quantiles = match &self.latency {
            Some(latency) if latency.value().has_quantile() => quantiles,
            Some(_) => quantiles.get(..1).unwrap_or_default(),
            None => &[],
        };
        let latencies = quantiles.iter().map(|quantile| Signal::Latency(*quantile));
        self.signals.keys().cloned().chain(latencies)
    }
}
