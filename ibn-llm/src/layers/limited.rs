//! A translator that is asked only so often.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};
use tokio::time::Instant;

/// What may be spent in a sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Sentences.
    pub calls: usize,
    /// Tokens, reckoned as a quarter of the bytes of sentence and names: what a model is sent, roughly.
    pub tokens: usize,
    /// The window.
    pub window: Duration,
}

/// Passes sentences on to `T` while the budget lasts, and is unavailable then.
#[derive(Debug)]
pub struct Limited<T> {
    inner: T,
    budget: Budget,
    spent: Mutex<VecDeque<(Instant, usize)>>,
}

impl<T> Limited<T> {
    /// With this budget.
    #[must_use]
    pub fn new(inner: T, budget: Budget) -> Self {
        Self {
            inner,
            budget,
            spent: Mutex::default(),
        }
    }

    /// Takes one call of so many tokens, where the budget has them.
    fn take(&self, tokens: usize) -> bool {
        let now = Instant::now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        while spent
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= self.budget.window)
        {
            spent.pop_front();
        }
        let sum: usize = spent.iter().map(|(_, tokens)| tokens).sum();
        let fits = spent.len() < self.budget.calls && sum + tokens <= self.budget.tokens;
        if fits {
            spent.push_back((now, tokens));
        }
        fits
    }
}

#[async_trait]
impl<T: Translator> Translator for Limited<T> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let names: usize = catalog
            .workloads
            .iter()
            .map(|workload| workload.namespace.len() + workload.name.len() + 12)
            .sum();
        if !self.take((utterance.text.len() + names).div_ceil(4)) {
            return Err(ibn_core::Error::unavailable(
                self.inner.name(),
                "its budget is spent for now",
            ));
        }
        self.inner.translate(utterance, catalog).await
    }
}
