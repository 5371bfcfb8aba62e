//! Ping-pong in DSLab's kernel: two processes that send each other messages. Prints events a second, the best of some repetitions.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use serde::Serialize;
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};

fn main() {
    let events = 1_000_000;
    let best = (0..20)
        .map(|_| {
            let start = Instant::now();
            peer_ping_pong(events);
            events as f64 / start.elapsed().as_secs_f64()
        })
        .fold(0.0, f64::max);
    println!("ping-pong of simcore, events {:.2} M/s", best / 1e6);
}

#[derive(Clone, Serialize)]
struct Ping {}

struct Peer {
    heard: u64,
    most: u64,
    context: SimulationContext,
}

impl Peer {
    fn answer(&mut self, to: Id) {
        self.heard += 1;
        if self.heard <= self.most {
            self.context.emit(Ping {}, to, 1.0);
        }
    }
}

impl EventHandler for Peer {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Ping {} => {
                self.answer(event.src);
            }
        })
    }
}

fn peer_ping_pong(events: u64) {
    let mut simulation = Simulation::new(1);
    let ids: Vec<Id> = ["a", "b"]
        .into_iter()
        .map(|name| {
            let context = simulation.create_context(name);
            let peer = Peer {
                heard: 0,
                most: events / 2,
                context,
            };
            simulation.add_handler(name, Rc::new(RefCell::new(peer)))
        })
        .collect();
    let starter = simulation.create_context("starter");
    if let [a, b] = ids[..] {
        starter.emit_as(Ping {}, a, b, 0.0);
    }
    simulation.step_until_no_events();
}
