//! A translator that is not waited for longer than a limit.

use std::time::Duration;

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};

/// Gives up on `T` after a limit, with [`ibn_core::Error::TimedOut`].
#[derive(Debug, Clone)]
pub struct TimedOut<T> {
    inner: T,
    limit: Duration,
}

impl<T> TimedOut<T> {
    /// At most `limit` for each sentence.
    #[must_use]
    pub fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

#[async_trait]
impl<T: Translator> Translator for TimedOut<T> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        tokio::time::timeout(self.limit, self.inner.translate(utterance, catalog))
            .await
            .unwrap_or_else(|_| {
                Err(ibn_core::Error::TimedOut {
                    service: self.inner.name().to_owned(),
                    after_ms: u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX),
                })
            })
    }
}
