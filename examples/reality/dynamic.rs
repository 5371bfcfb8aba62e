//! Runs in which a pod is killed or resized under load.

use anyhow::{Context, Result, bail};
use ibn_sim::{Cluster, PodPhase};
use serde::Serialize;

use crate::Settings;
use crate::laws::Laws;
use crate::record::{Action, Bin, Dynamic, Mode, Whole};
use crate::shop::{AFTER, Costs, Outcome, SHOP, cluster, instant, size};
use crate::steady::relative;

/// A run beside its simulation; no bar is set for these.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Compared {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) load_is_equal: bool,
    pub(crate) whole: Latencies,
    /// Simulated less measured share of requests that failed, in percentage points.
    pub(crate) failed_points: f64,
    /// Between one action and the next.
    pub(crate) segments: Vec<Segment>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Latencies {
    measured_mean_ms: Option<f64>,
    simulated_mean_ms: Option<f64>,
    pub(crate) mean_error: Option<f64>,
    pub(crate) p50_error: Option<f64>,
    pub(crate) p95_error: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Segment {
    from_s: f64,
    to_s: f64,
    measured_mean_ms: Option<f64>,
    simulated_mean_ms: Option<f64>,
    pub(crate) mean_error: Option<f64>,
}

/// What the requests of several simulations of a whole run came to.
pub(crate) fn compare_whole(whole: &Whole, outcome: &Outcome, end: f64) -> Latencies {
    let tally = outcome.due(0.0, end);
    let measured = &whole.latency_ms;
    Latencies {
        measured_mean_ms: measured.mean,
        simulated_mean_ms: tally.mean_ms(),
        mean_error: relative(tally.mean_ms(), measured.mean),
        p50_error: relative(tally.quantile_ms(0.5), measured.p50),
        p95_error: relative(tally.quantile_ms(0.95), measured.p95),
    }
}

/// Simulated less measured share of failed requests in percentage points, those lost with their container included.
pub(crate) fn failed_points(whole: &Whole, failed: u64, settings: &Settings) -> f64 {
    let offered = whole.offered.max(1) as f64;
    let served = whole.codes.get("200").copied().unwrap_or(0);
    let simulated = failed as f64 / f64::from(settings.phases);
    (simulated - whole.offered.saturating_sub(served) as f64) / offered * 100.0
}

/// The costs of a run that records no CPU per request.
pub(crate) fn costs(run: &Dynamic, laws: &Laws, settings: &Settings) -> Costs {
    let is_fresh = run.config.mode == Mode::ClusteripFresh;
    Costs {
        cpu_ms: laws.cpu_ms(run.config.service_ms, is_fresh),
        startup: laws.startup(run.config.limit_m),
        kernel: settings.kernel(),
    }
}

/// Simulates a run with its recorded actions, several times.
pub(crate) fn compare(
    run: &Dynamic,
    kind: &'static str,
    laws: &Laws,
    settings: &Settings,
) -> Result<Compared> {
    let config = &run.config;
    let costs = costs(run, laws, settings);
    let mut outcome = Outcome::default();
    let (mut failed, mut offered) = (0, 0);
    for seed in settings.seeds() {
        let mut cluster = cluster(config, &costs, config.replicas + 1, seed)?;
        for action in &run.actions {
            cluster.advance_to(instant(action.t));
            act(&mut cluster, action).with_context(|| format!("run {}", run.id))?;
        }
        cluster.advance_to(instant(config.end_s + AFTER));
        let counts = cluster.metrics(SHOP)?.counts;
        failed += counts.failed();
        offered = counts.arrived;
        outcome.add(cluster.take_requests(SHOP)?);
    }
    Ok(Compared {
        name: run.id.clone(),
        kind,
        load_is_equal: offered == run.whole.offered,
        whole: compare_whole(&run.whole, &outcome, config.end_s),
        failed_points: failed_points(&run.whole, failed, settings),
        segments: segments(run, &outcome),
    })
}

/// Does what was done: kills a pod, or resizes all.
fn act(cluster: &mut Cluster, action: &Action) -> Result<()> {
    if action.what.starts_with("kill") {
        let pods = cluster.pods(SHOP)?;
        if let Some(pod) = pods.iter().find(|pod| pod.phase == PodPhase::Ready) {
            cluster.kill_pod(SHOP, pod.id)?;
        }
        return Ok(());
    }
    let number = |word: &str| word.strip_suffix('m')?.parse().ok();
    let Some(limit) = action.detail.split_whitespace().find_map(number) else {
        bail!(
            "the action `{}` ({}) neither kills nor names a limit such as `500m`",
            action.what,
            action.detail
        );
    };
    cluster.resize(SHOP, size(limit))?;
    Ok(())
}

fn segments(run: &Dynamic, outcome: &Outcome) -> Vec<Segment> {
    let actions = run.actions.iter().map(|action| action.t);
    let cuts: Vec<f64> = [0.0]
        .into_iter()
        .chain(actions)
        .chain([run.config.end_s])
        .collect();
    cuts.windows(2)
        .filter_map(|cut| match cut {
            [from, to] => segment(&run.bins, *from, *to, outcome),
            _ => None,
        })
        .collect()
}

/// The bins that begin within a span; `None` where none does.
fn segment(bins: &[Bin], from: f64, to: f64, outcome: &Outcome) -> Option<Segment> {
    let bins: Vec<&Bin> = bins
        .iter()
        .filter(|bin| (from..to).contains(&bin.from_s))
        .collect();
    let (from_s, to_s) = (bins.first()?.from_s, bins.last()?.to_s);
    let served: u64 = bins.iter().map(|bin| bin.served).sum();
    let sum: f64 = bins
        .iter()
        .filter_map(|bin| Some(bin.latency_ms.mean? * bin.served as f64))
        .sum();
    let measured_mean_ms = (served > 0).then(|| sum / served as f64);
    let simulated_mean_ms = outcome.due(from_s, to_s).mean_ms();
    Some(Segment {
        from_s,
        to_s,
        measured_mean_ms,
        simulated_mean_ms,
        mean_error: relative(simulated_mean_ms, measured_mean_ms),
    })
}
