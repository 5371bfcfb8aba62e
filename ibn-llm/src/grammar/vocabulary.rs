//! Typos: which words may be repaired, into which, and which never.

use super::engine::Grammar;
use super::input::NameIndex;
use super::scope;

/// Words of courtesy that may stand anywhere and mean nothing, one letter of the longer ones amiss but not the first.
const COURTESY: &[&str] = &[
    "please",
    "pls",
    "plz",
    "kindly",
    "thanks",
    "thx",
    "cheers",
    "pretty-please",
];

pub(crate) fn is_courtesy(word: &str) -> bool {
    let is_misspelt = |courtesy: &str| {
        courtesy.len() > 5
            && courtesy.chars().next() == word.chars().next()
            && strsim::osa_distance(courtesy, word) == 1
    };
    COURTESY.iter().any(|it| *it == word || is_misspelt(it))
}

/// Words that turn a meaning around: nothing is repaired into one, and nothing that is near one is repaired.
pub(crate) const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "never",
    "none",
    "nothing",
    "nor",
    "neither",
    "without",
    "don't",
    "dont",
    "doesn't",
    "doesnt",
    "do-not",
    "won't",
    "wont",
    "can't",
    "cant",
    "cannot",
    "mustn't",
    "mustnt",
    "shouldn't",
    "shouldnt",
    "needn't",
    "except",
    "unless",
    "but",
    "instead",
    "avoid",
    "stop",
    "isn't",
    "isnt",
    "aren't",
    "wouldn't",
    "couldn't",
    "nobody",
    "hardly",
    "rather",
];

/// Numbers and units: nothing is repaired into one, and nothing that is near one is repaired.
const FIXED: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
    "dozen",
    "half",
    "third",
    "quarter",
    "core",
    "cores",
    "cpus",
    "vcpu",
    "vcpus",
    "millicore",
    "millicores",
    "byte",
    "bytes",
    "megabyte",
    "megabytes",
    "gigabyte",
    "gigabytes",
    "gibibyte",
    "gibibytes",
    "mebibyte",
    "mebibytes",
    "percent",
    "second",
    "seconds",
    "millisecond",
    "milliseconds",
    "minute",
    "minutes",
    "hour",
    "hours",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "times",
    "nines",
];

/// Words that people write for what they are, near to words of the grammar but never meant as them.
const OTHER_WORDS: &[&str] = &[
    "shop",
    "live",
    "lime",
    "wave",
    "code",
    "hire",
    "fire",
    "kill",
    "land",
    "love",
    "save",
    "cold",
    "word",
    "node",
    "nodes",
    "port",
    "ports",
    "host",
    "hosts",
    "role",
    "roles",
    "user",
    "users",
    "file",
    "files",
    "drain",
    "taint",
    "image",
    "images",
    "patch",
    "route",
    "token",
    "trust",
    "quest",
    "guest",
    "best",
    "rest",
    "test",
    "tests",
    "tell",
    "sell",
    "fail",
    "mail",
    "call",
    "page",
    "wage",
    "cave",
    "gave",
    "five",
    "dive",
    "sweet",
    "beep",
    "deep",
    "sleep",
    "creep",
    "stage",
    "staging",
    "there",
    "where",
    "which",
    "while",
    "white",
    "write",
    "right",
    "light",
    "night",
    "nights",
    "nightly",
    "reset",
    "paste",
    "phase",
    "loose",
    "lose",
    "moon",
    "room",
    "back-end",
    "front",
    "frontend",
    "backend",
    "server",
    "servers",
    "store",
    "story",
    "stock",
    "order",
    "orders",
    "search",
    "email",
    "queue",
    "cache",
    "caches",
    "proxy",
    "batch",
    "login",
    "media",
    "model",
    "money",
    "month",
    "mouth",
    "north",
    "south",
    "forth",
    "worth",
    "delete",
    "deleted",
    "deploy",
    "destroy",
    "expose",
    "replace",
    "restart",
    "rename",
    "reboot",
    "remote",
    "reveal",
    "report",
    "reports",
    "restore-point",
    "secret",
    "secrets",
    "shell",
    "root",
];

/// The word of the grammar that a misspelt one is taken for, where there is exactly one nearest.
pub(crate) fn repair(word: &str, grammar: &Grammar, index: &NameIndex) -> Option<String> {
    let length = word.chars().count();
    if !(4..=24).contains(&length) || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    // `mondays` is no misspelt `monday`.
    if OTHER_WORDS.contains(&word) || scope::is_mark(word) {
        return None;
    }
    let limit = |target: &str| match target.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    };
    let within = |target: &str, limit: usize| -> Option<usize> {
        // Cheaper than the distance, and never larger.
        if target.chars().count().abs_diff(length) > limit {
            return None;
        }
        Some(strsim::osa_distance(word, target)).filter(|distance| *distance <= limit)
    };
    let mut best: Option<(usize, &str)> = None;
    let mut tied = false;
    for candidate in grammar.words() {
        if !candidate.chars().all(char::is_alphabetic) {
            continue;
        }
        let Some(distance) = within(candidate, limit(candidate)) else {
            continue;
        };
        match best {
            Some((nearest, _)) if distance > nearest => {}
            Some((nearest, known)) if distance == nearest => {
                tied = tied || lemma(known) != lemma(candidate);
            }
            _ => {
                best = Some((distance, candidate));
                tied = false;
            }
        }
    }
    let (distance, found) = best.filter(|_| !tied)?;
    let protected = NEGATIONS
        .iter()
        .any(|negation| within(negation, distance.max(1)).is_some())
        || FIXED.iter().any(|fixed| within(fixed, distance).is_some())
        || index
            .all()
            .any(|name| limit(name) > 0 && within(name, distance).is_some());
    (!protected).then(|| found.to_owned())
}

/// The word without the ending of a plural.
fn lemma(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}
