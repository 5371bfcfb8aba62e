//! Reads the options of a choice.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::intent::Preference;
use ibn_core::units::parse_duration;

use super::{ENTRIES, Spec};
use crate::error::{Error, Result};
use crate::ladder::Rung;
use crate::rules::{MpcSettings, TargetSettings};
use crate::trained::TrainedPolicy;

/// Reads options and collects what is wrong with them; knows from the entry which there are.
pub(super) struct Options<'a> {
    spec: &'a Spec,
    pub(super) faults: Vec<String>,
}

impl<'a> Options<'a> {
    pub(super) fn of(spec: &'a Spec) -> Self {
        Self {
            spec,
            faults: Vec::new(),
        }
    }

    pub(super) fn read<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.spec.option(key)?;
        let value = parse(text);
        if value.is_none() {
            self.faults
                .push(format!("`{key}` is `{text}`, {expected} is expected"));
        }
        value
    }

    /// The trained policy of the option `file`, the shipped one where absent.
    pub(super) fn policy(&mut self) -> Arc<TrainedPolicy> {
        let Some(file) = self.spec.option("file") else {
            return TrainedPolicy::shipped();
        };
        let read = std::fs::read(file)
            .map_err(|error| error.to_string())
            .and_then(|bytes| TrainedPolicy::from_bytes(&bytes).map_err(|it| it.to_string()));
        match read {
            Ok(policy) => Arc::new(policy),
            Err(error) => {
                self.faults.push(format!("`file` is `{file}`: {error}"));
                TrainedPolicy::shipped()
            }
        }
    }

    pub(super) fn preference(&mut self) -> Option<Preference> {
        let allowed = "`cost`, `balanced` or `performance`";
        self.read("preference", allowed, |text| match text {
            "cost" => Some(Preference::Cost),
            "balanced" => Some(Preference::Balanced),
            "performance" => Some(Preference::Performance),
            _ => None,
        })
    }

    pub(super) fn optional(&mut self, key: &str) -> Option<f64> {
        self.read(key, "a number", |text| text.parse().ok())
    }

    pub(super) fn number(&mut self, key: &str, into: &mut f64) {
        *into = self.optional(key).unwrap_or(*into);
    }

    pub(super) fn duration(&mut self, key: &str, into: &mut Duration) {
        let read = self.read(key, "a duration such as `5m`", |text| {
            parse_duration(text).ok()
        });
        *into = read.unwrap_or(*into);
    }

    pub(super) fn count(&mut self, key: &str, into: &mut u32) {
        let read = self.read(key, "a whole number", |text| text.parse().ok());
        *into = read.unwrap_or(*into);
    }

    pub(super) fn rung(&mut self, key: &str, into: &mut Rung) {
        let read = self.read(key, "off, shadow, scaleOutOnly or full", |text| {
            text.parse().ok()
        });
        *into = read.unwrap_or(*into);
    }

    pub(super) fn numbers(&mut self, key: &str, into: &mut Vec<f64>) {
        let read = self.read(key, "a list such as `1/1.2/1.5`", |text| {
            text.split('/')
                .map(|part| part.trim().parse().ok())
                .collect()
        });
        if let Some(read) = read {
            *into = read;
        }
    }

    pub(super) fn target(&mut self) -> TargetSettings {
        let mut settings = TargetSettings::default();
        self.number("target", &mut settings.target);
        self.number("tolerance", &mut settings.tolerance);
        self.duration("stabilization", &mut settings.stabilization);
        settings
    }

    pub(super) fn mpc(&mut self) -> MpcSettings {
        let mut settings = MpcSettings {
            confidence: self.optional("confidence"),
            headroom: self.optional("headroom"),
            ..MpcSettings::default()
        };
        self.duration("stabilization", &mut settings.stabilization);
        self.number("trend", &mut settings.demand.trend);
        self.duration("drain", &mut settings.demand.drain);
        self.number("surgeLimit", &mut settings.demand.surge_limit);
        let sizes = self.read("sizes", "true or false", |text| text.parse().ok());
        settings.sizes = sizes.unwrap_or(settings.sizes);
        settings
    }

    /// Makes the thing, or tells every fault: of the texts, of unknown options, and of the values.
    pub(super) fn finish<S, T>(mut self, settings: S, make: impl Fn(S) -> Result<T>) -> Result<T> {
        let allowed: Vec<&str> = ENTRIES
            .iter()
            .filter(|entry| entry.name == self.spec.name())
            .flat_map(|entry| entry.options.iter().map(|(key, _)| *key))
            .collect();
        for (key, _) in self.spec.options() {
            if !allowed.contains(&key) {
                let allowed = if allowed.is_empty() {
                    "there are none".to_owned()
                } else {
                    format!("allowed are {}", allowed.join(", "))
                };
                self.faults
                    .push(format!("`{key}` is not an option, {allowed}"));
            }
        }
        match make(settings) {
            Ok(made) if self.faults.is_empty() => Ok(made),
            Ok(_) => Err(Error::Settings {
                what: self.spec.name().to_owned(),
                faults: self.faults,
            }),
            Err(Error::Settings { faults, .. }) => {
                self.faults.extend(faults);
                Err(Error::Settings {
                    what: self.spec.name().to_owned(),
                    faults: self.faults,
                })
            }
            // A name inside an option that doesn't exist is told with the options.
            Err(_) if !self.faults.is_empty() => Err(Error::Settings {
                what: self.spec.name().to_owned(),
                faults: self.faults,
            }),
            Err(other) => Err(other),
        }
    }
}
