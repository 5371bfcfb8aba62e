//! One pod as a queue: Poisson-like arrivals, threads, and a CPU quota.
//!
//! Notation: λ arrivals per second, S the CPU time of a request with mean s and squared coefficient of variation c²,
//! k the cores that its threads keep busy at most, P = 100 ms the quota period, Q = limit · P the quota.
//!
//! *Without a quota* (limit ≥ k) the pod is a G/G/k queue: the wait is 0 with probability 1 - C (Erlang C), else
//! exponential, with the mean of Allen and Cunneen (1978): s C / (k (1-ρ)) · (ca² + c²)/2.
//!
//! *With a quota* it runs at full speed until Q is spent in a period, and then stands still. A request that comes `u`
//! after the start of a period is done when the work X = B + W(u) + S is, where B was left by the period before and W(u)
//! came before it in this one: if X ≤ Q at once, at full speed (with the wait of the queue without a quota); else in
//! the j-th period after this one, j = ⌈X/Q⌉ - 1, once X - jQ is done there. So its response time is above t where X is
//! above a bound that t and u give, and the probability of that is averaged over `u`, which is uniform.
//!
//! B follows Lindley's recursion B' = max(0, B + W - Q), so Spitzer's identity gives it from the work Wₙ of n periods:
//! P(B = 0) = exp(-Σ P(Wₙ > nQ)/n), and its mean and variance are Σ E[(Wₙ-nQ)⁺]/n and Σ E[((Wₙ-nQ)⁺)²]/n (Asmussen,
//! Applied Probability and Queues, VIII.4). Sums of requests are matched by gamma laws, their number is Poisson.
//!
//! Several threads let a short request pass a long one. Of the work of others, then, the c² that counts is
//! 1 + (c²-1)ρ^(threads-1), between processor sharing (where it doesn't count) and one after the other (Gupta and
//! Harchol-Balter, "Self-adaptive admission control policies for resource-sharing systems", 2009, section 4).

use super::special::{Gamma, Lognormal, erlang_c};

const PERIOD: f64 = 0.1;

/// Nodes and weights of the Gauss-Legendre rule on [0, 1], for the mean over the phase of the period.
const PHASES: [(f64, f64); 6] = [
    (0.033_765_242_898_424, 0.085_662_246_189_585),
    (0.169_395_306_766_868, 0.180_380_786_524_069),
    (0.380_690_406_958_402, 0.233_956_967_286_346),
    (0.619_309_593_041_598, 0.233_956_967_286_346),
    (0.830_604_693_233_132, 0.180_380_786_524_069),
    (0.966_234_757_101_576, 0.085_662_246_189_585),
];

/// What a pod is offered and what it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered {
    /// Requests per second at this pod.
    pub(super) rate: f64,
    /// Squared coefficient of variation of the time between them.
    pub(super) arrival_cv2: f64,
    /// Mean CPU time of a request, seconds.
    pub(super) work: f64,
    /// Squared coefficient of variation of the CPU time.
    pub(super) work_cv2: f64,
    /// Requests worked on at once.
    pub(super) threads: u32,
    /// Cores of the node.
    pub(super) cores: u32,
    /// CPU limit in cores; infinite for none.
    pub(super) limit: f64,
}

impl Offered {
    /// Cores that the pod can use at most.
    pub(super) fn capacity(&self) -> f64 {
        self.limit.min(f64::from(self.busy_cores()))
    }

    fn busy_cores(&self) -> u32 {
        self.threads.min(self.cores).max(1)
    }

    /// Offered load over capacity; from 1 on nothing is stationary.
    pub(super) fn load(&self) -> f64 {
        self.rate * self.work / self.capacity()
    }

    /// How far off a predicted response time may be in nine cases of ten, measured against the simulator.
    pub(super) fn relative_error(&self) -> f64 {
        let heavy = 0.08 * (self.work_cv2 - 1.0).clamp(0.0, 3.0);
        let quota = if self.limit < f64::from(self.busy_cores()) {
            0.12
        } else {
            0.0
        };
        let side_by_side = if self.threads > 4 { 0.12 } else { 0.0 };
        0.09 + heavy + quota + side_by_side
    }

    fn work_variance(&self) -> f64 {
        self.work_cv2 * self.work * self.work
    }

    /// How far requests are served one after the other, 1, rather than side by side, 0.
    fn in_turn(&self) -> f64 {
        self.load().powi(self.threads.min(1000) as i32 - 1)
    }

    /// The variance of the work of others that counts.
    fn others_variance(&self) -> f64 {
        let in_turn = self.in_turn();
        (self.work_cv2.min(1.0) + (self.work_cv2 - 1.0).max(0.0) * in_turn) * self.work * self.work
    }
}

/// The law of the response time of a pod that isn't saturated.
#[derive(Debug, Clone)]
pub(super) struct Response {
    offered: Offered,
    local: Local,
    quota: Option<Quota>,
}

impl Response {
    pub(super) fn of(offered: Offered) -> Self {
        let local = Local::of(&offered);
        let quota =
            (offered.limit < f64::from(offered.busy_cores())).then(|| Quota::of(&offered, &local));
        Self {
            offered,
            local,
            quota,
        }
    }

    /// The probability that a request takes longer than `t` seconds.
    pub(super) fn survival(&self, t: f64) -> f64 {
        match &self.quota {
            None => self.local.survival(t),
            Some(quota) => quota.survival(t, &self.local, &self.offered),
        }
    }

    /// The response times in seconds at rising quantiles, to 0.2 %: the Illinois form of regula falsi, the logarithm of
    /// survival against that of time (Dowell and Jarratt, BIT 11, 1971), each step kept inside the bracket.
    pub(super) fn quantiles<const N: usize>(&self, quantiles: [f64; N]) -> [f64; N] {
        let mut low = self.offered.work * 1e-3;
        quantiles.map(|q| {
            let target = (1.0 - q).ln();
            let above =
                |log_t: f64| self.survival(log_t.exp()).max(f64::MIN_POSITIVE).ln() - target;
            let (mut left, mut right) = (low.ln(), (low * 4.0).ln());
            let (mut at_left, mut at_right) = (f64::NAN, above(right));
            while at_right > 0.0 && right < 1e6f64.ln() {
                (left, at_left) = (right, at_right);
                right += 4f64.ln();
                at_right = above(right);
            }
            if at_left.is_nan() {
                at_left = above(left);
            }
            let mut kept_right_last = None;
            while right - left > 0.004 {
                let falsi = right - at_right * (right - left) / (at_right - at_left);
                let middle = if falsi > left && falsi < right {
                    falsi
                } else {
                    0.5 * (left + right)
                };
                // A step that lands next to an end closes the bracket from there.
                let middle = middle.clamp(left + 0.002, right - 0.002);
                let at_middle = above(middle);
                let keeps_right = at_middle > 0.0;
                if keeps_right {
                    (left, at_left) = (middle, at_middle);
                } else {
                    (right, at_right) = (middle, at_middle);
                }
                if kept_right_last == Some(keeps_right) {
                    // The same end stays twice in a row: half its value draws the next step towards it.
                    if keeps_right {
                        at_right *= 0.5
                    } else {
                        at_left *= 0.5
                    }
                }
                kept_right_last = Some(keeps_right);
            }
            low = left.exp();
            (0.5 * (left + right)).exp()
        })
    }

    /// The probability that more than `x` seconds of work wait at a random instant.
    pub(super) fn backlog_above(&self, x: f64) -> f64 {
        let local = self.local.waits
            * (-x / (self.local.wait_if_any * f64::from(self.offered.busy_cores()))).exp();
        let quota = self.quota.as_ref().map_or(0.0, |quota| {
            quota.left.positive * quota.left.law.survival(x)
        });
        local.max(quota)
    }
}

/// The queue at full speed.
#[derive(Debug, Clone)]
struct Local {
    work: Lognormal,
    waits: f64,
    wait_if_any: f64,
    with_wait: Lognormal,
}

impl Local {
    fn of(offered: &Offered) -> Self {
        let Offered {
            rate,
            arrival_cv2,
            work,
            work_cv2,
            threads,
            cores,
            ..
        } = *offered;
        let servers = offered.busy_cores();
        let idle = (f64::from(servers) - rate * work).max(1e-6);
        let waits = erlang_c(servers, rate * work);
        if threads > cores {
            // Threads share the cores: everybody is slower in proportion, nobody waits.
            // The variance beyond that of the work itself is that of M/M/1-PS (Coffman, Muntz and Trotter 1970), less for
            // work that varies less.
            let mean = work * (1.0 + waits / idle);
            let beyond = waits / (2.0 - waits) * (1.0 + work_cv2);
            let law = Lognormal::matching(mean, (work_cv2 + beyond) * mean * mean);
            return Self {
                work: law,
                waits: 0.0,
                wait_if_any: work,
                with_wait: law,
            };
        }
        let wait_if_any = (work / idle * f64::midpoint(arrival_cv2, work_cv2)).max(1e-9);
        Self {
            work: Lognormal::matching(work, offered.work_variance()),
            waits,
            wait_if_any,
            with_wait: Lognormal::matching(
                work + wait_if_any,
                offered.work_variance() + wait_if_any * wait_if_any,
            ),
        }
    }

    fn survival(&self, t: f64) -> f64 {
        (1.0 - self.waits) * self.work.survival(t) + self.waits * self.with_wait.survival(t)
    }
}

/// What the quota adds.
#[derive(Debug, Clone)]
struct Quota {
    quota: f64,
    left: Left,
    phases: Vec<Phase>,
    /// The probability of more than the quota at full speed.
    local_most: f64,
}

/// Work that is left at the end of a period: whether there is any, and its law where there is.
#[derive(Debug, Clone, Copy)]
struct Left {
    positive: f64,
    law: Gamma,
    mean: f64,
    variance: f64,
}

/// The work up to and with a request that comes at a place in a period: laws and their weights.
#[derive(Debug, Clone)]
struct Phase {
    at: f64,
    weight: f64,
    laws: Vec<(f64, Lognormal)>,
    /// The probability that its work takes more than one quota.
    throttled: f64,
}

impl Quota {
    fn of(offered: &Offered, local: &Local) -> Self {
        let quota = offered.limit * PERIOD;
        let left = Left::of(offered, quota);
        let phases = PHASES
            .iter()
            .map(|(place, weight)| Phase::of(offered, &left, place * PERIOD, *weight))
            .collect();
        Self {
            quota,
            left,
            phases,
            local_most: local.survival(quota),
        }
    }

    fn survival(&self, t: f64, local: &Local, offered: &Offered) -> f64 {
        let local_t = local.survival(t);
        let within = if t < self.quota {
            (local_t - self.local_most).max(0.0) / (1.0 - self.local_most).max(1e-9)
        } else {
            0.0
        };
        let delayed: f64 = self
            .phases
            .iter()
            .map(|phase| {
                let since_start = t + phase.at;
                let periods = (since_start / PERIOD).floor();
                let above = if periods < 1.0 {
                    phase.throttled + (1.0 - phase.throttled) * within
                } else {
                    let done = work_done(since_start - periods * PERIOD, offered).min(self.quota);
                    phase.work_above(periods * self.quota + done)
                };
                phase.weight * above
            })
            .sum();
        // A quota only delays.
        delayed.max(local_t)
    }
}

impl Left {
    fn of(offered: &Offered, quota: f64) -> Self {
        let count = offered.rate * PERIOD;
        let (mut log_empty, mut mean, mut variance) = (0.0, 0.0, 0.0);
        // Whole periods one by one at first, then in steps of a quarter: Σ 1/n over a step is the logarithm of its ratio.
        let mut n = 1.0;
        while n < 1e5 {
            let (weight, next) = if n < 8.0 {
                (1.0 / n, n + 1.0)
            } else {
                (1.25f64.ln(), n * 1.25)
            };
            let at = if n < 8.0 { n } else { n * 1.118 - 0.5 };
            let [above, first, second] = excess_of_work(offered, count * at, at * quota);
            log_empty -= weight * above;
            mean += weight * first;
            variance += weight * second;
            if weight * above < 1e-5 && weight * first < 1e-4 * mean {
                break;
            }
            n = next;
        }
        let positive = (1.0 - log_empty.exp()).clamp(1e-9, 1.0);
        let mean_if_any = (mean / positive).max(1e-9);
        let second_if_any = (variance + mean * mean) / positive;
        let variance_if_any = (second_if_any - mean_if_any * mean_if_any).max(0.0);
        Self {
            positive,
            law: Gamma::matching(mean_if_any, variance_if_any),
            mean: mean_if_any,
            variance: variance_if_any,
        }
    }
}

/// The probability that `count` expected requests bring more than `x` of work, and two moments of the excess.
fn excess_of_work(offered: &Offered, count: f64, x: f64) -> [f64; 3] {
    let (work, variance) = (offered.work, offered.others_variance());
    let mut sum = [0.0; 3];
    let mut add = |weight: f64, law: Gamma| {
        for (sum, part) in sum.iter_mut().zip(law.excess(x)) {
            *sum += weight * part;
        }
    };
    if count > 10.0 || offered.arrival_cv2 < 0.9 {
        add(
            1.0,
            Gamma::matching(
                count * work,
                count * (variance + offered.arrival_cv2 * work * work),
            ),
        );
    } else {
        let mut probability = (-count).exp();
        for n in 1..40 {
            let n = f64::from(n);
            probability *= count / n;
            add(probability, Gamma::matching(n * work, n * variance));
            if n > count && probability < 1e-5 {
                break;
            }
        }
    }
    sum
}

impl Phase {
    fn of(offered: &Offered, left: &Left, at: f64, weight: f64) -> Self {
        let (work, own, others) = (
            offered.work,
            offered.work_variance(),
            offered.others_variance(),
        );
        let count = offered.rate * at;
        // Side by side with what is left, a request takes longer in proportion to its own work.
        let slower = 1.0 + (1.0 - offered.in_turn()) * left.mean / work;
        let own_beside_left = own * slower * slower + left.variance;
        let mut laws = Vec::with_capacity(10);
        let mut add = |probability: f64, ahead: f64, variance: f64| {
            if probability > 1e-6 {
                let without = Lognormal::matching(work + ahead, own + variance);
                let with =
                    Lognormal::matching(work + ahead + left.mean, own_beside_left + variance);
                laws.push((probability * (1.0 - left.positive), without));
                laws.push((probability * left.positive, with));
            }
        };
        // The number that came before: some by itself, the rest together, by its first two moments.
        let (mut probability, mut rest, mut rest_mean, mut rest_square) =
            ((-count).exp(), 1.0, count, count + count * count);
        if count < 6.0 {
            for n in 0..3 {
                let n = f64::from(n);
                add(probability, work * n, n * others);
                rest -= probability;
                rest_mean -= probability * n;
                rest_square -= probability * n * n;
                probability *= count / (n + 1.0);
            }
        }
        let rest = rest.max(0.0);
        let number = rest_mean / rest.max(1e-12);
        let number_variance = (rest_square / rest.max(1e-12) - number * number).max(0.0);
        add(
            rest,
            work * number,
            number * others + number_variance * offered.arrival_cv2 * work * work,
        );
        let mut phase = Self {
            at,
            weight,
            laws,
            throttled: 0.0,
        };
        phase.throttled = phase.work_above(offered.limit * PERIOD);
        phase
    }

    fn work_above(&self, x: f64) -> f64 {
        self.laws
            .iter()
            .map(|(weight, law)| weight * law.survival(x * 1.004))
            .sum()
    }
}

/// How much work is done `t` seconds into a period, up to and with a request whose own work runs on one core while what
/// is before it runs on all: the inverse of r(x) = x/k + min(x, s)(1 - 1/k).
fn work_done(t: f64, offered: &Offered) -> f64 {
    let cores = f64::from(offered.busy_cores());
    if t <= offered.work {
        t
    } else {
        offered.work + (t - offered.work) * cores
    }
}
