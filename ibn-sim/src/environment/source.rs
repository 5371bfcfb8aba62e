//! A distribution of scenarios to train on.

use std::time::Duration;

use ibn_core::intent::Range;
use ibn_core::observation::Signal;
use ibn_core::roles::{Environment, ScenarioSource};
use ibn_core::units::{Bytes, CpuMillis};

use super::{ActionKind, Engine, ScenarioEnvironment};
use crate::balance::Balancing;
use crate::error::Result;
use crate::law::Law;
use crate::rng::{Purpose, Seeds, Stream, uniform};
use crate::scenario::{
    DemandSpec, Fault, FaultEffect, RateStep, Scenario, SlowPods, SwitchingRate,
};

/// Scenarios of one workload, drawn anew for each seed: how long requests take and by which law, how long pods take to start, how fast
/// the objective must be met, how the load goes (constant, in steps, in bursts, or with surges), and, once the level is above a half,
/// slow pods and signals that are missing or late.
///
/// At level 0 each is near what is usual: exponential work of 20 ms, 5 s to start, a nearly constant load. At level 1 work takes 5 to
/// 80 ms with any law, pods start within 2 min, and the load may grow sixfold from one step to the next.
#[derive(Clone)]
pub struct ScenarioDistribution {
    engine: Engine,
    actions: ActionKind,
    horizon: Duration,
    control_period: Duration,
    /// The easiest one, by which it is known that all can be had.
    easiest: ScenarioEnvironment,
}

/// What all have in common.
const BASE: &str = r#"
name = "drawn"
horizon = "2h"
nodes = [{ name = "node", count = 4, cpu = "16", memory = "64Gi" }]
[[workloads]]
namespace = "train"
name = "web"
replicas = 2
bounds = { min = 1, max = 24 }
requests = { cpu = "500m", memory = "256Mi" }
limits = { cpu = "1", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
concurrency = 8
timeout = "10s"
baseMemory = "64Mi"
memoryPerRequest = "512Ki"
slo = { atMost = "200ms" }
demand = { constant = 20.0 }
"#;

impl ScenarioDistribution {
    /// Episodes of `horizon` in steps of `control_period`; two hours in steps of 15 s are usual.
    ///
    /// # Errors
    /// A horizon of less than two control periods, or a control period that the engine can't do.
    pub fn new(
        engine: Engine,
        actions: ActionKind,
        horizon: Duration,
        control_period: Duration,
    ) -> Result<Self> {
        let easiest = Scenario {
            horizon,
            control_period,
            ..Scenario::from_toml(BASE)?
        };
        Ok(Self {
            engine,
            actions,
            horizon,
            control_period,
            easiest: ScenarioEnvironment::new(easiest, engine, actions)?,
        })
    }

    /// The scenario of a level and a seed.
    ///
    /// # Errors
    /// None; the file that all begin with is part of the crate and of its tests.
    pub fn scenario(&self, level: f64, seed: u64) -> Result<Scenario> {
        let level = if level.is_nan() {
            0.0
        } else {
            level.clamp(0.0, 1.0)
        };
        let mut stream = Seeds::new(seed).stream(Purpose::Demand, "distribution", 0);
        let mut draw = Draw(&mut stream, level);
        let mut scenario = Scenario::from_toml(BASE)?;
        scenario.horizon = self.horizon;
        scenario.control_period = self.control_period;
        let Some(of) = scenario.workloads.first_mut() else {
            return Ok(scenario);
        };

        let work = draw.around(0.02, 4.0);
        let mean = Duration::from_secs_f64(work);
        of.service = match draw.one_of(4) {
            0 => Law::Exponential { mean },
            1 => Law::Erlang {
                mean,
                shape: 2 + draw.one_of(4) as u32,
            },
            2 => Law::Lognormal {
                mean,
                cv: draw.between(0.8, 0.3, 2.0),
            },
            _ => Law::Hyperexponential {
                mean,
                cv: draw.between(1.2, 1.0, 3.0),
            },
        };
        let startup = draw.between(5.0, 2.0, 120.0);
        of.startup = Law::Lognormal {
            mean: Duration::from_secs_f64(startup),
            cv: 0.2,
        };
        of.balancing = match draw.one_of(3) {
            0 => Balancing::Random,
            1 => Balancing::RoundRobin,
            _ => Balancing::LeastLoaded,
        };
        let request = 250u64 << draw.one_of(3);
        of.requests.cpu = Some(CpuMillis::new(request));
        of.limits.cpu = Some(CpuMillis::new(
            (request as f64 * draw.between(2.0, 1.0, 3.0)) as u64,
        ));
        of.requests.memory = Some(Bytes::new(256 << 20));
        of.slo.at_most = Duration::from_secs_f64(work * draw.between(10.0, 6.0, 25.0));
        of.bounds = Range::new(Some(1), Some(24));

        // The load of so many pods that are busy for half of what they request.
        let capacity = request as f64 / 1000.0 / work;
        let usual = capacity * draw.between(3.0, 1.0, 6.0) * 0.5;
        of.replicas = 1 + (usual / capacity * 1.5) as u32;
        let most = capacity * 15.0;
        of.demand = match draw.one_of(3) {
            0 => DemandSpec::Constant(usual),
            1 => DemandSpec::Switching(SwitchingRate {
                rates: vec![usual, (usual * draw.between(1.3, 1.5, 5.0)).min(most)],
                stays: vec![
                    Duration::from_secs_f64(draw.between(600.0, 120.0, 1800.0)),
                    Duration::from_secs_f64(draw.between(300.0, 60.0, 900.0)),
                ],
            }),
            _ => {
                let mut steps = Vec::new();
                let mut at = Duration::ZERO;
                while at < self.horizon {
                    let rate = usual * draw.around(1.0, 3.0);
                    steps.push(RateStep {
                        at,
                        rate: rate.clamp(capacity * 0.1, most),
                    });
                    let stay = draw.between(600.0, 60.0, 1800.0);
                    at += Duration::from_secs(stay as u64);
                }
                DemandSpec::Steps(steps)
            }
        };
        if draw.one_of(4) == 3 {
            let span = self.horizon.as_secs();
            scenario.faults.push(Fault {
                lasts: Duration::from_secs(300 + 60 * draw.one_of(10) as u64),
                ..Fault::once(
                    Duration::from_secs(span / 4 + draw.one_of(8) as u64 * span / 16),
                    FaultEffect::Surge(
                        (1.0 + 5.0 * level * draw.share())
                            .min(most / usual)
                            .max(1.0),
                    ),
                )
            });
        }
        if level > 0.5 {
            let at =
                Duration::from_secs(600 + draw.one_of(60) as u64 * self.horizon.as_secs() / 100);
            let lasts = Duration::from_secs(600 + 60 * draw.one_of(30) as u64);
            let effect = match draw.one_of(12) {
                0 | 1 => Some(FaultEffect::SlowPods(SlowPods {
                    pods: 1 + draw.one_of(3) as u32,
                    factor: draw.between(2.0, 1.5, 4.0),
                })),
                2 => Some(FaultEffect::Missing(vec![Signal::CpuUsage])),
                3 => Some(FaultEffect::Missing(Vec::new())),
                4 => Some(FaultEffect::Late(Duration::from_secs(180))),
                _ => None,
            };
            scenario.faults.extend(effect.map(|effect| Fault {
                lasts,
                ..Fault::once(at, effect)
            }));
        }
        Ok(scenario)
    }
}

/// Draws that grow with the level.
struct Draw<'s>(&'s mut Stream, f64);

impl Draw<'_> {
    fn share(&mut self) -> f64 {
        uniform(self.0)
    }

    fn one_of(&mut self, choices: usize) -> usize {
        ((self.share() * choices as f64) as usize).min(choices - 1)
    }

    /// From `usual` at level 0 to anything between `low` and `high` at level 1, evenly in the logarithm.
    fn between(&mut self, usual: f64, low: f64, high: f64) -> f64 {
        let drawn = low * (high / low).powf(self.share());
        usual * (drawn / usual).powf(self.1)
    }

    /// From `usual` to at most `factor` times more or less at level 1, a fifth of that at level 0.
    fn around(&mut self, usual: f64, factor: f64) -> f64 {
        let way = 2.0 * self.share() - 1.0;
        usual * factor.powf(way * (0.2 + 0.8 * self.1))
    }
}

impl ScenarioSource for ScenarioDistribution {
    fn sample(&self, level: f64, seed: u64) -> Box<dyn Environment> {
        let made = self
            .scenario(level, seed)
            .and_then(|of| ScenarioEnvironment::new(of, self.engine, self.actions));
        // All are within what can be had; the easiest would stand in for one that isn't.
        Box::new(made.unwrap_or_else(|_| self.easiest.clone()))
    }
}
