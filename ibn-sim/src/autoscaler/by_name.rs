//! Autoscalers by name, as a command line names them.

use std::time::Duration;

use ibn_core::roles::Recommender;
use ibn_core::units::parse_duration;

use super::Fixed;
use super::hpa::Hpa;
use super::keda::{Keda, Settings};
use super::vpa::{Config, Vpa};
use crate::error::{Error, Result};

/// What there is: name, what it is, and its options with what each may be.
pub const ENTRIES: [Entry; 4] = [
    Entry {
        name: "fixed",
        about: "always the same number of pods",
        options: &[("replicas", "pods (those that it finds)")],
    },
    Entry {
        name: "hpa",
        about: "Kubernetes' HorizontalPodAutoscaler on CPU utilisation",
        options: &[
            ("target", "share of the CPU requests, 0.01 to 2 (0.8)"),
            ("min", "fewest pods (1)"),
            ("max", "most pods (by the scenario)"),
        ],
    },
    Entry {
        name: "keda",
        about: "KEDA on the rate of requests, down to zero where bounds allow",
        options: &[
            (
                "rps",
                "requests a second that a pod is to have, above 0 (10)",
            ),
            ("min", "fewest pods (0)"),
            ("max", "most pods (100)"),
            ("polling", "time between two looks, a duration (30s)"),
            (
                "cooldown",
                "time without requests before the last pod goes, a duration (5m)",
            ),
        ],
    },
    Entry {
        name: "vpa",
        about: "Kubernetes' VerticalPodAutoscaler: sizes of pods, resized in place",
        options: &[(
            "margin",
            "added to every percentile, as a share, 0 to 10 (0.15)",
        )],
    },
];

/// One name with what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its options, each with what is allowed and, in parentheses, the default.
    pub options: &'static [(&'static str, &'static str)],
}

/// Makes the autoscaler of this name with these options.
///
/// ```
/// use ibn_sim::autoscaler::by_name;
///
/// assert_eq!(by_name("hpa", [("target", "0.7")])?.name(), "hpa");
/// let error = by_name("hpa", [("target", "70"), ("maximum", "3")]).err().unwrap();
/// assert_eq!(
///     error.to_string(),
///     "hpa: `target` is `70`, allowed is share of the CPU requests, 0.01 to 2 (0.8); `maximum` is no option, allowed are target, min, max"
/// );
/// # Ok::<(), ibn_sim::Error>(())
/// ```
///
/// # Errors
/// [`Error::Autoscaler`] for an unknown name, or with every fault of the options.
pub fn by_name<'a>(
    name: &str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Box<dyn Recommender>> {
    let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
        let known: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
        return Err(Error::Autoscaler(format!(
            "there is no autoscaler `{name}`: allowed are {}",
            known.join(", ")
        )));
    };
    let mut options = Options {
        entry,
        given: options.into_iter().collect(),
        faults: Vec::new(),
    };
    let positive = |text: &str| {
        text.parse()
            .ok()
            .filter(|number: &f64| *number > 0.0 && number.is_finite())
    };
    let whole = |text: &str| text.parse::<u32>().ok();
    let made: Box<dyn Recommender> = match entry.name {
        "hpa" => {
            let share = |text: &str| positive(text).filter(|share| (0.01..=2.0).contains(share));
            let target = options.read("target", share).unwrap_or(0.8);
            let hpa = Hpa::new((target * 100.0).round() as u32);
            let min = options.read("min", whole);
            let max = options.read("max", whole);
            match (min, max) {
                (None, None) => Box::new(hpa),
                (min, max) => Box::new(hpa.with_bounds(min.unwrap_or(1), max.unwrap_or(u32::MAX))),
            }
        }
        "keda" => {
            let mut settings = Settings::default();
            let duration = |text: &str| parse_duration(text).ok().filter(|it| *it > Duration::ZERO);
            options.set("rps", positive, &mut settings.requests_per_pod);
            options.set("min", whole, &mut settings.min);
            options.set("max", whole, &mut settings.max);
            options.set("polling", duration, &mut settings.polling);
            options.set("cooldown", duration, &mut settings.cooldown);
            Box::new(Keda::new(settings))
        }
        "vpa" => {
            let mut config = Config::default();
            let share = |text: &str| {
                text.parse()
                    .ok()
                    .filter(|share| (0.0..=10.0).contains(share))
            };
            options.set("margin", share, &mut config.margin);
            Box::new(Vpa::new(config))
        }
        _ => match options.read("replicas", whole) {
            Some(replicas) => Box::new(Fixed::at(replicas)),
            None => Box::new(Fixed::as_found()),
        },
    };
    options.finish(made)
}

struct Options<'a> {
    entry: &'static Entry,
    given: Vec<(&'a str, &'a str)>,
    faults: Vec<String>,
}

impl Options<'_> {
    fn read<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (_, text) = self.given.iter().find(|(given, _)| *given == key)?;
        let value = parse(text);
        if value.is_none() {
            let allowed = self.entry.options.iter().find(|(name, _)| *name == key);
            let allowed = allowed.map_or("", |(_, allowed)| allowed);
            self.faults
                .push(format!("`{key}` is `{text}`, allowed is {allowed}"));
        }
        value
    }

    fn set<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>, into: &mut T) {
        if let Some(value) = self.read(key, parse) {
            *into = value;
        }
    }

    fn finish<T>(mut self, made: T) -> Result<T> {
        let allowed: Vec<&str> = self.entry.options.iter().map(|(key, _)| *key).collect();
        for (key, _) in &self.given {
            if !allowed.contains(key) {
                let fault = format!("`{key}` is no option, allowed are {}", allowed.join(", "));
                self.faults.push(fault);
            }
        }
        if self.faults.is_empty() {
            Ok(made)
        } else {
            let faults = self.faults.join("; ");
            Err(Error::Autoscaler(format!("{}: {faults}", self.entry.name)))
        }
    }
}
