//! A translator that is asked again where it can't be reached.

use std::time::Duration;

use async_trait::async_trait;
use ibn_core::ErrorKind;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Asks `T` again after a pause that doubles, where it is unavailable; any other failure, and any answer, is final.
#[derive(Debug, Clone)]
pub struct Retrying<T> {
    inner: T,
    tries: u32,
    pause: Duration,
}

impl<T> Retrying<T> {
    /// At most `tries` tries (at least one), `pause` between the first two, at most 30 s between any.
    #[must_use]
    pub fn new(inner: T, tries: u32, pause: Duration) -> Self {
        Self {
            inner,
            tries: tries.max(1),
            pause,
        }
    }
}

#[async_trait]
impl<T: Translator> Translator for Retrying<T> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let mut pause = self.pause;
        let mut left = self.tries;
        loop {
            left -= 1;
            match self.inner.translate(utterance, catalog).await {
                Err(error) if error.kind() == ErrorKind::Unavailable && left > 0 => {
                    tokio::time::sleep(pause.min(MAX_PAUSE)).await;
                    pause = pause.saturating_mul(2);
                }
                answer => return answer,
            }
        }
    }
}
