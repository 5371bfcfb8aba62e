//! Runs at a constant rate, and runs beyond what the pods can do.

use anyhow::Result;
use serde::Serialize;

use crate::Settings;
use crate::laws::Laws;
use crate::record::Steady;
use crate::shop::{AFTER, Costs, Outcome, SHOP, cluster, instant};

/// A latency's relative error that is let be, or so many ms.
const MEAN_BOUND: (f64, f64) = (0.20, 3.0);
const P95_BOUND: (f64, f64) = (0.25, 12.0);

/// A run beside its simulation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Compared {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    limit_m: u64,
    replicas: u32,
    pub(crate) utilization: f64,
    /// Runs beside it on the machine.
    neighbours: usize,
    /// Whether profile and seed give as many requests as were sent.
    pub(crate) load_is_equal: bool,
    pub(crate) measured: Figures,
    pub(crate) simulated: Figures,
    /// (simulated - measured) / measured.
    pub(crate) mean_error: Option<f64>,
    pub(crate) p50_error: Option<f64>,
    pub(crate) p95_error: Option<f64>,
    pub(crate) mean_is_near: bool,
    pub(crate) p95_is_near: bool,
    /// Simulated less measured share of requests that failed, in percentage points.
    pub(crate) failed_points: f64,
    pub(crate) side_is_right: bool,
}

/// What is compared.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) mean_ms: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    served_rps: f64,
    pub(crate) failed_share: f64,
    pub(crate) saturated: bool,
}

/// More comes than is served: requests are refused, or the answers fall behind the requests.
fn is_saturated(offered_rps: f64, served_rps: f64, failed_share: f64) -> bool {
    failed_share > 0.005 || served_rps < 0.97 * offered_rps
}

/// Simulates a run once for each phase of the quota period against the load, which nobody knows.
pub(crate) fn compare(
    run: &Steady,
    kind: &'static str,
    laws: &Laws,
    settings: &Settings,
) -> Result<Compared> {
    let config = &run.config;
    let costs = Costs {
        cpu_ms: run.cpu_ms_per_completed,
        startup: laws.startup(config.limit_m),
        kernel: settings.kernel(),
    };
    let costs = costs.on_average(config, run.cpu_ms_per_completed, settings.seed)?;
    let mut outcome = Outcome::default();
    for seed in settings.seeds() {
        let mut cluster = cluster(config, &costs, config.replicas, seed)?;
        cluster.advance_to(instant(config.end_s + AFTER));
        outcome.add(cluster.take_requests(SHOP)?);
    }
    let window = &run.window;
    let seconds = window.to_s - window.from_s;
    let tally = outcome.due(window.from_s, window.to_s);
    let served = window.codes.get("200").copied().unwrap_or(0);
    let failed = window.offered.saturating_sub(served) as f64 / window.offered.max(1) as f64;
    let measured = Figures {
        mean_ms: window.latency_ms.mean,
        p50_ms: window.latency_ms.p50,
        p95_ms: window.latency_ms.p95,
        served_rps: window.served_rps,
        failed_share: failed,
        saturated: is_saturated(window.offered_rps, window.served_rps, failed),
    };
    let served_rps = tally.answered_rps(seconds);
    let offered_rps = tally.offered as f64 / f64::from(settings.phases) / seconds;
    let simulated = Figures {
        mean_ms: tally.mean_ms(),
        p50_ms: tally.quantile_ms(0.5),
        p95_ms: tally.quantile_ms(0.95),
        served_rps,
        failed_share: tally.failed_share(),
        saturated: is_saturated(offered_rps, served_rps, tally.failed_share()),
    };
    let whole = outcome.due(0.0, config.end_s).offered / usize::from(settings.phases);
    Ok(Compared {
        name: run.id.clone(),
        kind,
        limit_m: config.limit_m,
        replicas: config.replicas,
        utilization: run.cpu_cores * 1e3
            / (config.limit_m as f64 * f64::from(config.replicas)).max(1.0),
        neighbours: run.parallel.as_ref().map_or(0, Vec::len),
        load_is_equal: whole as u64 == run.whole.offered,
        mean_error: relative(simulated.mean_ms, measured.mean_ms),
        p50_error: relative(simulated.p50_ms, measured.p50_ms),
        p95_error: relative(simulated.p95_ms, measured.p95_ms),
        mean_is_near: is_near(simulated.mean_ms, measured.mean_ms, MEAN_BOUND),
        p95_is_near: is_near(simulated.p95_ms, measured.p95_ms, P95_BOUND),
        failed_points: (simulated.failed_share - measured.failed_share) * 100.0,
        side_is_right: simulated.saturated == measured.saturated,
        measured,
        simulated,
    })
}

/// The relative error; `None` where there is nothing to compare.
pub(crate) fn relative(simulated: Option<f64>, measured: Option<f64>) -> Option<f64> {
    let measured = measured.filter(|measured| *measured > 0.0)?;
    Some((simulated? - measured) / measured)
}

fn is_near(simulated: Option<f64>, measured: Option<f64>, (share, ms): (f64, f64)) -> bool {
    match (simulated, measured) {
        (Some(simulated), Some(measured)) => {
            (simulated - measured).abs() <= (share * measured).max(ms)
        }
        (None, None) => true,
        _ => false,
    }
}
