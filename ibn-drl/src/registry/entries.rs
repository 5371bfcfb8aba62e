//! The names that there are, with their options.

use crate::bandit::Bandit;
use crate::ladder::Supervised;
use crate::trained::Trained;

/// One name with what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Its options, each with what is allowed.
    pub options: &'static [(&'static str, &'static str)],
    /// Whether it learns.
    pub learns: bool,
}

const TARGET_OPTIONS: [(&str, &str); 3] = [
    ("target", "CPU utilisation in percent, 1 to 200 (70)"),
    (
        "tolerance",
        "relative deviation that is let be, 0 to 1 (0.1)",
    ),
    (
        "stabilization",
        "how long a scale-in must have been wanted, a duration (5m)",
    ),
];

const MPC_OPTIONS: [(&str, &str); 7] = [
    (
        "confidence",
        "how sure predictions must be, 0.5 to 0.999 (by the preference)",
    ),
    (
        "headroom",
        "factor on the demand, 0.5 to 4 (by the preference)",
    ),
    (
        "stabilization",
        "how long a scale-in must have been wanted, a duration (5m)",
    ),
    (
        "trend",
        "share of a rise that is taken to go on, 0 to 1 (1)",
    ),
    (
        "drain",
        "time in which waiting requests are worked off, a duration (1m)",
    ),
    (
        "surgeLimit",
        "most that trend and backlog may make of the measured rate, 1 to 10 (3)",
    ),
    (
        "sizes",
        "whether the CPU of the pods may be changed, true or false (false)",
    ),
];

const BANDIT_OPTIONS: [(&str, &str); 8] = [
    (
        "headrooms",
        "head-rooms to choose from, each 0.5 to 4, ascending, separated by / (0.9/1/1.15/1.35/1.6)",
    ),
    (
        "dwell",
        "how long a choice is kept at least, a duration (5m)",
    ),
    (
        "decay",
        "weight of an experience after one more, 0.5 to 1 (0.999)",
    ),
    ("uniform", "share of uniform choices, 0 to 0.5 (0.02)"),
    (
        "noise",
        "standard deviation of rewards assumed at first, above 0 to 10 (0.1)",
    ),
    (
        "confidence",
        "of the rule, 0.5 to 0.999 (by the preference)",
    ),
    ("stabilization", "of the rule, a duration (5m)"),
    ("trend", "of the rule, 0 to 1 (1)"),
];

const LADDER_OPTIONS: [(&str, &str); 8] = [
    ("learner", "the learner, by name (bandit)"),
    (
        "file",
        "the policy of the learner ppo (the one that is shipped)",
    ),
    ("rule", "the rule that supervises it, by name (mpc)"),
    (
        "start",
        "the rung to begin at: off, shadow, scaleOutOnly or full (shadow)",
    ),
    ("highest", "the rung to go to at most (full)"),
    (
        "promoteAfter",
        "good windows in a row that a step up takes, 1 to 1000000 (60)",
    ),
    (
        "demoteAfter",
        "violated windows in a row that a step down takes, 1 to 1000000 (4)",
    ),
    (
        "tolerance",
        "how far the mean reward may lie below the rule's, 0 to 1000 (0.2)",
    ),
];

/// What this crate offers, by name.
pub const ENTRIES: [Entry; 6] = [
    Entry {
        name: "hold",
        about: "leaves everything as it is",
        options: &[],
        learns: false,
    },
    Entry {
        name: "target",
        about: "as many pods as bring CPU utilisation to a target",
        options: &TARGET_OPTIONS,
        learns: false,
    },
    Entry {
        name: "mpc",
        about: "the fewest pods for which the twin predicts that the objectives are met at the demand to come",
        options: &MPC_OPTIONS,
        learns: false,
    },
    Entry {
        name: Bandit::NAME,
        about: "mpc with a head-room that is learned",
        options: &BANDIT_OPTIONS,
        learns: true,
    },
    Entry {
        name: Supervised::NAME,
        about: "a learner that a rule supervises, from the shadow up",
        options: &LADDER_OPTIONS,
        learns: true,
    },
    Entry {
        name: Trained::NAME,
        about: "a policy that was trained by proximal policy optimisation: ppo:FILE, as `ibn train` writes it",
        options: &[
            (
                "file",
                "the policy, a safetensors file (the one that is shipped)",
            ),
            ("preference", "cost, balanced or performance (the intent's)"),
        ],
        learns: true,
    },
];
