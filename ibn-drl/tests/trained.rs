//! The shipped policy: what it advises, and what it does where it can't tell.

#![cfg(test)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{ErlangTwin, at, model, p95_at_most, seen, situation};
use ibn_core::encoding::headroom::HeadroomView;
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::prediction::{Demand, WorkloadModel};
use ibn_core::roles::{Predictor, Recommender};
use ibn_core::situation::Situation;
use ibn_core::units::Quantile;
use ibn_drl::ladder::{Ladder, LadderSettings, Rung, Supervised};
use ibn_drl::rules::Hold;
use ibn_drl::trained::{Trained, TrainedPolicy, USUAL};

fn trained() -> Trained {
    Trained::new(TrainedPolicy::shipped(), Arc::new(ErlangTwin))
}

/// `replicas` pods under a calm `rate`.
fn under(rate: f64, replicas: u32, model: WorkloadModel) -> Situation {
    let mut situation = situation(replicas);
    situation.now = at(3_600);
    situation.history = (0..20)
        .rev()
        .map(|ago| {
            seen(
                3_600 - 15 * ago,
                &[
                    (Signal::RequestRate, rate),
                    (Signal::Latency(Quantile::P95), 0.1),
                    (Signal::CpuUsage, 0.02 * rate),
                ],
            )
        })
        .collect();
    situation.model = Some(model);
    situation.objectives = vec![p95_at_most(0.2)];
    situation
}

/// The fewest pods that meet the objective at a rate, by the twin itself.
fn needed(rate: f64) -> u32 {
    let demand = Demand {
        request_rate: rate,
        arrival_cv2: 1.0,
    };
    (1..)
        .find(|pods| {
            let prediction = ErlangTwin.predict(&model(), demand, &common::allocation(*pods));
            !prediction.saturated
                && prediction
                    .of(&p95_at_most(0.2))
                    .is_some_and(|value| value.mid <= 0.2)
        })
        .unwrap()
}

#[test]
fn it_gives_what_some_head_room_needs_and_says_why() {
    let advice = trained().recommend(&under(200.0, 2, model()));
    let trace = advice.policy.expect("it chose");
    assert!(
        advice.allocation.replicas >= needed(180.0),
        "{:?}",
        advice.reasons
    );
    assert!(advice.allocation.replicas <= needed(800.0));
    assert!(trace.log_probability <= 0.0 && trace.value.is_finite());
    assert_eq!(advice.reasons[0].code, "Policy");
    assert_eq!(advice.reasons[1].code, "MovedBy");
}

#[test]
fn where_it_was_not_trained_it_gives_the_usual_and_its_rule_decides() {
    let (usual, _) = HeadroomView::meaning(USUAL).unwrap();
    let slow = WorkloadModel {
        startup: Duration::from_secs(1_000_000),
        ..model()
    };
    let far = under(200.0, 2, slow);
    let advice = trained().recommend(&far);
    assert_eq!(advice.reasons[0].code, "Unfamiliar", "{:?}", advice.reasons);
    assert_eq!(advice.allocation.replicas, needed(200.0 * usual));
    assert_eq!(advice.policy, None);
    let enough = under(200.0, needed(200.0 * usual), far.model.clone().unwrap());
    let advice = trained().recommend(&enough);
    assert_eq!(advice.allocation.replicas, needed(200.0 * usual));

    let settings = LadderSettings {
        start: Rung::Full,
        ..LadderSettings::default()
    };
    let ladder = Ladder::new(settings).unwrap();
    let mut both = Supervised::new(Box::new(trained()), Box::new(Hold), ladder);
    let advice = both.recommend(&far);
    assert_eq!(advice.allocation.replicas, 2, "the rule holds");
    assert_eq!(advice.policy, None);
}

#[test]
fn without_signals_it_takes_nothing() {
    let mut unsound = under(200.0, 60, model());
    unsound.health = SignalHealth::Stale;
    let advice = trained().recommend(&unsound);
    assert_eq!(advice.allocation.replicas, 60);
    let mut blind = under(200.0, 60, model());
    blind.history.clear();
    let advice = trained().recommend(&blind);
    assert_eq!(advice.allocation.replicas, 60);
    assert_eq!(advice.reasons[0].code, "NothingElse");
}
