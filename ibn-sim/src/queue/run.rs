//! The simulations, and what they count.

use std::collections::VecDeque;

use super::{Agenda, Discipline, Queue};
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::law::{Law, Sampler};
use crate::rng::{Purpose, Seeds, Stream};

/// Batches for the standard error of a mean.
const BATCHES: u64 = 32;
/// The first part of the customers, while the queue fills, isn't counted: one in so many.
const WARM_UP: u64 = 20;
/// The 97.5 % quantile of Student's t with 31 degrees of freedom.
const STUDENT_T: f64 = 2.0395;

/// What a simulation of a queue came to. Times in seconds; of the customers after the first twentieth.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Customers that were counted.
    pub customers: u64,
    /// Mean time from arrival to the begin of service; where all are served at once, the time beyond the service itself.
    pub mean_wait: f64,
    /// Its standard error by the means of 32 batches.
    pub standard_error: f64,
    /// Mean time from arrival to departure.
    pub mean_response: f64,
    /// The time that 99 % wait at most, within 0.4 %.
    pub p99_wait: f64,
    /// Share of customers that found no room.
    pub lost: f64,
    /// |L − λW| / L over the whole run, from empty to empty, where L is counted from arrivals and departures and λW from
    /// responses: 0 but for rounding. `None` for the recursion, which has no such second count.
    pub little_error: Option<f64>,
}

impl Report {
    /// The 95 % interval of the mean wait.
    #[must_use]
    pub fn interval(&self) -> [f64; 2] {
        let half = STUDENT_T * self.standard_error;
        [self.mean_wait - half, self.mean_wait + half]
    }
}

/// Where customers come from: the same for every way to simulate.
struct Source {
    gap: Sampler,
    service: Sampler,
    arrivals: Stream,
    services: Stream,
    now: u64,
}

impl Source {
    fn new(queue: &Queue, seed: u64) -> Result<Self> {
        let refuse = |reason: &str| Err(Error::Queue(reason.to_owned()));
        if !(queue.arrivals_per_s.is_finite() && queue.arrivals_per_s > 0.0) {
            return refuse("the rate of arrivals must be a number above 0");
        }
        if queue.servers == 0 || queue.capacity == Some(0) {
            return refuse("there must be a server, and room for a customer");
        }
        if queue.capacity.is_none() && queue.load() >= 1.0 {
            return refuse("with a load of 1 or more, and unlimited room, it grows without end");
        }
        let seeds = Seeds::new(seed);
        Ok(Self {
            gap: Law::Exponential { mean: queue.gap() }.sampler()?,
            service: queue.service.sampler()?,
            arrivals: seeds.stream(Purpose::Arrivals, "queue", 0),
            services: seeds.stream(Purpose::Service, "queue", 0),
            now: 0,
        })
    }

    /// The next customer: when it comes, and what it needs.
    #[inline]
    fn next(&mut self) -> (u64, u64) {
        self.now += self.gap.sample(&mut self.arrivals);
        (self.now, self.service.sample(&mut self.services))
    }
}

/// Adds up what customers go through.
struct Count {
    first: u64,
    /// Batches for each customer.
    per_customer: f64,
    seen: u64,
    lost: u64,
    /// Sum of the waits of each batch, and how many waited.
    batches: Vec<(u128, u64)>,
    responses: u128,
    waits: Histogram,
    /// Of all customers: the area below the number present, by arrivals and departures and by responses.
    area: u128,
    all_responses: u128,
}

impl Count {
    fn new(customers: u64) -> Self {
        let first = customers / WARM_UP;
        Self {
            first,
            per_customer: BATCHES as f64 / (customers - first).max(1) as f64,
            seen: 0,
            lost: 0,
            batches: vec![(0, 0); BATCHES as usize],
            responses: 0,
            waits: Histogram::default(),
            area: 0,
            all_responses: 0,
        }
    }

    /// A customer with this number, from 0, who waited and was served so long.
    #[inline]
    fn served(&mut self, number: u64, wait: u64, response: u64) {
        self.all_responses += u128::from(response);
        if number < self.first {
            return;
        }
        self.seen += 1;
        self.responses += u128::from(response);
        self.waits.record_nanos(wait);
        let batch = ((number - self.first) as f64 * self.per_customer) as usize;
        if let Some((sum, waited)) = self.batches.get_mut(batch) {
            *sum += u128::from(wait);
            *waited += 1;
        }
    }

    fn lost(&mut self, number: u64) {
        self.lost += u64::from(number >= self.first);
    }

    /// So many were present for so long.
    #[inline]
    fn present(&mut self, from: u64, to: u64, number: u64) {
        self.area += u128::from(to - from) * u128::from(number);
    }

    fn report(self) -> Report {
        const SECONDS: f64 = 1e-9;
        let seen = self.seen.max(1) as f64;
        let means: Vec<f64> = self
            .batches
            .iter()
            .filter(|(_, waited)| *waited > 0)
            .map(|(sum, waited)| *sum as f64 * SECONDS / *waited as f64)
            .collect();
        let batches = means.len().max(2) as f64;
        let of_batches = means.iter().sum::<f64>() / batches;
        let squares: f64 = means.iter().map(|it| (it - of_batches).powi(2)).sum();
        let total: u128 = self.batches.iter().map(|(sum, _)| sum).sum();
        let area = self.area as f64;
        Report {
            customers: self.seen,
            mean_wait: total as f64 * SECONDS / seen,
            standard_error: (squares / (batches - 1.0) / batches).sqrt(),
            mean_response: self.responses as f64 * SECONDS / seen,
            p99_wait: self
                .waits
                .quantile(0.99)
                .map_or(0.0, |wait| wait.as_secs_f64()),
            lost: self.lost as f64 / (self.lost as f64 + seen),
            little_error: (self.area > 0).then(|| (area - self.all_responses as f64).abs() / area),
        }
    }
}

pub(super) fn by_recursion(queue: &Queue, customers: u64, seed: u64) -> Result<Report> {
    if queue.discipline != Discipline::Fifo || queue.capacity.is_some() {
        return Err(Error::Queue(
            "the recursion is for first come, first served with unlimited room".to_owned(),
        ));
    }
    let mut source = Source::new(queue, seed)?;
    let mut count = Count::new(customers);
    // When each server becomes free, the earliest first.
    let mut free = vec![0_u64; queue.servers as usize];
    for number in 0..customers {
        let (at, work) = source.next();
        let begin = at.max(free.first().copied().unwrap_or(0));
        let done = begin + work;
        replace_first(&mut free, done);
        count.served(number, begin - at, done - at);
    }
    Ok(count.report())
}

/// Takes out the first of a sorted list and puts `value` in where it belongs, without a branch that depends on it.
#[inline]
fn replace_first(sorted: &mut [u64], value: u64) {
    let Some((mut place, rest)) = sorted.split_first_mut() else {
        return;
    };
    let mut carried = value;
    for next in rest {
        *place = carried.min(*next);
        carried = carried.max(*next);
        place = next;
    }
    *place = carried;
}

#[derive(Debug, Clone, Copy)]
struct Customer {
    number: u64,
    at: u64,
    work: u64,
    begin: u64,
}

pub(super) fn by_events(queue: &Queue, customers: u64, seed: u64) -> Result<Report> {
    let source = Source::new(queue, seed)?;
    match queue.discipline {
        Discipline::Fifo => Ok(Station::new(queue, customers).run(source, customers)),
        Discipline::ProcessorSharing => Ok(share(queue, source, customers)),
    }
}

#[derive(Debug, Clone, Copy)]
enum Due {
    Arrival(Customer),
    Departure(Customer),
}

/// Servers, those who wait, and what is due.
struct Station {
    agenda: Agenda<Due>,
    waiting: VecDeque<Customer>,
    idle: u32,
    room: u64,
    present: u64,
    count: Count,
}

impl Station {
    fn new(queue: &Queue, customers: u64) -> Self {
        Self {
            agenda: Agenda::new(),
            waiting: VecDeque::new(),
            idle: queue.servers,
            room: queue.capacity.map_or(u64::MAX, u64::from),
            present: 0,
            count: Count::new(customers),
        }
    }

    fn run(mut self, mut source: Source, customers: u64) -> Report {
        let mut number = 0;
        let mut next = |number: &mut u64| {
            let (at, work) = source.next();
            let customer = Customer {
                number: *number,
                at,
                work,
                begin: at,
            };
            *number += 1;
            (at, Due::Arrival(customer))
        };
        let (at, first) = next(&mut number);
        self.agenda.push(at, first);
        let mut last = at;
        // The next event stands at the top until what follows from it is known, so that it can take its place.
        while let Some((now, due)) = self.agenda.peek() {
            self.count.present(last, now, self.present);
            last = now;
            match due {
                Due::Arrival(customer) => {
                    if number < customers {
                        let (at, due) = next(&mut number);
                        self.agenda.replace(at, due);
                    } else {
                        self.agenda.pop();
                    }
                    self.arrive(now, customer);
                }
                Due::Departure(customer) => self.depart(now, customer),
            }
        }
        self.count.report()
    }

    fn arrive(&mut self, now: u64, customer: Customer) {
        if self.present >= self.room {
            self.count.lost(customer.number);
            return;
        }
        self.present += 1;
        if self.idle > 0 {
            self.idle -= 1;
            self.agenda
                .push(now + customer.work, Due::Departure(customer));
        } else {
            self.waiting.push_back(customer);
        }
    }

    fn depart(&mut self, now: u64, customer: Customer) {
        self.present -= 1;
        let wait = customer.begin - customer.at;
        self.count.served(customer.number, wait, now - customer.at);
        match self.waiting.pop_front() {
            Some(next) => {
                let next = Customer { begin: now, ..next };
                self.agenda.replace(now + next.work, Due::Departure(next));
            }
            None => {
                self.agenda.pop();
                self.idle += 1;
            }
        }
    }
}

/// Processor sharing in the time of a customer's own progress: it moves on by what each one gets, and a customer leaves when
/// it has moved on by what that customer needs.
fn share(queue: &Queue, mut source: Source, customers: u64) -> Report {
    let mut count = Count::new(customers);
    let room = queue.capacity.map_or(usize::MAX, |room| room as usize);
    // Progress in 2^-10 ns, so that shares of a nanosecond add up.
    const FINE: u32 = 10;
    let mut leaving: Agenda<Customer> = Agenda::new();
    let (mut progress, mut now) = (0_u64, 0_u64);
    let servers = u64::from(queue.servers);
    let mut number = 0;
    let mut next = (number < customers).then(|| source.next());
    loop {
        let present = leaving.len() as u64;
        let done = leaving.next_at().map(|at| {
            let left = u128::from(at - progress) * u128::from(present.max(servers));
            now + (left / u128::from(servers)).div_ceil(1 << FINE) as u64
        });
        let until = match (next, done) {
            (Some((at, _)), Some(done)) => at.min(done),
            (Some((at, _)), None) => at,
            (None, Some(done)) => done,
            (None, None) => break,
        };
        count.present(now, until, present);
        let moved = (u128::from(until - now) << FINE) * u128::from(servers);
        progress += (moved / u128::from(present.max(servers))) as u64;
        now = until;
        if done == Some(until) {
            if let Some((at, customer)) = leaving.pop() {
                progress = progress.max(at);
                let response = now - customer.at;
                let wait = response.saturating_sub(customer.work);
                count.served(customer.number, wait, response);
            }
            if leaving.is_empty() {
                progress = 0;
            }
        } else if let Some((at, work)) = next {
            if leaving.len() < room {
                let customer = Customer {
                    number,
                    at,
                    work,
                    begin: at,
                };
                leaving.push(progress + (work << FINE), customer);
            } else {
                count.lost(number);
            }
            number += 1;
            next = (number < customers).then(|| source.next());
        }
    }
    count.report()
}
