//! What a grid of runs came to: means over seeds, differences to a baseline, and who can't be bettered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::estimate::Estimate;
use super::{Played, Totals};

/// What is measured of a run, each as an estimate over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Share of windows of a minute that violated their objective.
    pub violated_windows: Estimate,
    /// Share of requests that were slower than the bound, or failed.
    pub violating_requests: Estimate,
    /// CPU requested over time.
    pub core_hours: Estimate,
    /// Pods over time.
    pub replica_hours: Estimate,
    /// Changes an hour.
    pub churn: Estimate,
    /// Share of requests that were turned away or given up.
    pub failed: Estimate,
}

impl Measures {
    fn of(estimate: impl Fn(fn(&Totals) -> f64) -> Estimate) -> Self {
        Self {
            violated_windows: estimate(|totals| totals.violations.windows),
            violating_requests: estimate(|totals| totals.violations.requests),
            core_hours: estimate(|totals| totals.core_hours),
            replica_hours: estimate(|totals| totals.replica_hours),
            churn: estimate(|totals| totals.churn),
            failed: estimate(|totals| totals.failed),
        }
    }
}

/// A recommender on a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The scenario.
    pub scenario: String,
    /// The recommender.
    pub recommender: String,
    /// Seeds that it was run with.
    pub seeds: usize,
    /// Means over the seeds.
    #[serde(flatten)]
    pub measures: Measures,
    /// Means of the differences to the baseline on the same seeds; absent of the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// Whether no other has both fewer violated windows and fewer core-hours.
    pub pareto: bool,
}

/// Differences to a baseline; below zero is less than the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Which one.
    pub baseline: String,
    /// The differences.
    #[serde(flatten)]
    pub differences: Measures,
}

/// A recommender over all scenarios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overall {
    /// The recommender.
    pub recommender: String,
    /// Scenarios that it was run on.
    pub scenarios: usize,
    /// Share of violated windows, the mean over the scenarios.
    pub violated_windows: Estimate,
    /// Share of violating requests, the mean over the scenarios.
    pub violating_requests: Estimate,
    /// Core-hours as a share of the baseline's, the geometric mean over the scenarios.
    pub relative_core_hours: Estimate,
    /// Changes an hour, the mean over the scenarios.
    pub churn: Estimate,
    /// Whether no other has both fewer violated windows and fewer relative core-hours.
    pub pareto: bool,
}

/// Runs of one recommender on one scenario, by seed.
type BySeed<'a> = BTreeMap<u64, &'a Totals>;

/// Runs by scenario and recommender, in the order in which they first come.
struct Table<'a> {
    rows: Vec<(&'a str, &'a str, BySeed<'a>)>,
}

impl<'a> Table<'a> {
    fn new(played: &'a [Played]) -> Self {
        let mut rows: Vec<(&str, &str, BySeed<'_>)> = Vec::new();
        let mut index: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for run in played {
            let (scenario, recommender) =
                (run.cell.scenario.as_str(), run.cell.recommender.as_str());
            let at = *index.entry((scenario, recommender)).or_insert_with(|| {
                rows.push((scenario, recommender, BySeed::new()));
                rows.len() - 1
            });
            if let Some((_, _, by_seed)) = rows.get_mut(at) {
                by_seed.insert(run.cell.seed, &run.totals);
            }
        }
        Self { rows }
    }

    fn get(&self, scenario: &str, recommender: &str) -> Option<&BySeed<'a>> {
        self.rows
            .iter()
            .find(|(s, r, _)| *s == scenario && *r == recommender)
            .map(|(_, _, by_seed)| by_seed)
    }
}

/// Sums up the runs of a grid, scenario by scenario; `baseline` is a recommender's name, as in the runs.
#[must_use]
pub fn summarise(played: &[Played], baseline: &str) -> Vec<Summary> {
    let table = Table::new(played);
    let mut summaries: Vec<Summary> = table
        .rows
        .iter()
        .map(|(scenario, recommender, by_seed)| Summary {
            scenario: (*scenario).to_owned(),
            recommender: (*recommender).to_owned(),
            seeds: by_seed.len(),
            measures: Measures::of(|measure| {
                Estimate::of(&by_seed.values().map(|of| measure(of)).collect::<Vec<_>>())
            }),
            against: table
                .get(scenario, baseline)
                .filter(|_| *recommender != baseline)
                .and_then(|base| against(by_seed, base, baseline)),
            pareto: false,
        })
        .collect();
    let points: Vec<(usize, f64, f64)> = summaries
        .iter()
        .enumerate()
        .map(|(index, summary)| {
            (
                index,
                summary.measures.violated_windows.mean,
                summary.measures.core_hours.mean,
            )
        })
        .collect();
    let scenarios: Vec<String> = summaries.iter().map(|of| of.scenario.clone()).collect();
    for (index, x, y) in &points {
        let beaten = points.iter().any(|(other, ox, oy)| {
            scenarios.get(*other) == scenarios.get(*index) && dominates((*ox, *oy), (*x, *y))
        });
        if let Some(summary) = summaries.get_mut(*index) {
            summary.pareto = !beaten;
        }
    }
    summaries
}

/// The differences on the seeds that both were run with; `None` where there is none.
fn against(by_seed: &BySeed<'_>, base: &BySeed<'_>, baseline: &str) -> Option<Against> {
    let pairs: Vec<(&Totals, &Totals)> = by_seed
        .iter()
        .filter_map(|(seed, of)| Some((*of, *base.get(seed)?)))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    Some(Against {
        baseline: baseline.to_owned(),
        differences: Measures::of(|measure| {
            let differences: Vec<f64> = pairs
                .iter()
                .map(|(of, base)| measure(of) - measure(base))
                .collect();
            Estimate::of(&differences)
        }),
    })
}

/// Sums up each recommender over all scenarios; core-hours are relative to those of `baseline` on the same scenario and seeds.
///
/// Intervals are of resamples of the seeds within each scenario (a stratified bootstrap): the scenarios are taken as given.
#[must_use]
pub fn overall(played: &[Played], baseline: &str) -> Vec<Overall> {
    let table = Table::new(played);
    let mut names: Vec<&str> = Vec::new();
    for (_, recommender, _) in &table.rows {
        if !names.contains(recommender) {
            names.push(recommender);
        }
    }
    let mut all: Vec<Overall> = names
        .into_iter()
        .filter_map(|recommender| {
            // Each scenario's runs beside the baseline's on the same seeds.
            let groups: Vec<Vec<(&Totals, &Totals)>> = table
                .rows
                .iter()
                .filter(|(_, of, _)| *of == recommender)
                .filter_map(|(scenario, _, by_seed)| {
                    let base = table.get(scenario, baseline)?;
                    let pairs: Vec<_> = by_seed
                        .iter()
                        .filter_map(|(seed, of)| Some((*of, *base.get(seed)?)))
                        .collect();
                    (!pairs.is_empty()).then_some(pairs)
                })
                .collect();
            if groups.is_empty() {
                return None;
            }
            let mean = |measure: fn(&Totals) -> f64| {
                over(&groups, |of, _| measure(of), |group| group.0 / group.2)
            };
            Some(Overall {
                recommender: recommender.to_owned(),
                scenarios: groups.len(),
                violated_windows: mean(|totals| totals.violations.windows),
                violating_requests: mean(|totals| totals.violations.requests),
                churn: mean(|totals| totals.churn),
                relative_core_hours: exp(over(
                    &groups,
                    |of, _| of.core_hours,
                    |(of, base, _)| (of.max(f64::MIN_POSITIVE) / base.max(f64::MIN_POSITIVE)).ln(),
                )),
                pareto: false,
            })
        })
        .collect();
    let points: Vec<(f64, f64)> = all
        .iter()
        .map(|of| (of.violated_windows.mean, of.relative_core_hours.mean))
        .collect();
    for (of, point) in all.iter_mut().zip(&points) {
        of.pareto = !points.iter().any(|other| dominates(*other, *point));
    }
    all
}

/// The mean over groups of what `sum_up` makes of a group's sums: of `value`, of the baseline's core-hours, and of 1.
fn over(
    groups: &[Vec<(&Totals, &Totals)>],
    value: impl Fn(&Totals, &Totals) -> f64,
    sum_up: impl Fn((f64, f64, f64)) -> f64,
) -> Estimate {
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    Estimate::resampled(&sizes, |picks| {
        let total: f64 = groups
            .iter()
            .zip(picks)
            .map(|(group, picks)| {
                let sums = picks.iter().filter_map(|index| group.get(*index)).fold(
                    (0.0, 0.0, 0.0),
                    |sums, (of, base)| {
                        (
                            sums.0 + value(of, base),
                            sums.1 + base.core_hours,
                            sums.2 + 1.0,
                        )
                    },
                );
                sum_up(sums)
            })
            .sum();
        total / groups.len() as f64
    })
}

fn exp(logs: Estimate) -> Estimate {
    Estimate {
        mean: logs.mean.exp(),
        low: logs.low.map(f64::exp),
        high: logs.high.map(f64::exp),
    }
}

/// Whether the first is no worse in both and better in one; less is better.
fn dominates(a: (f64, f64), b: (f64, f64)) -> bool {
    a.0 <= b.0 && a.1 <= b.1 && (a.0 < b.0 || a.1 < b.1)
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, Violations};
    use super::*;

    fn run(scenario: &str, recommender: &str, seed: u64, violated: f64, core_hours: f64) -> Played {
        Played {
            cell: Cell {
                scenario: scenario.to_owned(),
                fingerprint: String::new(),
                recommender: recommender.to_owned(),
                seed,
            },
            totals: Totals {
                violations: Violations {
                    windows: violated,
                    requests: 0.0,
                },
                core_hours,
                ..Totals::default()
            },
            workloads: Vec::new(),
            event_hash: String::new(),
        }
    }

    fn runs() -> Vec<Played> {
        vec![
            run("calm", "hpa", 1, 0.10, 10.0),
            run("calm", "hpa", 2, 0.20, 12.0),
            run("calm", "mpc", 1, 0.05, 8.0),
            run("calm", "mpc", 2, 0.15, 10.0),
            run("calm", "plenty", 1, 0.0, 40.0),
            run("calm", "plenty", 2, 0.0, 40.0),
            run("storm", "hpa", 1, 0.5, 20.0),
            run("storm", "mpc", 1, 0.4, 40.0),
        ]
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        let all = summarise(&runs(), "hpa");
        let mpc = &all[1];
        assert_eq!((mpc.recommender.as_str(), mpc.seeds), ("mpc", 2));
        assert!((mpc.measures.core_hours.mean - 9.0).abs() < 1e-12);
        let differences = &mpc.against.as_ref().unwrap().differences;
        // Two cores less with either seed: no doubt about that, though the means overlap.
        assert_eq!(differences.core_hours.mean, -2.0);
        assert_eq!(differences.core_hours.high, Some(-2.0));
        assert!(differences.violated_windows.is_certain());
        assert!(all[0].against.is_none(), "not against itself");
    }

    #[test]
    fn on_the_front_is_who_is_not_bettered_in_both() {
        let all = summarise(&runs(), "hpa");
        let front: Vec<(&str, &str)> = all
            .iter()
            .filter(|of| of.pareto)
            .map(|of| (of.scenario.as_str(), of.recommender.as_str()))
            .collect();
        assert_eq!(
            front,
            [
                ("calm", "mpc"),
                ("calm", "plenty"),
                ("storm", "hpa"),
                ("storm", "mpc")
            ]
        );
    }

    #[test]
    fn over_scenarios_core_hours_are_compared_as_shares() {
        let all = overall(&runs(), "hpa");
        let mpc = all.iter().find(|of| of.recommender == "mpc").unwrap();
        // 18/22 on one scenario, 40/20 on the other: their geometric mean.
        let expected = (18.0f64 / 22.0 * 2.0).sqrt();
        assert!((mpc.relative_core_hours.mean - expected).abs() < 1e-12);
        assert!((mpc.violated_windows.mean - 0.25).abs() < 1e-12);
        assert_eq!(mpc.scenarios, 2);
        let hpa = all.iter().find(|of| of.recommender == "hpa").unwrap();
        assert!((hpa.relative_core_hours.mean - 1.0).abs() < 1e-12);
        assert_eq!(hpa.relative_core_hours.high, Some(1.0));
    }
}
