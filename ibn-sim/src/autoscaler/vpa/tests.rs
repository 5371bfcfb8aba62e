//! The recommender on a workload whose use is known.

use ibn_core::allocation::{Field, Resource, ResourceBound};
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender as _;
use ibn_core::situation::Situation;
use ibn_testkit::recommender::{check, situation};

use super::Vpa;

/// Four pods of 1 core and 256Mi of which each uses the given millicores and 100 MB.
fn using(millicores: f64, turn: u32) -> Situation {
    let mut situation = situation(4, turn);
    let now = situation.now;
    if let Some(latest) = situation.history.last_mut() {
        let latest = std::sync::Arc::make_mut(latest);
        latest.set(Signal::CpuUsage, 4.0 * millicores / 1000.0, now);
        latest.set(Signal::MemoryPeak, 100e6, now);
    }
    situation
}

fn cpu(bound: ResourceBound) -> Field {
    Field::Resource {
        container: "app".to_owned(),
        bound,
        resource: Resource::Cpu,
    }
}

#[test]
fn it_passes_the_suite() {
    check(&|| Box::new(Vpa::default()));
}

#[test]
fn what_is_used_for_hours_becomes_the_request_with_its_margin() {
    let mut vpa = Vpa::default();
    let advice = (0..60 * 24).map(|turn| vpa.recommend(&using(200.0, turn)));
    let resized = advice.into_iter().find_map(|advice| {
        let app = advice.allocation.container("app").cloned()?;
        (app.requests.cpu
            != using(200.0, 0)
                .state
                .allocation
                .container("app")?
                .requests
                .cpu)
            .then_some(app)
    });
    let app = resized.expect("a request of five times the use is outside its bounds within a day");
    // 0.2 · (1.05^15 − 1) cores is 215m, the end of the bucket of 200m; 15 % more, cut to whole millicores.
    assert_eq!(
        app.amount(ResourceBound::Requests, Resource::Cpu),
        Some(247)
    );
    assert_eq!(
        app.amount(ResourceBound::Limits, Resource::Cpu),
        Some(247),
        "the ratio is kept"
    );
    // A pod's least is 250 MiB.
    assert_eq!(
        app.amount(ResourceBound::Requests, Resource::Memory),
        Some(250 << 20)
    );
}

#[test]
fn little_is_known_at_first_so_that_only_far_too_little_is_raised() {
    let mut vpa = Vpa::default();
    let advice = vpa.recommend(&using(300.0, 0));
    assert_eq!(advice.allocation, using(300.0, 0).state.allocation);
}

#[test]
fn held_requests_and_missing_readings_are_let_be() {
    let mut vpa = Vpa::default();
    for turn in 0..60 * 24 {
        let mut held = using(200.0, turn);
        held.held.extend(ResourceBound::ALL.map(cpu));
        let before = held.state.allocation.container("app").cloned();
        let after = vpa.recommend(&held).allocation;
        assert_eq!(
            after.container("app").map(|app| app.requests.cpu),
            before.map(|app| app.requests.cpu)
        );
    }
    let mut blind = using(200.0, 60 * 24);
    blind.history.clear();
    assert_eq!(vpa.recommend(&blind).allocation, blind.state.allocation);
}
