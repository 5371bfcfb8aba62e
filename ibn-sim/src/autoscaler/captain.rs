//! CPU limits that follow throttling: the captain of Autothrottle.

use std::collections::VecDeque;
use std::time::Duration;

use ibn_core::allocation::{ContainerResources, Field, Resource, ResourceBound};
use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use jiff::Timestamp;

/// What a captain aims at, and how far it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The share of CFS periods that may be throttled, 0 to 1. In Autothrottle a learner sets it, between 0 and 0.3.
    pub target: f64,
    /// How far back usage counts.
    pub history: Duration,
    /// The least CPU limit of a pod, millicores.
    pub least: u64,
    /// The deviations of usage that are added to its maximum at first.
    pub margin: f64,
}

impl Default for Settings {
    /// A tenth of the periods, five minutes of usage, at least 50m a pod, three deviations.
    fn default() -> Self {
        Self {
            target: 0.1,
            history: Duration::from_secs(300),
            least: 50,
            margin: 3.0,
        }
    }
}

/// Throttling above so many times the target is too much.
const TOO_MUCH: f64 = 3.0;
/// A limit is only lowered to this share of it or less, and by one step to no less than that share.
const WORTHWHILE: f64 = 0.9;
const LOWEST_STEP: f64 = 0.5;
/// The greatest limit, as a multiple of the one that is found first.
const HIGHEST: f64 = 10.0;
/// The span of a quota.
const PERIOD_SECS: f64 = 0.1;

/// A vertical autoscaler that sizes CPU limits by CFS throttling, in place; the number of pods stays as it is.
///
/// After the captain of Wang et al., *Autothrottle: A Practical Bi-Level Approach to Resource Management for SLO-Targeted
/// Microservices*, NSDI 2024, section 3.2. With the throttle ratio `r` (throttled periods over periods) and its target `t`:
///
/// - up: where `r > 3t`, the limit is multiplied by `1 + r - 3t`;
/// - down: else to `max(usage) + margin · σ(usage)` at once, where that is at most 0.9 of the limit, and to no less than half;
/// - roll-back: where `r > 3t` right after a step down, to what it was before and as much again on top of that;
/// - margin: `margin ← max(0, margin + r - t)` at every look, and `margin + r - t` at a roll-back.
///
/// Requests keep their ratio to limits, since reserved CPU is what costs here (in Autothrottle the quota is). Limits that
/// aren't set stay unset: nothing is throttled there. No limit goes above ten times the one that was found.
///
/// The ratio is over periods in which something ran, as the kernel counts them; the paper's is over all. So the same target
/// is the stricter here the less a pod runs. Which target an objective takes differs by service, and isn't found here.
///
/// What differs from the paper besides, since a monitor shows windows of a minute ([`Signal::CpuThrottled`] and
/// [`Signal::CpuUsage`]) where a captain on the node reads every period of 100 ms:
///
/// - It looks whenever it is asked, and a window that began before its last change counts as far as it lies behind it: the
///   rest is taken to be as throttled as the window was at that change.
/// - `margin` moves by `r - t` over a whole window, by part of it at looks that are closer.
/// - It steps down only once a whole window lies behind the last change.
/// - `σ` is that of usage in one period. It follows from how far windows differ, as for periods that don't depend on each
///   other: windows of length `W` that begin `d ≤ W` apart differ by `2σ²dP/W²` in variance at periods `P`.
#[derive(Debug, Clone)]
pub struct Captain {
    settings: Settings,
    margin: f64,
    /// Instants and CPU of a pod, cores.
    usage: VecDeque<(Timestamp, f64)>,
    last_change: Option<Change>,
    /// The limit of a pod that was found first, millicores.
    found: Option<f64>,
}

/// A limit that was changed.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Timestamp,
    /// Throttled share of the window before it.
    ratio: f64,
    /// Where it was a step down that can be rolled back: the limit before, millicores.
    lowered_from: Option<f64>,
}

impl Captain {
    /// A captain with these settings that has seen nothing yet.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            margin: settings.margin,
            usage: VecDeque::new(),
            last_change: None,
            found: None,
        }
    }

    /// One look: the limit that a pod with `limit` millicores should have, and why; `None` to leave it.
    fn look(&mut self, at: Timestamp, window: Duration, look: Look) -> Option<(f64, String)> {
        let Look {
            limit,
            throttled,
            usage,
        } = look;
        let (target, too_much) = (self.settings.target, TOO_MUCH * self.settings.target);
        let span = window.as_secs_f64().max(PERIOD_SECS);
        let step = self.usage.back().map_or(span, |(last, _)| since(at, *last));
        self.usage.push_back((at, usage));
        let oldest = self.settings.history.as_secs_f64();
        self.usage.retain(|(then, _)| since(at, *then) <= oldest);

        let change = self.last_change.filter(|it| since(at, it.at) < span);
        let ratio = change.map_or(throttled, |change| {
            let behind = since(at, change.at) / span;
            let before = change.ratio * (1.0 - behind);
            ((throttled - before) / behind.max(1e-3)).clamp(0.0, 1.0)
        });
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);

        if let Some(before) = change.and_then(|change| change.lowered_from)
            && ratio > too_much
        {
            self.margin += ratio - target;
            let message = format!(
                "{} of periods are throttled since the last step down, {} were to be: back and as much on top",
                percent(ratio),
                percent(target)
            );
            return Some((2.0 * before - limit, message));
        }
        self.margin = (self.margin + (ratio - target) * (step / span).min(1.0)).max(0.0);
        if ratio > too_much {
            let message = format!(
                "{} of periods are throttled, {} are to be",
                percent(ratio),
                percent(target)
            );
            return Some((limit * (1.0 + ratio - too_much), message));
        }
        if change.is_some() {
            return None;
        }
        let highest = self
            .usage
            .iter()
            .map(|(_, cores)| *cores)
            .fold(0.0, f64::max);
        let deviation = self.deviation(span);
        let wanted = 1000.0 * (highest + self.margin * deviation);
        (wanted <= WORTHWHILE * limit).then(|| {
            let message = format!(
                "a pod uses {highest:.2} cores at most, with a deviation of {deviation:.2} of which it keeps {:.1}",
                self.margin
            );
            (wanted.max(LOWEST_STEP * limit), message)
        })
    }

    /// The standard deviation of a pod's CPU from period to period, cores; from windows of `span` seconds.
    fn deviation(&self, span: f64) -> f64 {
        let pairs = self.usage.iter().zip(self.usage.iter().skip(1));
        let variances = pairs.filter_map(|((then, from), (now, to))| {
            let apart = since(*now, *then).min(span);
            (apart > 0.0).then(|| (to - from).powi(2) / 2.0 * span * span / (apart * PERIOD_SECS))
        });
        let (sum, count) = variances.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
        if count > 0.0 {
            f64::sqrt(sum / count)
        } else {
            0.0
        }
    }
}

/// What a captain sees of a pod.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Millicores.
    limit: f64,
    /// Share of periods.
    throttled: f64,
    /// Cores.
    usage: f64,
}

fn since(now: Timestamp, then: Timestamp) -> f64 {
    now.duration_since(then).as_secs_f64().max(0.0)
}

impl Default for Captain {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Recommender for Captain {
    fn name(&self) -> &str {
        "captain"
    }

    fn resizes(&self) -> bool {
        true
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let live = &situation.state.allocation;
        let leave = |code, message: &str| Recommendation::leave(situation, code, message);
        let limited: Vec<&ContainerResources> = live
            .containers
            .iter()
            .filter(|it| cpu(it).1.is_some())
            .collect();
        let total: u64 = limited.iter().filter_map(|it| cpu(it).1).sum();
        if total == 0 {
            return leave("NoLimit", "no container has a CPU limit");
        }
        if !limited
            .iter()
            .all(|container| is_free(situation, container))
        {
            return leave("Held", "CPU of the pods is held");
        }
        let Some((seen, look)) = situation.latest().and_then(|seen| {
            let ready = seen
                .value(&Signal::ReadyReplicas)
                .unwrap_or(f64::from(situation.state.ready_replicas))
                .round();
            let usage = seen.value(&Signal::CpuUsage)? / ready;
            let look = Look {
                limit: total as f64,
                throttled: seen.value(&Signal::CpuThrottled)?.min(1.0),
                usage,
            };
            (ready >= 1.0 && usage < 1e6).then_some((seen, look))
        }) else {
            return leave(
                "NoReading",
                "use or throttling of CPU can't be told, so nothing is changed",
            );
        };
        if self.usage.back().is_some_and(|(last, _)| seen.at <= *last) {
            return leave("NotDue", "nothing was measured since the last look");
        }
        let found = *self.found.get_or_insert(look.limit);
        let Some((wanted, why)) = self.look(seen.at, seen.window, look) else {
            return leave("WithinTarget", "throttling and use are as they are to be");
        };
        let bounds = situation.envelope.cpu.range();
        let most = bounds.max.map_or(f64::INFINITY, |most| most.get() as f64);
        let wanted = wanted
            .min(HIGHEST * found)
            .min(most)
            .max(self.settings.least as f64);
        let mut sized = live.clone();
        for container in &mut sized.containers {
            resize(container, wanted / look.limit);
        }
        if sized == *live {
            return leave("AtItsBound", "the CPU limit is where bounds have it");
        }
        self.last_change = Some(Change {
            at: seen.at,
            ratio: look.throttled,
            lowered_from: (wanted < look.limit).then_some(look.limit),
        });
        let message = format!("{why}; a pod gets {wanted:.0}m after {:.0}m", look.limit);
        Recommendation::new(sized, vec![Reason::new("CpuThrottling", message)])
    }
}

/// CPU request and limit of a container, millicores.
fn cpu(container: &ContainerResources) -> (Option<u64>, Option<u64>) {
    let amount = |bound| container.amount(bound, Resource::Cpu);
    (
        amount(ResourceBound::Requests),
        amount(ResourceBound::Limits),
    )
}

fn is_free(situation: &Situation, container: &ContainerResources) -> bool {
    let (request, _) = cpu(container);
    let field = |bound| Field::Resource {
        container: container.name.clone(),
        bound,
        resource: Resource::Cpu,
    };
    situation.is_free(&field(ResourceBound::Limits))
        && (request.is_none() || situation.is_free(&field(ResourceBound::Requests)))
}

/// Multiplies the limit, and the request with it; whole millicores, at least one.
fn resize(container: &mut ContainerResources, factor: f64) {
    let (request, Some(limit)) = cpu(container) else {
        return;
    };
    let scaled = |amount: u64| ((amount as f64 * factor).round() as u64).max(1);
    let limit = scaled(limit);
    container.set_amount(ResourceBound::Limits, Resource::Cpu, Some(limit));
    if let Some(request) = request {
        let request = scaled(request).min(limit);
        container.set_amount(ResourceBound::Requests, Resource::Cpu, Some(request));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ibn_core::envelope::LimitSource;
    use ibn_core::intent::Range;
    use ibn_core::units::{Bytes, CpuMillis};
    use ibn_testkit::recommender::{check, situation};
    use jiff::SignedDuration;

    use super::*;
    use crate::autoscaler::Fixed;
    use crate::episode::run;
    use crate::rng::{Purpose, Seeds, uniform};
    use crate::scenario::Scenario;

    /// Two pods of so many millicores, limit and request alike, that were throttled so and used so many cores each over the
    /// last minute, so many seconds after the start.
    fn at(seconds: i64, limit: u64, throttled: f64, cores: f64) -> Situation {
        let mut situation = situation(2, 0);
        situation.now += SignedDuration::from_secs(seconds);
        for container in &mut situation.state.allocation.containers {
            *container = ContainerResources::new(&container.name)
                .with_requests(CpuMillis::new(limit), Bytes::new(256 << 20))
                .with_limits(CpuMillis::new(limit), Bytes::new(256 << 20));
        }
        let now = situation.now;
        if let Some(latest) = situation.history.last_mut() {
            let latest = Arc::make_mut(latest);
            latest.at = now;
            latest.set(Signal::CpuThrottled, throttled, now);
            latest.set(Signal::CpuUsage, 2.0 * cores, now);
        }
        situation
    }

    /// Limit and request after a look.
    fn look(captain: &mut Captain, situation: &Situation) -> (u64, u64) {
        let advice = captain.recommend(situation).allocation;
        assert_eq!(advice.replicas, 2);
        let (request, limit) = cpu(&advice.containers[0]);
        (limit.unwrap(), request.unwrap())
    }

    /// One that adds no deviations at first.
    fn bold() -> Captain {
        Captain::new(Settings {
            margin: 0.0,
            ..Settings::default()
        })
    }

    #[test]
    fn it_passes_the_suite() {
        check(&|| Box::new(Captain::default()));
    }

    #[test]
    fn throttling_above_three_times_the_target_raises_the_limit_in_proportion() {
        // 1 + 0.5 - 3 · 0.1
        let raised = look(&mut Captain::default(), &at(0, 1000, 0.5, 0.9));
        assert_eq!(raised, (1200, 1200));
        let left = look(&mut Captain::default(), &at(0, 1000, 0.3, 0.95));
        assert_eq!(left, (1000, 1000));
    }

    #[test]
    fn what_was_throttled_before_a_change_does_not_count_after_it() {
        let mut captain = Captain::default();
        assert_eq!(look(&mut captain, &at(0, 1000, 0.8, 0.9)).0, 1500);
        // Three quarters of this minute lie before the change: 0.6 = 0.75 · 0.8, and nothing since.
        assert_eq!(look(&mut captain, &at(15, 1500, 0.6, 0.9)).0, 1500);
        // Half of it: 0.65 = 0.5 · 0.8 + 0.5 · 0.5.
        assert_eq!(look(&mut captain, &at(30, 1500, 0.65, 0.9)).0, 1800);
    }

    #[test]
    fn idle_cpu_goes_by_halves_down_to_the_highest_use_a_window_apart() {
        let mut captain = bold();
        let looks = [
            (0, 1000, 500),
            (15, 500, 500),
            (45, 500, 500),
            (60, 500, 250),
            (120, 250, 200),
            (180, 200, 200),
        ];
        for (seconds, limit, then) in looks {
            assert_eq!(
                look(&mut captain, &at(seconds, limit, 0.0, 0.2)).0,
                then,
                "at {seconds} s"
            );
        }
        // Five minutes of use count, so a peak of four minutes ago holds: 0.35 is above 0.9 · 0.38.
        let mut captain = bold();
        assert_eq!(look(&mut captain, &at(0, 380, 0.0, 0.35)).0, 380);
        captain.margin = 0.0;
        captain.usage.push_back((at(1, 0, 0.0, 0.0).now, 0.35));
        assert_eq!(look(&mut captain, &at(240, 380, 0.0, 0.35)).0, 380);
        assert_eq!(look(&mut captain, &at(600, 380, 0.0, 0.2)).0, 200);
    }

    #[test]
    fn a_step_down_that_throttles_is_rolled_back_and_more() {
        let mut captain = bold();
        assert_eq!(look(&mut captain, &at(0, 1000, 0.0, 0.2)).0, 500);
        // A quarter of the minute lies behind the step: 0.4 of its periods were throttled.
        assert_eq!(look(&mut captain, &at(15, 500, 0.1, 0.2)).0, 1500);
        assert!((captain.margin - 0.3).abs() < 1e-9, "{}", captain.margin);
        // Once only: what is throttled then is met in proportion.
        assert_eq!(look(&mut captain, &at(75, 1500, 0.4, 0.2)).0, 1650);
    }

    #[test]
    fn the_margin_follows_throttling_above_and_below_the_target() {
        let mut captain = bold();
        for minute in 0..5 {
            assert_eq!(look(&mut captain, &at(60 * minute, 210, 0.2, 0.2)).0, 210);
        }
        assert!((captain.margin - 0.5).abs() < 1e-9, "{}", captain.margin);
        for quarter in 1..=4 {
            look(&mut captain, &at(240 + 15 * quarter, 210, 0.0, 0.2));
        }
        assert!((captain.margin - 0.4).abs() < 1e-9, "{}", captain.margin);
    }

    #[test]
    fn the_deviation_of_a_period_is_found_from_windows_that_overlap() {
        let mut stream = Seeds::new(1).stream(Purpose::Service, "test", 0);
        // Uniform on (0, 1): a standard deviation of √(1/12).
        let periods: Vec<f64> = (0..60_000).map(|_| uniform(&mut stream)).collect();
        for apart in [15, 60] {
            let mut captain = Captain::default();
            let start = at(0, 1, 0.0, 0.0).now;
            for (turn, window) in (0..).zip(periods.windows(600).step_by(apart * 10)) {
                let mean = window.iter().sum::<f64>() / 600.0;
                let seconds = turn * apart as i64;
                captain
                    .usage
                    .push_back((start + SignedDuration::from_secs(seconds), mean));
            }
            let deviation = captain.deviation(60.0);
            // Some 100 windows that don't overlap: a relative error of 7 % twice.
            assert!(
                (deviation / (1.0f64 / 12.0).sqrt() - 1.0).abs() < 0.15,
                "{apart}: {deviation}"
            );
        }
    }

    /// Two pods of four cores each for what takes 0.4 of them.
    const IDLE: &str = r#"
name = "idle"
horizon = "4h"
[[nodes]]
name = "n"
cpu = "16"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 2
requests = { cpu = "4", memory = "256Mi" }
limits = { cpu = "4", memory = "256Mi" }
service = { law = "exponential", mean = "10ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "200ms" }
demand = { constant = 40.0 }
"#;

    #[test]
    fn it_takes_idle_cpu_away_and_the_objective_stays_met() {
        let scenario = Scenario::from_toml(IDLE).unwrap();
        let found = run(&scenario, &mut |_| Box::new(Fixed::as_found()), 1).unwrap();
        let sized = run(&scenario, &mut |_| Box::new(Captain::default()), 1).unwrap();
        let (found, sized) = (&found.workloads[0], &sized.workloads[0]);
        assert!(
            sized.core_hours < found.core_hours / 3.0 && sized.violated_windows() < 0.01,
            "{} after {} core-hours, {} of windows over",
            sized.core_hours,
            found.core_hours,
            sized.violated_windows()
        );
        assert_eq!(sized.replica_hours, found.replica_hours);
    }

    #[test]
    fn bounds_hold() {
        let mut captain = bold();
        assert_eq!(look(&mut captain, &at(0, 60, 0.0, 0.001)).0, 50);
        let mut bounded = at(0, 1000, 1.0, 1.0);
        Arc::make_mut(&mut bounded.envelope).cpu.intersect(
            Range::new(None, Some(CpuMillis::new(1100))),
            &LimitSource::Default,
        );
        assert_eq!(look(&mut Captain::default(), &bounded).0, 1100);
        // 1.7 to the fifth is 14.
        let mut captain = Captain::default();
        let mut limit = 1000;
        for minute in 0..5 {
            limit = look(&mut captain, &at(60 * minute, limit, 1.0, 1.0)).0;
        }
        assert_eq!(limit, 10_000);
    }

    #[test]
    fn what_has_no_limit_gets_none() {
        let mut situation = at(0, 1000, 0.5, 0.9);
        let containers = &mut situation.state.allocation.containers;
        containers.push(ContainerResources::new("sidecar"));
        let advice = Captain::default().recommend(&situation).allocation;
        assert_eq!(cpu(&advice.containers[0]), (Some(1200), Some(1200)));
        assert_eq!(advice.containers[1], ContainerResources::new("sidecar"));
        for container in &mut situation.state.allocation.containers {
            container.limits.cpu = None;
        }
        let advice = Captain::default().recommend(&situation);
        assert_eq!(advice.reasons[0].code, "NoLimit");
        assert_eq!(advice.allocation, situation.state.allocation);
    }
}
