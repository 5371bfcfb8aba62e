//! Every recommender and learner that can be chosen by name holds what its trait asks for.

#![cfg(test)]

mod common;

use std::sync::Arc;

use common::ErlangTwin;
use ibn_core::roles::Predictor;
use ibn_drl::ladder::{Ladder, LadderSettings, Rung, Supervised};
use ibn_drl::rules::{Hold, ModelPredictive, MpcSettings, TargetSettings, TargetTracking};
use ibn_drl::{Bandit, BanditSettings, ENTRIES, Spec, learner, recommender};

fn twin() -> Arc<dyn Predictor> {
    Arc::new(ErlangTwin)
}

#[test]
fn recommenders() {
    for entry in ENTRIES {
        let spec = Spec::new(entry.name);
        assert_eq!(recommender(&spec, &twin()).unwrap().name(), entry.name);
        assert_eq!(
            learner(&spec, &twin()).is_ok(),
            entry.learns,
            "{}",
            entry.name
        );
        ibn_testkit::recommender::check(&|| recommender(&spec, &twin()).unwrap());
    }
}

#[test]
fn rules_without_a_registry() {
    ibn_testkit::recommender::check(&|| Box::new(Hold));
    ibn_testkit::recommender::check(&|| {
        Box::new(TargetTracking::new(TargetSettings::default()).unwrap())
    });
    ibn_testkit::recommender::check(&|| {
        Box::new(ModelPredictive::new(twin(), MpcSettings::default()).unwrap())
    });
}

#[test]
fn the_twin_of_these_tests_foresees() {
    ibn_testkit::predictor::check(&ErlangTwin);
}

fn bandit() -> Bandit {
    Bandit::new(twin(), BanditSettings::default()).unwrap()
}

#[test]
fn the_bandit_learns() {
    ibn_testkit::learner::check(&bandit);
}

#[test]
fn a_supervised_bandit_learns_on_each_rung() {
    for start in Rung::ALL {
        let settings = LadderSettings {
            start,
            promote_after: 5,
            ..LadderSettings::default()
        };
        ibn_testkit::learner::check(&|| {
            let ladder = Ladder::new(settings.clone()).unwrap();
            Supervised::new(Box::new(bandit()), Box::new(Hold), ladder)
        });
    }
}
