//! What learners report, hour by hour.

use std::collections::{BTreeMap, VecDeque};

use ibn_core::roles::LearnReport;
use ibn_core::workload::WorkloadRef;
use jiff::Timestamp;
use serde::Serialize;

/// Hours that are kept of each workload.
const HOURS: usize = 72;

/// What a workload's learner reported in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearningHour {
    /// The beginning of the hour.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Mean reward of the hour.
    pub reward: f64,
    /// Mean distance between what was expected and what came, in the unit of the reward.
    pub error: f64,
    /// Share of actions that were explored, at the end of the hour, 0 to 1.
    pub exploration: f64,
    /// Experiences that were taken in during the hour.
    pub experiences: u64,
    /// Experiences that were taken in since the learner began.
    pub experiences_so_far: u64,
}

/// What is known of one workload's learner.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Learner {
    /// The policy that its decisions named last; empty until there is one.
    pub(crate) name: String,
    /// What it reported last.
    pub(crate) last: Option<LearnReport>,
    /// How often it was trusted less.
    pub(crate) demotions: u64,
    hours: VecDeque<LearningHour>,
}

#[derive(Debug, Default)]
pub(super) struct Learning {
    learners: BTreeMap<WorkloadRef, Learner>,
}

impl Learning {
    pub(super) fn name(&mut self, workload: &WorkloadRef, name: &str) {
        let learner = self.learners.entry(workload.clone()).or_default();
        if learner.name != name {
            name.clone_into(&mut learner.name);
        }
    }

    pub(super) fn demote(&mut self, workload: &WorkloadRef) {
        self.learners.entry(workload.clone()).or_default().demotions += 1;
    }

    pub(super) fn take(&mut self, now: Timestamp, workload: &WorkloadRef, report: &LearnReport) {
        let Ok(at) = Timestamp::from_second(now.as_second().div_euclid(3600) * 3600) else {
            return;
        };
        let learner = self.learners.entry(workload.clone()).or_default();
        learner.last = Some(report.clone());
        let hours = &mut learner.hours;
        if hours.back().is_none_or(|hour| hour.at < at) {
            hours.push_back(LearningHour {
                at,
                reward: 0.0,
                error: 0.0,
                exploration: report.exploration,
                experiences: 0,
                experiences_so_far: 0,
            });
            while hours.len() > HOURS {
                hours.pop_front();
            }
        }
        let Some(hour) = hours.back_mut() else {
            return;
        };
        hour.exploration = report.exploration;
        hour.experiences_so_far = report.experiences;
        // A reward that can't be told (NaN) would spoil the mean for the whole hour.
        if report.reward.is_finite() && report.error.is_finite() {
            hour.experiences += 1;
            let count = hour.experiences as f64;
            hour.reward += (report.reward - hour.reward) / count;
            hour.error += (report.error - hour.error) / count;
        }
    }

    pub(super) fn retain(&mut self, is_there: impl Fn(&WorkloadRef) -> bool) {
        self.learners.retain(|workload, _| is_there(workload));
    }

    pub(super) fn learners(&self) -> &BTreeMap<WorkloadRef, Learner> {
        &self.learners
    }

    pub(super) fn by_workload(&self) -> BTreeMap<WorkloadRef, Vec<LearningHour>> {
        self.learners
            .iter()
            .filter(|(_, learner)| !learner.hours.is_empty())
            .map(|(workload, learner)| (workload.clone(), learner.hours.iter().copied().collect()))
            .collect()
    }
}
