//! The written form of a choice.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::trained::Trained;

/// `NAME[:key=value,…]`: what is to recommend, and its settings.
///
/// ```
/// use ibn_drl::Spec;
///
/// let spec: Spec = "mpc:confidence=0.9,stabilization=5m".parse().unwrap();
/// assert_eq!((spec.name(), spec.option("confidence")), ("mpc", Some("0.9")));
/// assert_eq!(spec.to_string(), "mpc:confidence=0.9,stabilization=5m");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spec {
    name: String,
    options: BTreeMap<String, String>,
}

impl Spec {
    /// A recommender with its defaults.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: BTreeMap::new(),
        }
    }

    /// The same with one more option.
    #[must_use]
    pub fn with_option(mut self, key: &str, value: &str) -> Self {
        self.options.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of an option.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }

    /// The options by key.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl FromStr for Spec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut faults = Vec::new();
        if name.trim().is_empty() {
            faults.push(format!(
                "`{text}` names no recommender: `NAME[:key=value,…]` is expected"
            ));
        }
        let mut options = BTreeMap::new();
        for part in rest
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    let key = key.trim().to_owned();
                    if options
                        .insert(key.clone(), value.trim().to_owned())
                        .is_some()
                    {
                        faults.push(format!("`{key}` is given twice"));
                    }
                }
                // What stands alone is a file, as in `ppo:policy.safetensors`.
                None if name.trim() == Trained::NAME && !options.contains_key("file") => {
                    options.insert("file".to_owned(), part.to_owned());
                }
                _ => faults.push(format!("`{part}` is not `key=value`")),
            }
        }
        if faults.is_empty() {
            Ok(Self {
                name: name.trim().to_owned(),
                options,
            })
        } else {
            Err(Error::Settings {
                what: "recommender".to_owned(),
                faults,
            })
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (idx, (key, value)) in self.options.iter().enumerate() {
            write!(f, "{}{key}={value}", if idx == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_tells_all_that_is_wrong_with_it() {
        let error = ":a,b=1,b=2,=3".parse::<Spec>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "recommender: `:a,b=1,b=2,=3` names no recommender: `NAME[:key=value,…]` is expected; `a` is not `key=value`; \
             `b` is given twice; `=3` is not `key=value`"
        );
        assert_eq!(
            " mpc : headroom = 2 ".parse::<Spec>().unwrap().to_string(),
            "mpc:headroom=2"
        );
    }
}
