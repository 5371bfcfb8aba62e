//! How fast a recommendation may be followed: stabilisation windows and policies.

use super::{Parameters, Spec};

const SECOND: i64 = 1_000_000_000;

/// The rules of `spec.behavior`, after defaulting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    /// Upwards.
    pub up: Rules,
    /// Downwards.
    pub down: Rules,
}

impl Default for Behavior {
    /// What the API fills in: upwards at once, doubling or by 4 pods every 15 s, whichever is more; downwards freely after
    /// the controller's stabilisation window.
    fn default() -> Self {
        let percent = Policy {
            amount: Amount::Percent(100),
            period_secs: 15,
        };
        let pods = Policy {
            amount: Amount::Pods(4),
            period_secs: 15,
        };
        Self {
            up: Rules {
                window_secs: Some(0),
                select: Select::Max,
                policies: vec![pods, percent],
            },
            down: Rules {
                window_secs: None,
                select: Select::Max,
                policies: vec![percent],
            },
        }
    }
}

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The stabilisation window in seconds; the controller's own (downwards) or 0 (upwards) where absent.
    pub window_secs: Option<i32>,
    /// Which policy counts.
    pub select: Select,
    /// How much may change within a period.
    pub policies: Vec<Policy>,
}

/// Which of several policies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The one that allows the greatest change.
    Max,
    /// The one that allows the least change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// How much may change within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How much.
    pub amount: Amount,
    /// The period in seconds.
    pub period_secs: i32,
}

/// An amount of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many pods.
    Pods(i32),
    /// So many percent of the pods at the start of the period.
    Percent(i32),
}

/// What a controller remembers of one autoscaler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    recommendations: Vec<(i64, i32)>,
    ups: Vec<Change>,
    downs: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    at: i64,
    pods: i32,
    outdated: bool,
}

impl Memory {
    /// The first look at a workload counts as a recommendation to leave it.
    pub(super) fn begin(&mut self, now: i64, replicas: i32) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, replicas));
        }
    }

    /// Holds a recommendation against the ones before it, and keeps it. Gives back the stabilised one.
    pub(super) fn stabilize(
        &mut self,
        spec: &Spec,
        parameters: &Parameters,
        now: i64,
        current: i32,
        wanted: i32,
    ) -> i32 {
        match &spec.behavior {
            None => {
                let from = now.saturating_sub(parameters.downscale_stabilization);
                let recent = self
                    .recommendations
                    .iter()
                    .filter(|(at, _)| *at >= from)
                    .map(|(_, pods)| *pods);
                let stabilized = recent.fold(wanted, i32::max);
                self.keep(now, wanted, from);
                stabilized
            }
            Some(Behavior { up, down }) => {
                let up_from = now.saturating_sub(window(up, 0));
                let down_from =
                    now.saturating_sub(window(down, parameters.downscale_stabilization));
                let since = |from: i64| {
                    self.recommendations
                        .iter()
                        .filter(move |(at, _)| *at > from)
                        .map(|(_, pods)| *pods)
                };
                let least = since(up_from).fold(wanted, i32::min);
                let most = since(down_from).fold(wanted, i32::max);
                self.keep(now, wanted, up_from.min(down_from));
                current.max(least).min(most)
            }
        }
    }

    /// Puts a recommendation in the place of the last one from before `from`, else at the end.
    fn keep(&mut self, now: i64, pods: i32, from: i64) {
        match self
            .recommendations
            .iter_mut()
            .rev()
            .find(|(at, _)| *at < from)
        {
            Some(old) => *old = (now, pods),
            None => self.recommendations.push((now, pods)),
        }
    }

    /// As much of a change as the rules allow now.
    pub(super) fn limit(&self, spec: &Spec, now: i64, current: i32, wanted: i32) -> i32 {
        let Some(behavior) = &spec.behavior else {
            let most = spec.max.min(current.saturating_mul(2).max(4));
            return if wanted < spec.min {
                spec.min
            } else {
                wanted.min(most)
            };
        };
        if wanted > current {
            let allowed = self.allowed(&behavior.up, now, current, true).max(current);
            wanted.min(spec.max.min(allowed))
        } else if wanted < current {
            let allowed = self
                .allowed(&behavior.down, now, current, false)
                .min(current);
            wanted.max(spec.min.max(allowed))
        } else {
            wanted
        }
    }

    fn allowed(&self, rules: &Rules, now: i64, current: i32, up: bool) -> i32 {
        let proposals = rules.policies.iter().map(|policy| {
            let from = now.saturating_sub(i64::from(policy.period_secs) * SECOND);
            let changed = |changes: &[Change]| {
                changes
                    .iter()
                    .filter(|c| c.at > from)
                    .fold(0, |sum: i32, c| sum.saturating_add(c.pods))
            };
            let start = current
                .saturating_sub(changed(&self.ups))
                .saturating_add(changed(&self.downs));
            match policy.amount {
                Amount::Pods(pods) if up => start.saturating_add(pods),
                Amount::Pods(pods) => start.saturating_sub(pods),
                Amount::Percent(percent) if up => {
                    (f64::from(start) * (1.0 + f64::from(percent) / 100.0)).ceil() as i32
                }
                Amount::Percent(percent) => {
                    (f64::from(start) * (1.0 - f64::from(percent) / 100.0)) as i32
                }
            }
        });
        match (rules.select, up) {
            (Select::Disabled, _) => Some(current),
            (Select::Max, true) | (Select::Min, false) => proposals.max(),
            (Select::Min, true) | (Select::Max, false) => proposals.min(),
        }
        .unwrap_or(current)
    }

    /// Keeps a change that was made.
    pub(super) fn changed(&mut self, spec: &Spec, now: i64, from: i32, to: i32) {
        let Some(behavior) = &spec.behavior else {
            return;
        };
        let (rules, changes) = if to > from {
            (&behavior.up, &mut self.ups)
        } else {
            (&behavior.down, &mut self.downs)
        };
        let longest = rules
            .policies
            .iter()
            .map(|policy| i64::from(policy.period_secs))
            .max()
            .unwrap_or(0)
            * SECOND;
        for change in changes
            .iter_mut()
            .filter(|change| change.at < now.saturating_sub(longest))
        {
            change.outdated = true;
        }
        let new = Change {
            at: now,
            pods: to.saturating_sub(from).saturating_abs(),
            outdated: false,
        };
        match changes.iter_mut().rev().find(|change| change.outdated) {
            Some(old) => *old = new,
            None => changes.push(new),
        }
    }
}

fn window(rules: &Rules, default: i64) -> i64 {
    rules
        .window_secs
        .map_or(default, |secs| i64::from(secs) * SECOND)
}
