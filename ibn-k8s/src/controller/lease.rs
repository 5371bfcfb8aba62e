//! Who of several may write: whoever holds a lease of the API server.

use std::time::{Duration, Instant};

use ibn_core::Result;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};

use super::Held;
use crate::error::told;

/// How long a lease lasts, and how it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Others take it when it wasn't renewed for so long.
    pub lasts: Duration,
    /// The holder writes no longer than this after its last renewal; what is under way then ends before the lease does.
    pub writes: Duration,
    /// The time between two tries to renew or to take it.
    pub retry: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            lasts: Duration::from_secs(15),
            writes: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// Takes part in the election of the one who writes.
pub struct Election {
    api: Api<Lease>,
    name: String,
    identity: String,
    times: LeaseTimes,
    held: Held,
    /// The version of the lease that was seen last, and when it was first seen: clocks of others are not asked.
    seen: Option<(String, Instant)>,
}

/// What is to be done about a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Renew,
    Take,
    Wait,
}

impl Election {
    /// For the lease `name` in `namespace`, as `identity`, which no other process may have.
    #[must_use]
    pub fn new(
        client: kube::Client,
        namespace: &str,
        name: &str,
        identity: &str,
        held: Held,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
            times: LeaseTimes::default(),
            held,
            seen: None,
        }
    }

    /// The same with other times.
    #[must_use]
    pub fn with_times(self, times: LeaseTimes) -> Self {
        Self { times, ..self }
    }

    /// Waits until the lease is held.
    pub async fn won(&mut self) {
        loop {
            match self.turn().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the lease can't be asked for"),
            }
            tokio::time::sleep(self.times.retry).await;
        }
    }

    /// Renews the lease until it is lost.
    pub async fn lost(&mut self) {
        loop {
            tokio::time::sleep(self.times.retry).await;
            match self.turn().await {
                Ok(true) => {}
                Ok(false) => {
                    self.held.close();
                    return;
                }
                Err(error) if self.held.is_held() => {
                    tracing::warn!(%error, "the lease can't be renewed");
                }
                Err(_) => return,
            }
        }
    }

    /// Gives the lease up, so that another one needn't wait. Where that fails, it runs out.
    pub async fn release(&mut self) {
        self.held.close();
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name).await else {
            return;
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            return;
        }
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        // It runs out by itself where this isn't taken.
        let _ = self
            .api
            .replace(&self.name, &PostParams::default(), &lease)
            .await;
    }

    /// Looks at the lease once and does what is to be done; whether it is held.
    async fn turn(&mut self) -> Result<bool> {
        let asked = Instant::now();
        let limit = self.times.writes / 2;
        let turn = tokio::time::timeout(limit, self.try_turn(asked));
        match turn.await {
            Ok(result) => result,
            Err(_) => Err(ibn_core::Error::unavailable(
                crate::error::API_SERVER,
                "no answer about the lease",
            )),
        }
    }

    async fn try_turn(&mut self, asked: Instant) -> Result<bool> {
        let failed = |error: &kube::Error| told("the lease", error);
        let live = self.api.get_opt(&self.name).await;
        let live = live.map_err(|error| failed(&error))?;
        if let Some(version) = live
            .as_ref()
            .and_then(|it| it.metadata.resource_version.clone())
            && self
                .seen
                .as_ref()
                .is_none_or(|(known, _)| *known != version)
        {
            self.seen = Some((version, asked));
        }
        let since = self.seen.as_ref().map_or(asked, |(_, since)| *since);
        let unchanged = asked.saturating_duration_since(since);
        let step = step(live.as_ref(), &self.identity, unchanged, self.times.lasts);
        let written = match (step, live) {
            (Step::Wait, _) => return Ok(false),
            (Step::Create, _) | (_, None) => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(self.name.clone()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(self.spec(None)),
                };
                self.api.create(&PostParams::default(), &lease).await
            }
            (Step::Renew | Step::Take, Some(mut lease)) => {
                lease.spec = Some(self.spec(lease.spec.filter(|_| step == Step::Renew)));
                // The version that was read is in it: of two who take it at once one is refused.
                self.api
                    .replace(&self.name, &PostParams::default(), &lease)
                    .await
            }
        };
        match written {
            Ok(lease) => {
                let version = lease.metadata.resource_version.unwrap_or_default();
                self.seen = Some((version, asked));
                self.held.until(asked, self.times.writes);
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    fn spec(&self, renewed: Option<LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let seconds = i32::try_from(self.times.lasts.as_secs()).unwrap_or(i32::MAX);
        let acquired = renewed.as_ref().and_then(|spec| spec.acquire_time.clone());
        let transitions = renewed.as_ref().and_then(|spec| spec.lease_transitions);
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(seconds),
            acquire_time: acquired.or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: transitions,
            ..LeaseSpec::default()
        }
    }
}

/// What is to be done about a lease that hasn't changed for so long.
fn step(live: Option<&Lease>, identity: &str, unchanged: Duration, lasts: Duration) -> Step {
    let Some(lease) = live else {
        return Step::Create;
    };
    let spec = lease.spec.as_ref();
    let holder = spec
        .and_then(|spec| spec.holder_identity.as_deref())
        .unwrap_or_default();
    // The holder's own word counts: it may be of another version than this one.
    let lasts = spec
        .and_then(|spec| spec.lease_duration_seconds)
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map_or(lasts, Duration::from_secs);
    match holder {
        "" => Step::Take,
        holder if holder == identity => Step::Renew,
        _ if unchanged > lasts => Step::Take,
        _ => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_when_nobody_holds_it_or_its_holder_was_silent_for_as_long_as_it_said() {
        let lease = |holder: Option<&str>, seconds: i32| Lease {
            spec: Some(LeaseSpec {
                holder_identity: holder.map(str::to_owned),
                lease_duration_seconds: Some(seconds),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        let lasts = Duration::from_secs(15);
        for (live, silent, expected) in [
            (None, 0, Step::Create),
            (Some(lease(None, 15)), 0, Step::Take),
            (Some(lease(Some(""), 15)), 0, Step::Take),
            (Some(lease(Some("me"), 15)), 0, Step::Renew),
            (Some(lease(Some("me"), 15)), 100, Step::Renew),
            (Some(lease(Some("other"), 15)), 15, Step::Wait),
            (Some(lease(Some("other"), 15)), 16, Step::Take),
            (Some(lease(Some("other"), 60)), 16, Step::Wait),
            (Some(Lease::default()), 0, Step::Take),
        ] {
            let silent = Duration::from_secs(silent);
            assert_eq!(
                step(live.as_ref(), "me", silent, lasts),
                expected,
                "{live:?}"
            );
        }
    }
}
