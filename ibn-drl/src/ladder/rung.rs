//! The rungs of trust, and how a learner goes up and down them.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Faults, Result};

/// How far a learner is trusted. Ordered from none to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rung {
    /// It is not asked.
    Off,
    /// It is asked and its advice is logged; the rule's is taken.
    Shadow,
    /// Of its advice what is more than the rule's is taken.
    ScaleOutOnly,
    /// Its advice is taken.
    Full,
}

impl Rung {
    /// All rungs, the lowest first.
    pub const ALL: [Self; 4] = [Self::Off, Self::Shadow, Self::ScaleOutOnly, Self::Full];

    /// The name as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::ScaleOutOnly => "scaleOutOnly",
            Self::Full => "full",
        }
    }

    /// One up; nobody climbs out of `Off` by merit, since there nothing is seen of it.
    #[must_use]
    fn above(self) -> Option<Self> {
        match self {
            Self::Shadow => Some(Self::ScaleOutOnly),
            Self::ScaleOutOnly => Some(Self::Full),
            Self::Off | Self::Full => None,
        }
    }

    /// One down; in the shadow no harm is done, so there it ends.
    #[must_use]
    fn below(self) -> Option<Self> {
        match self {
            Self::Full => Some(Self::ScaleOutOnly),
            Self::ScaleOutOnly => Some(Self::Shadow),
            Self::Off | Self::Shadow => None,
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Rung {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|rung| rung.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is not a rung: off, shadow, scaleOutOnly or full is expected")
            })
    }
}

/// When a learner goes up and down.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderSettings {
    /// Where it begins.
    pub start: Rung,
    /// How far it may go.
    pub highest: Rung,
    /// Good windows in a row that a step up takes, at least 1; doubles with each step down, up to 16 times as many.
    pub promote_after: u32,
    /// Violated windows in a row, while its advice acts, that a step down takes, at least 1.
    pub demote_after: u32,
    /// Windows over which its rewards are compared with those of the rule, at least 2.
    pub compare_over: u32,
    /// How far its mean reward may lie below the rule's.
    pub tolerance: f64,
}

impl Default for LadderSettings {
    fn default() -> Self {
        Self {
            start: Rung::Shadow,
            highest: Rung::Full,
            promote_after: 60,
            demote_after: 4,
            compare_over: 20,
            tolerance: 0.2,
        }
    }
}

impl LadderSettings {
    fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        if self.start > self.highest {
            faults.push(format!(
                "`start` is {}, above `highest`, {}",
                self.start, self.highest
            ));
        }
        faults.in_range("promoteAfter", self.promote_after.into(), 1.0..=1e6);
        faults.in_range("demoteAfter", self.demote_after.into(), 1.0..=1e6);
        faults.in_range("compareOver", self.compare_over.into(), 2.0..=1e6);
        faults.in_range("tolerance", self.tolerance, 0.0..=1e3);
        faults.finish("ladder")
    }
}

/// Where a learner stands, and why; a state machine without a clock, moved by windows and by causes.
///
/// ```
/// use ibn_drl::ladder::{Ladder, LadderSettings, Rung};
///
/// let mut ladder = Ladder::new(LadderSettings { promote_after: 2, ..LadderSettings::default() }).unwrap();
/// ladder.window(true, 0.0, -0.1);
/// ladder.window(true, 0.0, -0.1);
/// assert_eq!(ladder.rung(), Rung::ScaleOutOnly);
/// ladder.demote("its input was not a number");
/// assert_eq!(ladder.rung(), Rung::Shadow);
/// // Trust is harder to regain: it takes four good windows now.
/// for _ in 0..3 {
///     ladder.window(true, 0.0, -0.1);
/// }
/// assert_eq!(ladder.rung(), Rung::Shadow);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    settings: LadderSettings,
    state: State,
}

/// What a checkpoint keeps of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    rung: Rung,
    cause: String,
    good: u32,
    violated: u32,
    demotions: u32,
    /// Mean reward of the rule alone, and of how many windows.
    rule_reward: f64,
    rule_windows: u32,
    recent: VecDeque<f64>,
}

impl Ladder {
    /// A ladder on which the learner stands at the start.
    ///
    /// # Errors
    /// [`crate::Error::Settings`] with all that is out of range.
    pub fn new(settings: LadderSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            state: State {
                rung: settings.start,
                cause: "it begins here".to_owned(),
                good: 0,
                violated: 0,
                demotions: 0,
                rule_reward: 0.0,
                rule_windows: 0,
                recent: VecDeque::new(),
            },
            settings,
        })
    }

    /// Where the learner stands.
    #[must_use]
    pub fn rung(&self) -> Rung {
        self.state.rung
    }

    /// Why it stands there.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.state.cause
    }

    /// Good windows in a row that the next step up takes.
    #[must_use]
    pub fn needed(&self) -> u32 {
        self.settings
            .promote_after
            .saturating_mul(1 << self.state.demotions.min(4))
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Goes on from a state that was kept, never above what the settings allow.
    pub(super) fn resume(&mut self, state: State) {
        let highest = self.settings.highest;
        self.state = state;
        if self.state.rung > highest {
            self.stand(highest, "the settings allow no more".to_owned());
        }
    }

    /// One window is over. `sound` says that the learner's advice was one that could be taken; `violation` is the share of
    /// objectives that were violated and `reward` the reward, each NaN where it can't be told.
    pub fn window(&mut self, sound: bool, violation: f64, reward: f64) {
        let acting = self.state.rung > Rung::Shadow;
        if self.state.rung == Rung::Off {
            return;
        }
        if !sound {
            self.demote("its advice could not be taken");
            return;
        }
        if violation > 0.0 {
            self.state.violated += 1;
            self.state.good = 0;
        } else if violation == 0.0 {
            self.state.violated = 0;
            self.state.good += 1;
        }
        if reward.is_finite() {
            if acting {
                self.state.recent.push_back(reward);
                while self.state.recent.len() > self.settings.compare_over as usize {
                    self.state.recent.pop_front();
                }
            } else {
                self.state.rule_windows = self.state.rule_windows.saturating_add(1);
                let weight = (1.0 / f64::from(self.state.rule_windows)).max(0.01);
                self.state.rule_reward += weight * (reward - self.state.rule_reward);
            }
        }
        if acting && self.state.violated >= self.settings.demote_after {
            let count = self.state.violated;
            self.demote(&format!(
                "an objective was violated in {count} windows in a row"
            ));
        } else if let Some((own, rule)) = self.worse_than_the_rule() {
            self.demote(&format!(
                "its mean reward is {own:.3}, the rule's was {rule:.3}"
            ));
        } else if self.state.good >= self.needed()
            && let Some(above) = self
                .state
                .rung
                .above()
                .filter(|rung| *rung <= self.settings.highest)
        {
            let good = self.state.good;
            self.stand(above, format!("{good} good windows in a row"));
        }
    }

    /// The learner's and the rule's mean reward, where the first is worse by more than the tolerance.
    fn worse_than_the_rule(&self) -> Option<(f64, f64)> {
        let recent = &self.state.recent;
        let enough = recent.len() >= self.settings.compare_over as usize
            && self.state.rule_windows >= self.settings.compare_over
            && self.state.rung > Rung::Shadow;
        let own = recent.iter().sum::<f64>() / recent.len().max(1) as f64;
        let rule = self.state.rule_reward;
        (enough && own < rule - self.settings.tolerance).then_some((own, rule))
    }

    /// One rung down at once, for a cause; in the shadow only the count of good windows begins anew.
    pub fn demote(&mut self, cause: &str) {
        if self.step_down(cause) {
            self.state.demotions = self.state.demotions.saturating_add(1);
        }
    }

    /// The same for what is not the learner's fault: it doesn't take longer to come back.
    pub fn step_down(&mut self, cause: &str) -> bool {
        self.state.good = 0;
        let below = self.state.rung.below();
        if let Some(below) = below {
            self.stand(below, cause.to_owned());
        }
        below.is_some()
    }

    fn stand(&mut self, rung: Rung, cause: String) {
        self.state.rung = rung;
        self.state.cause = cause;
        self.state.good = 0;
        self.state.violated = 0;
        self.state.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Ladder {
        Ladder::new(LadderSettings {
            promote_after: 3,
            demote_after: 2,
            compare_over: 3,
            tolerance: 0.1,
            ..LadderSettings::default()
        })
        .unwrap()
    }

    fn good(ladder: &mut Ladder, windows: u32) {
        for _ in 0..windows {
            ladder.window(true, 0.0, -0.1);
        }
    }

    #[test]
    fn climbs_by_good_windows_in_a_row_only() {
        let mut ladder = ladder();
        good(&mut ladder, 2);
        ladder.window(true, 0.5, -0.6);
        good(&mut ladder, 2);
        assert_eq!(ladder.rung(), Rung::Shadow);
        good(&mut ladder, 1);
        assert_eq!(ladder.rung(), Rung::ScaleOutOnly);
        good(&mut ladder, 3);
        assert_eq!(
            (ladder.rung(), ladder.cause()),
            (Rung::Full, "3 good windows in a row")
        );
        // A window of which nothing is known is neither.
        ladder.window(true, f64::NAN, f64::NAN);
        assert_eq!(ladder.rung(), Rung::Full);
    }

    #[test]
    fn falls_at_once_and_needs_twice_as_long() {
        let mut ladder = ladder();
        good(&mut ladder, 6);
        ladder.window(true, 1.0, -1.0);
        assert_eq!(ladder.rung(), Rung::Full);
        ladder.window(true, 1.0, -1.0);
        assert_eq!(ladder.rung(), Rung::ScaleOutOnly);
        assert_eq!(ladder.needed(), 6);
        ladder.window(false, 0.0, 0.0);
        assert_eq!(ladder.rung(), Rung::Shadow);
        ladder.demote("once more");
        assert_eq!((ladder.rung(), ladder.needed()), (Rung::Shadow, 12));
    }

    #[test]
    fn falls_where_it_earns_less_than_the_rule() {
        let mut ladder = ladder();
        good(&mut ladder, 20);
        assert_eq!(ladder.rung(), Rung::Full);
        let mut worse = ladder.clone();
        ladder.window(true, 0.0, -0.3);
        // A mean of −0.27 is below −0.1 by more than the tolerance.
        worse.window(true, 0.0, -0.6);
        assert_eq!(ladder.rung(), Rung::Full);
        assert_eq!(worse.rung(), Rung::ScaleOutOnly);
        assert!(
            worse.cause().starts_with("its mean reward is"),
            "{}",
            worse.cause()
        );
    }

    #[test]
    fn off_stays_off_and_highest_holds() {
        let mut off = Ladder::new(LadderSettings {
            start: Rung::Off,
            ..LadderSettings::default()
        })
        .unwrap();
        let mut low = Ladder::new(LadderSettings {
            highest: Rung::ScaleOutOnly,
            promote_after: 1,
            ..LadderSettings::default()
        })
        .unwrap();
        good(&mut off, 1_000);
        good(&mut low, 1_000);
        assert_eq!((off.rung(), low.rung()), (Rung::Off, Rung::ScaleOutOnly));
        let error = Ladder::new(LadderSettings {
            start: Rung::Full,
            highest: Rung::Shadow,
            promote_after: 0,
            ..LadderSettings::default()
        })
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "ladder: `start` is full, above `highest`, shadow; `promoteAfter` is 0, allowed is 1 to 1000000"
        );
    }
}
