//! What is known exactly of a queue with Poisson arrivals.

use super::{Discipline, Queue};
use crate::law::{Law, balanced_share};
use crate::twin::special::erlang_c;

/// What is known of a queue; seconds and shares. `None` where there is no closed form.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exact {
    /// Mean time from arrival to the begin of service; where all are served at once, the time beyond the service itself.
    pub mean_wait: Option<f64>,
    /// The time that 99 % wait at most.
    pub p99_wait: Option<f64>,
    /// Share of customers that find no room.
    pub lost: Option<f64>,
}

/// By the model: Erlang's C for M/M/c, Pollaczek and Khinchine for M/G/1, its insensitivity for processor sharing, Erlang's
/// system with finite room for M/M/c/K (Kleinrock, Queueing Systems I, sections 3.5, 5.6 and 4.4; II, section 4.4).
pub(super) fn exact(queue: &Queue) -> Exact {
    let mean = queue.service.mean().as_secs_f64();
    let (load, servers) = (queue.load(), queue.servers.max(1));
    let is_exponential = matches!(queue.service, Law::Exponential { .. });
    if let Some(room) = queue.capacity {
        return match (is_exponential, queue.discipline) {
            (true, Discipline::Fifo) => finite(queue, mean, room),
            _ => Exact::default(),
        };
    }
    if load >= 1.0 {
        return Exact::default();
    }
    let unlimited = |mean_wait, p99_wait| Exact {
        mean_wait,
        p99_wait,
        lost: Some(0.0),
    };
    match (queue.discipline, servers) {
        (Discipline::ProcessorSharing, 1) => unlimited(Some(mean * load / (1.0 - load)), None),
        (Discipline::ProcessorSharing, _) => Exact::default(),
        (Discipline::Fifo, _) if is_exponential => {
            let spare = (1.0 - load) * f64::from(servers) / mean;
            let waits = erlang_c(servers, load * f64::from(servers));
            let p99 = (waits / 0.01).ln().max(0.0) / spare;
            unlimited(Some(waits / spare), Some(p99))
        }
        (Discipline::Fifo, 1) => {
            let residual = mean * (1.0 + queue.service.cv2()) / 2.0;
            let mean_wait = load * residual / (1.0 - load);
            unlimited(Some(mean_wait), tail::quantile(queue, 0.01))
        }
        (Discipline::Fifo, _) => Exact::default(),
    }
}

/// M/M/c/K by the balance of flows.
fn finite(queue: &Queue, mean: f64, room: u32) -> Exact {
    let servers = queue.servers.min(room);
    let offered = queue.arrivals_per_s * mean;
    let mut weights = vec![1.0];
    let mut weight = 1.0;
    for present in 1..=room {
        weight *= offered / f64::from(present.min(servers));
        weights.push(weight);
    }
    let total: f64 = weights.iter().sum();
    let lost = weight / total;
    let (mut waiting, mut tails) = (0.0, Vec::new());
    for (present, weight) in (0..).zip(&weights) {
        let ahead = f64::from(u32::saturating_sub(present, servers));
        waiting += ahead * weight / total;
        if present >= servers && present < room {
            // An arrival that finds so many waits for one departure more than wait already.
            tails.push((present - servers + 1, weight / total / (1.0 - lost)));
        }
    }
    let entering = queue.arrivals_per_s * (1.0 - lost);
    let pace = f64::from(servers) / mean;
    let beyond = |t: f64| -> f64 {
        let of = |(departures, share): &(u32, f64)| share * poisson_below(*departures, pace * t);
        tails.iter().map(of).sum()
    };
    Exact {
        mean_wait: Some(waiting / entering),
        p99_wait: Some(solve(beyond, 0.01, mean)),
        lost: Some(lost),
    }
}

/// The probability of fewer than `n` events where `mean` are expected.
fn poisson_below(n: u32, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut sum = 0.0;
    for k in 0..n {
        sum += term;
        term *= mean / f64::from(k + 1);
    }
    sum
}

/// Where a falling function comes down to `level`; 0 where it begins below.
fn solve(beyond: impl Fn(f64) -> f64, level: f64, scale: f64) -> f64 {
    if beyond(0.0) <= level {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, scale);
    while beyond(high) > level && high < scale * 1e9 {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if beyond(middle) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The tail of the wait in M/G/1 from its Laplace transform.
mod tail {
    use super::{Law, Queue, balanced_share, solve};

    /// A complex number.
    #[derive(Clone, Copy)]
    struct Complex(f64, f64);

    impl Complex {
        fn times(self, other: Self) -> Self {
            Self(
                self.0 * other.0 - self.1 * other.1,
                self.0 * other.1 + self.1 * other.0,
            )
        }

        fn over(self, other: Self) -> Self {
            let size = other.0 * other.0 + other.1 * other.1;
            let Self(re, im) = self.times(Self(other.0, -other.1));
            Self(re / size, im / size)
        }

        fn exp(self) -> Self {
            let size = self.0.exp();
            Self(size * self.1.cos(), size * self.1.sin())
        }
    }

    /// The wait that is exceeded with probability `level`; `None` for laws without a transform in closed form.
    pub(super) fn quantile(queue: &Queue, level: f64) -> Option<f64> {
        transform(&queue.service, Complex(0.0, 0.0))?;
        let mean = queue.service.mean().as_secs_f64();
        Some(solve(|t| beyond(queue, t), level, mean))
    }

    /// P(wait > t), by the Euler method of Abate and Whitt 1995, "Numerical inversion of Laplace transforms of probability
    /// distributions"; its error is about 10⁻⁸ where the distribution is smooth.
    fn beyond(queue: &Queue, t: f64) -> f64 {
        const A: f64 = 18.4;
        const TERMS: u32 = 15;
        const BINOMIALS: [f64; 12] = [
            1.0, 11.0, 55.0, 165.0, 330.0, 462.0, 462.0, 330.0, 165.0, 55.0, 11.0, 1.0,
        ];
        if t <= 0.0 {
            return queue.load();
        }
        let at = |k: u32| {
            let s = Complex(A / (2.0 * t), f64::from(k) * std::f64::consts::PI / t);
            complement(queue, s).map_or(0.0, |value| value.0)
        };
        let scale = (A / 2.0).exp() / t;
        let mut sum = scale * at(0) / 2.0;
        let mut sign = -1.0;
        let mut partial = Vec::new();
        for k in 1..=TERMS + 11 {
            sum += sign * scale * at(k);
            sign = -sign;
            if k >= TERMS {
                partial.push(sum);
            }
        }
        let average: f64 = partial.iter().zip(BINOMIALS).map(|(s, b)| s * b).sum();
        average / 2048.0
    }

    /// The transform of P(wait > t): (1 − W*(s)) / s with W*(s) = (1 − ρ) s / (s − λ (1 − G*(s))).
    fn complement(queue: &Queue, s: Complex) -> Option<Complex> {
        let rate = queue.arrivals_per_s;
        let Complex(re, im) = transform(&queue.service, s)?;
        let below = Complex(s.0 - rate * (1.0 - re), s.1 + rate * im);
        let idle = 1.0 - queue.load();
        let Complex(re, im) = Complex(idle * s.0, idle * s.1).over(below);
        Some(Complex(1.0 - re, -im).over(s))
    }

    /// The Laplace transform of a law.
    fn transform(law: &Law, s: Complex) -> Option<Complex> {
        let mean = law.mean().as_secs_f64();
        let exponential = |mean: f64| Complex(1.0, 0.0).over(Complex(1.0 + mean * s.0, mean * s.1));
        match *law {
            Law::Constant { .. } => Some(Complex(-mean * s.0, -mean * s.1).exp()),
            Law::Exponential { .. } => Some(exponential(mean)),
            Law::Hyperexponential { cv, .. } => {
                let first = balanced_share(cv);
                let part = |share: f64| {
                    let Complex(re, im) = exponential(mean / (2.0 * share));
                    Complex(share * re, share * im)
                };
                let (a, b) = (part(first), part(1.0 - first));
                Some(Complex(a.0 + b.0, a.1 + b.1))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MEAN: Duration = Duration::from_secs(1);

    #[test]
    fn the_inversion_finds_the_tail_that_is_known() {
        // M/M/1 with its tail ρ e^{−(1−ρ)t}, as a hyperexponential law with cv 1.
        let law = Law::Hyperexponential {
            mean: MEAN,
            cv: 1.0,
        };
        let found = tail::quantile(&Queue::at_load(0.8, 1, law), 0.01).unwrap();
        assert!(
            (found - (0.8_f64 / 0.01).ln() / 0.2).abs() < 1e-5,
            "{found}"
        );
    }

    #[test]
    fn a_finite_room_that_is_never_full_is_none() {
        let mut queue = Queue::at_load(0.6, 3, Law::Exponential { mean: MEAN });
        let unlimited = queue.exact();
        queue.capacity = Some(400);
        let finite = queue.exact();
        assert!((finite.mean_wait.unwrap() - unlimited.mean_wait.unwrap()).abs() < 1e-9);
        assert!((finite.p99_wait.unwrap() - unlimited.p99_wait.unwrap()).abs() < 1e-6);
        // Erlang's B: 3 servers, 1.8 Erlang, no room to wait.
        queue.capacity = Some(3);
        let erlang_b = 0.972 / (1.0 + 1.8 + 1.62 + 0.972);
        assert!((queue.exact().lost.unwrap() - erlang_b).abs() < 1e-12);
    }
}
