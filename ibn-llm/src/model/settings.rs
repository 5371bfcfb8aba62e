//! Where the model is, and what may be spent on it.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use crate::error::{Error, Result};

/// A key for the endpoint, never printed.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key, which the caller has read from wherever it keeps it.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// Settings of a [`crate::ModelTranslator`].
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// The endpoint, with or without `/v1` at its end.
    pub base_url: String,
    /// The model's name, as the endpoint knows it.
    pub model: String,
    /// The key, where the endpoint wants one.
    pub key: Option<ApiKey>,
    /// How long one answer may take.
    pub timeout: Duration,
    /// The most tokens that an answer may have.
    pub max_tokens: u32,
    /// The most bytes that are read of an answer.
    pub max_bytes: usize,
}

impl ModelSettings {
    /// A model without a key: 30 s, 512 tokens and 256 KiB for an answer.
    #[must_use]
    pub fn new(base_url: &str, model: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            key: None,
            timeout: Duration::from_secs(30),
            max_tokens: 512,
            max_bytes: 256 << 10,
        }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(mut self, key: ApiKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The address that is asked.
    pub(super) fn endpoint(&self) -> Result<Url> {
        let fail = |reason: &str| Error::Address {
            url: self.base_url.clone(),
            reason: reason.to_owned(),
        };
        let mut url: Url = self
            .base_url
            .parse()
            .map_err(|_| fail("it can't be read as a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fail("only http and https are spoken"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fail("a key has its own setting"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let path = match path.strip_suffix("/chat/completions") {
            Some(base) => base.to_owned(),
            None => path,
        };
        let path = if path.ends_with("/v1") {
            path
        } else {
            format!("{path}/v1")
        };
        url.set_path(&format!("{path}/chat/completions"));
        url.set_query(None);
        Ok(url)
    }

    pub(super) fn validate(&self) -> Result<()> {
        let setting = |name, value: String, allowed| {
            Err(Error::Setting {
                name,
                value,
                allowed,
            })
        };
        if self.timeout.is_zero() {
            return setting("timeout", "0s".to_owned(), "more than nothing");
        }
        if self.max_tokens == 0 {
            return setting("max_tokens", "0".to_owned(), "1 or more");
        }
        if self.max_bytes == 0 {
            return setting("max_bytes", "0".to_owned(), "1 or more");
        }
        if self.model.trim().is_empty() {
            return setting("model", "empty".to_owned(), "the name of a model");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, endpoint: &str) {
        let settings = ModelSettings::new(base, "m");
        assert_eq!(settings.endpoint().unwrap().as_str(), endpoint);
    }

    #[test]
    fn the_endpoint_is_found_from_any_usual_address() {
        let want = "http://127.0.0.1:1/v1/chat/completions";
        check("http://127.0.0.1:1", want);
        check("http://127.0.0.1:1/", want);
        check("http://127.0.0.1:1/v1", want);
        check("http://127.0.0.1:1/v1/", want);
        check("http://127.0.0.1:1/v1/chat/completions", want);
        check(
            "http://127.0.0.1:1/proxy/v1",
            "http://127.0.0.1:1/proxy/v1/chat/completions",
        );
        for bad in [
            "",
            "127.0.0.1:1",
            "ftp://127.0.0.1",
            "http://user:key@127.0.0.1",
        ] {
            assert!(ModelSettings::new(bad, "m").endpoint().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        let settings = ModelSettings::new("http://127.0.0.1:1", "m").with_key(ApiKey::new("hush"));
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
