//! Seeded random streams, one per purpose and owner, so that a change in one place leaves every other draw as it was.
//!
//! Comparing two allocations under *common random numbers* needs the same arrivals and the same work per
//! request in both runs. Here that holds by construction: a stream's seed is a hash of the root seed, its
//! purpose and the name of its owner, never of the order in which streams are made.

use rand::{Rng, SeedableRng};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::math;

/// The generator of every stream: PCG XSL-RR 128/64 (MCG), the same on every platform.
pub(crate) type Stream = rand_pcg::Pcg64Mcg;

/// A draw from (0, 1), uniform on the odd multiples of 2^-54. Takes one word from the stream.
#[inline]
pub(crate) fn uniform(stream: &mut Stream) -> f64 {
    ((stream.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// A standard exponential draw. Takes one word from the stream.
#[inline]
pub(crate) fn exponential(stream: &mut Stream) -> f64 {
    -math::ln(uniform(stream))
}

/// A standard normal draw. Takes one word from the stream.
#[inline]
pub(crate) fn normal(stream: &mut Stream) -> f64 {
    math::normal_quantile(uniform(stream))
}

/// What a stream is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The shape of a generated demand curve.
    Demand,
    /// Times between arrivals of a workload.
    Arrivals,
    /// CPU time of a workload's requests, in the order of their arrival.
    Service,
    /// The pod that a request of a workload goes to.
    Balancing,
    /// Start-up time and quota phase of one pod.
    Pod,
    /// Which calls a workload's requests make.
    Calls,
    /// Which values a bootstrap draws again.
    Resampling,
}

impl Purpose {
    /// Part of every seed: changing a tag changes all runs.
    const fn tag(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::Arrivals => "arrivals",
            Self::Service => "service",
            Self::Balancing => "balancing",
            Self::Pod => "pod",
            Self::Calls => "calls",
            Self::Resampling => "resampling",
        }
    }
}

/// The root of all randomness of a run.
///
/// ```
/// use ibn_sim::Seeds;
/// assert_eq!(Seeds::new(7), Seeds::new(7));
/// assert_ne!(Seeds::new(7).child("episode-1"), Seeds::new(7).child("episode-2"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seeds(u64);

impl Seeds {
    /// The seeds that follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The root seed.
    #[must_use]
    pub const fn root(self) -> u64 {
        self.0
    }

    /// Seeds for a part of the whole that is named `name`, independent of those of any other name.
    #[must_use]
    pub fn child(self, name: &str) -> Self {
        Self(self.hash("child", name, 0) as u64)
    }

    /// The stream for `purpose` of `owner` (a workload's `namespace/name`), its `index`-th where it has several.
    pub(crate) fn stream(self, purpose: Purpose, owner: &str, index: u64) -> Stream {
        Stream::from_seed(self.hash(purpose.tag(), owner, index).to_le_bytes())
    }

    fn hash(self, tag: &str, name: &str, index: u64) -> u128 {
        let mut text = Vec::with_capacity(tag.len() + name.len() + 9);
        text.extend_from_slice(tag.as_bytes());
        text.push(0);
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(&index.to_le_bytes());
        xxh3_128_with_seed(&text, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_owner_and_index_only() {
        let draw = |seed: u64, purpose, owner: &str, index| {
            Seeds::new(seed).stream(purpose, owner, index).next_u64()
        };
        let base = draw(1, Purpose::Arrivals, "a/web", 0);
        assert_eq!(base, draw(1, Purpose::Arrivals, "a/web", 0));
        for other in [
            draw(2, Purpose::Arrivals, "a/web", 0),
            draw(1, Purpose::Service, "a/web", 0),
            draw(1, Purpose::Arrivals, "b/web", 0),
            draw(1, Purpose::Arrivals, "a/web", 1),
        ] {
            assert_ne!(base, other);
        }
    }
}
