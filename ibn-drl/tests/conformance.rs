//! Every recommender and learner that can be chosen by name holds what its trait asks for.

#![cfg(test)]

mod common;

use std::sync::Arc;

use common::ErlangTwin;
use ibn_core::roles::Predictor;
use ibn_drl::ladder::{Ladder, LadderSettings, Rung, Supervised};
use ibn_drl::rules::Hold;
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
