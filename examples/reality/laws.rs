//! Start-up and resize as laws, fitted to the recorded samples.
//!
//! A pod becomes Ready when the kubelet, which looks once a second, finds its process running: the process's start, and then
//! anything between nothing and a second, equally likely. The start itself is constant, but waits for the quota where the
//! runtime's own work in the pod's cgroup is more than a period's worth. Where the first probe fails, a period of the probe
//! comes on top. The Service answers a little later, or a second after that, since kube-proxy syncs once a second.

use std::time::Duration;

use anyhow::{Context, Result};
use ibn_sim::Law;
use serde::Serialize;

use crate::Settings;
use crate::record::{Line, Mode, Resize, Startup};
use crate::shop::{Costs, quantile};

/// What the recorded samples say.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Laws {
    /// Samples that the start-up was fitted to; what was recorded before holds where there are none.
    startups: usize,
    /// From a pod's creation to its process, without a quota in the way.
    process_s: f64,
    /// CPU time of the runtime within the pod's cgroup before the process runs.
    runtime_cpu_s: f64,
    /// From process to Ready beyond the kubelet's look.
    notice_s: f64,
    /// How often the first probe fails.
    probe_fails: f64,
    /// From Ready to the Service, and how often a second more.
    service_s: f64,
    service_waits: f64,
    pub(crate) fits: Vec<Fit>,
    /// CPU of a request beyond its work and beyond waking its thread, in ms: on a kept connection and on a new one.
    pub(crate) overhead_kept_ms: f64,
    pub(crate) overhead_fresh_ms: f64,
}

/// A law beside what was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fit {
    pub(crate) what: String,
    pub(crate) law: String,
    pub(crate) samples: usize,
    /// p10, p50 and p90 in seconds.
    pub(crate) measured_s: [f64; 3],
    pub(crate) law_s: [f64; 3],
    /// The greatest difference of the three, in seconds.
    pub(crate) error_s: f64,
}

const QUANTILES: [f64; 3] = [0.1, 0.5, 0.9];
const PERIOD_S: f64 = 0.1;

impl Default for Laws {
    /// Of the samples that came with the project's own measurements.
    fn default() -> Self {
        Self {
            startups: 0,
            process_s: 0.46,
            runtime_cpu_s: 0.024,
            notice_s: 0.08,
            probe_fails: 0.05,
            service_s: 0.12,
            service_waits: 0.45,
            fits: Vec::new(),
            overhead_kept_ms: 1.0,
            overhead_fresh_ms: 1.0,
        }
    }
}

impl Laws {
    pub(crate) fn fit(lines: &[Line], settings: &Settings) -> Result<Self> {
        let mut laws = Self::default();
        laws.fit_startup(lines);
        laws.fit_resize(lines);
        laws.fit_overhead(lines, settings)?;
        Ok(laws)
    }

    /// From a pod's creation to its first request through the Service, as one law that the simulator draws from: equally likely
    /// between the least and, a second each for kubelet and kube-proxy, the most; with the mean of the parts.
    pub(crate) fn startup(&self, limit_m: u64) -> Law {
        let least = self.process(limit_m) + self.notice_s + self.service_s;
        let width = 1.0 + 2.0 * self.service_waits;
        Law::Uniform {
            min: Duration::from_secs_f64(least),
            max: Duration::from_secs_f64(least + width),
        }
    }

    /// From a pod's creation to Ready, for a draw in 0 to 1.
    pub(crate) fn ready(&self, limit_m: u64, draw: f64) -> f64 {
        self.process(limit_m) + self.notice_s + draw
    }

    /// From a pod's creation to its process.
    pub(crate) fn process(&self, limit_m: u64) -> f64 {
        let limit = (limit_m as f64 / 1e3).max(0.001);
        self.process_s + (self.runtime_cpu_s / limit - PERIOD_S).max(0.0)
    }

    /// CPU of a request of `service_ms` that doesn't find its thread idle.
    pub(crate) fn cpu_ms(&self, service_ms: f64, is_fresh: bool) -> f64 {
        let overhead = if is_fresh {
            self.overhead_fresh_ms
        } else {
            self.overhead_kept_ms
        };
        service_ms + overhead
    }

    fn fit_startup(&mut self, lines: &[Line]) {
        let all: Vec<&Startup> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Startup(sample) => Some(sample),
                _ => None,
            })
            .collect();
        // In step with the kubelet's look a start says nothing of its law.
        let free: Vec<&Startup> = all.iter().copied().filter(|it| it.jitter).collect();
        let used = if free.is_empty() { &all } else { &free };
        self.startups = used.len();
        if used.is_empty() {
            return;
        }
        let started = |pick: fn(u64) -> bool| {
            sorted(
                used.iter()
                    .filter(|it| pick(it.limit_m))
                    .filter_map(|it| it.process_started),
            )
        };
        if let Some(median) = quantile(&started(|limit| limit >= 200), 0.5) {
            self.process_s = median;
        }
        // What the throttled starts take longer, as CPU time: (delay + a period) × limit.
        let work = sorted(used.iter().filter(|it| it.limit_m < 200).filter_map(|it| {
            Some((it.process_started? - self.process_s + PERIOD_S) * it.limit_m as f64 / 1e3)
        }));
        if let Some(median) = quantile(&work, 0.5) {
            self.runtime_cpu_s = median;
        }
        // Longer than a look of the kubelet takes: the first probe failed.
        let typical = self.clone();
        let after = |it: &Startup| {
            let process = it.process_started;
            it.ready_seen - process.unwrap_or_else(|| typical.process(it.limit_m))
        };
        let failed = |it: &Startup| after(it) > it.readiness_period_s.min(1.2);
        self.probe_fails = share(&all, failed);
        let waits = sorted(used.iter().filter(|it| !failed(it)).map(|it| after(it)));
        if !waits.is_empty() {
            self.notice_s = (waits.iter().sum::<f64>() / waits.len() as f64 - 0.5).max(0.0);
        }
        let service = |it: &Startup| it.answers_at_cluster_ip - it.ready_seen;
        self.service_waits = share(used, |it| service(it) > 0.6);
        let quick = sorted(
            used.iter()
                .map(|it| service(it))
                .filter(|delay| *delay <= 0.6),
        );
        self.service_s = quantile(&quick, 0.5).unwrap_or(self.service_s).max(0.0);
        self.state_delays(used);
        let mut limits: Vec<u64> = used.iter().map(|it| it.limit_m).collect();
        limits.sort_unstable();
        limits.dedup();
        for limit in limits {
            self.state_startup(limit, used);
        }
    }

    /// The delays after the process has started, which no limit changes.
    fn state_delays(&mut self, used: &[&Startup]) {
        let process = |it: &Startup| {
            it.process_started
                .unwrap_or_else(|| self.process(it.limit_m))
        };
        let (notice, fails) = (self.notice_s, self.probe_fails);
        let period = used
            .iter()
            .map(|it| it.readiness_period_s)
            .fold(0.0, f64::max);
        let ready = Fit::new(
            "Ready after the process, any limit".to_owned(),
            format!(
                "uniform {notice:.3} to {:.3} s; {period:.0} s more in {:.0} %",
                notice + 1.0,
                fails * 100.0
            ),
            sorted(used.iter().map(|it| it.ready_seen - process(it))),
            |q| {
                // By shares of a uniform law and the same later.
                let prompt = 1.0 - fails;
                notice
                    + if q < prompt {
                        q / prompt
                    } else {
                        period + (q - prompt) / fails
                    }
            },
        );
        let (service, waits) = (self.service_s, self.service_waits);
        let serves = Fit::new(
            "Service after Ready, any limit".to_owned(),
            format!("{service:.3} s; a second more in {:.0} %", waits * 100.0),
            sorted(
                used.iter()
                    .map(|it| it.answers_at_cluster_ip - it.ready_seen),
            ),
            |q| service + if q <= 1.0 - waits { 0.0 } else { 1.0 },
        );
        self.fits.extend([ready, serves]);
    }

    fn state_startup(&mut self, limit: u64, used: &[&Startup]) {
        let of_limit = || used.iter().filter(|it| it.limit_m == limit);
        let process = self.process(limit);
        self.fits.push(Fit::new(
            format!("process started, {limit}m"),
            format!("constant {process:.3} s"),
            sorted(of_limit().filter_map(|it| it.process_started)),
            |_| process,
        ));
        let (low, high) = (self.ready(limit, 0.0), self.ready(limit, 1.0));
        self.fits.push(Fit::new(
            format!("Ready, {limit}m"),
            format!(
                "uniform {low:.3} to {high:.3} s; a probe's period more in {:.0} %",
                self.probe_fails * 100.0
            ),
            sorted(of_limit().map(|it| it.ready_seen)),
            |q| low + q,
        ));
        let Law::Uniform { min, max } = self.startup(limit) else {
            return;
        };
        let (min, max) = (min.as_secs_f64(), max.as_secs_f64());
        self.fits.push(Fit::new(
            format!("Service answers, {limit}m"),
            format!(
                "Ready + {:.3} s, a second more in {:.0} %; simulated as uniform {min:.3} to {max:.3} s",
                self.service_s,
                self.service_waits * 100.0
            ),
            sorted(of_limit().map(|it| it.answers_at_cluster_ip)),
            |q| min + (max - min) * q,
        ));
    }

    fn fit_resize(&mut self, lines: &[Line]) {
        let all: Vec<&Resize> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Resize(sample) => Some(sample),
                _ => None,
            })
            .collect();
        // A pod that is a second old isn't looked at again before the kubelet's next round.
        let (late, prompt): (Vec<&Resize>, Vec<&Resize>) =
            all.iter().partition(|it| it.container_s > 0.5);
        let mut state = |what: &str, values: Vec<f64>| {
            let Some(median) = quantile(&values, 0.5) else {
                return;
            };
            let law = format!("constant {median:.3} s");
            self.fits
                .push(Fit::new(what.to_owned(), law, values, |_| median));
        };
        let quota = |of: &[&Resize]| sorted(of.iter().map(|it| it.container_s.max(it.pod_s)));
        state("resize: both quotas written", quota(&prompt));
        state(
            "resize: status",
            sorted(prompt.iter().map(|it| it.status_s)),
        );
        state("resize of a new pod: both quotas written", quota(&late));
    }

    /// The median over the steady and overloaded runs that do work.
    fn fit_overhead(&mut self, lines: &[Line], settings: &Settings) -> Result<()> {
        let (mut kept, mut fresh) = (Vec::new(), Vec::new());
        for line in lines {
            let (Line::Steady(run) | Line::Overload(run)) = line else {
                continue;
            };
            let config = &run.config;
            if config.service_ms < 1.0 {
                continue;
            }
            let costs = Costs {
                cpu_ms: 0.0,
                startup: self.startup(config.limit_m),
                kernel: settings.kernel(),
            };
            let costs = costs.on_average(config, run.cpu_ms_per_completed, 1);
            let costs = costs.with_context(|| format!("can't simulate the run `{}`", run.id))?;
            let group = match config.mode {
                Mode::ClusteripFresh => &mut fresh,
                Mode::DirectKeepalive | Mode::ClusteripKeepalive => &mut kept,
            };
            group.push(costs.cpu_ms - config.service_ms);
        }
        let median = |values: Vec<f64>| quantile(&sorted(values.into_iter()), 0.5);
        self.overhead_kept_ms = median(kept).unwrap_or(self.overhead_kept_ms);
        self.overhead_fresh_ms = median(fresh).unwrap_or(self.overhead_fresh_ms);
        Ok(())
    }
}

impl Fit {
    fn new(what: String, law: String, sorted: Vec<f64>, at: impl Fn(f64) -> f64) -> Self {
        let measured_s = QUANTILES.map(|q| quantile(&sorted, q).unwrap_or(0.0));
        let law_s = QUANTILES.map(at);
        let differences = measured_s
            .iter()
            .zip(law_s)
            .map(|(measured, law)| (law - measured).abs());
        let error_s = differences.fold(0.0, f64::max);
        Self {
            what,
            law,
            samples: sorted.len(),
            measured_s,
            law_s,
            error_s,
        }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn share(of: &[&Startup], pick: impl Fn(&Startup) -> bool) -> f64 {
    of.iter().filter(|it| pick(it)).count() as f64 / of.len().max(1) as f64
}
