//! Every recommender and learner that can be chosen by name holds what its trait asks for.

#![cfg(test)]

mod common;

use std::sync::Arc;

use common::ErlangTwin;
use ibn_core::roles::Predictor;
use ibn_drl::ladder::{Ladder, LadderSettings, Rung, Supervised};
use ibn_drl::nn::Mlp;
use ibn_drl::policy::Policy;
use ibn_drl::rules::{Hold, ModelPredictive, MpcSettings, TargetSettings, TargetTracking};
use ibn_drl::trained::{About, Trained, TrainedPolicy};
use ibn_drl::{Bandit, BanditSettings, ENTRIES, Spec, learner, recommender};

fn twin() -> Arc<dyn Predictor> {
    Arc::new(ErlangTwin)
}

/// A policy with weights by chance.
fn policy() -> TrainedPolicy {
    let spaces = TrainedPolicy::spaces();
    let mut policy = Policy::new(&spaces, &[16], 0.0, 3);
    for (idx, weight) in policy.actor_mut().parameters_mut().iter_mut().enumerate() {
        *weight += (idx as f32).sin();
    }
    let critic = Mlp::new(&[spaces.observation, 16, 1], 1.0, 4);
    TrainedPolicy::new(policy, critic, About::default()).unwrap()
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

#[test]
fn a_policy_reads_back_and_another_one_is_refused_with_both_named() {
    let policy = policy();
    let bytes = policy.to_bytes();
    assert_eq!(TrainedPolicy::from_bytes(&bytes).unwrap(), policy);
    ibn_testkit::learner::check(&|| Trained::new(Arc::new(self::policy()), twin()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.safetensors");
    std::fs::write(&file, &bytes).unwrap();
    let spec = Spec::new("ppo").with_option("file", file.to_str().unwrap());
    assert_eq!(recommender(&spec, &twin()).unwrap().name(), "ppo");

    let refused = |bytes: &[u8]| TrainedPolicy::from_bytes(bytes).unwrap_err().to_string();
    assert!(refused(b"nothing").contains("it is no safetensors file"));
    // The head is text in the file; a change of the same length leaves the rest as it is.
    let with = |from: &str, to: &str| {
        let at = bytes
            .windows(from.len())
            .position(|part| part == from.as_bytes())
            .unwrap();
        let mut other = bytes.clone();
        other[at..at + to.len()].copy_from_slice(to.as_bytes());
        refused(&other)
    };
    assert_eq!(
        with(r#"\"version\":1"#, r#"\"version\":9"#),
        "the policy can't be used: it is of version 9, and 1 is what is read here"
    );
    let layout = with(r#"\"headroom\":2"#, r#"\"headroom\":7"#);
    assert!(
        layout.contains("head-room 7") && layout.contains("head-room 2"),
        "{layout}"
    );
    let mut odd = bytes.clone();
    let end = odd.len();
    odd[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refused(&odd).contains("not finite"), "{}", refused(&odd));

    let shipped = TrainedPolicy::shipped();
    assert!(shipped.about.steps > 0, "the shipped policy can be read");
    assert!(shipped.to_bytes().len() < 200_000);
    let spec: Spec = "ppo:nowhere.safetensors".parse().unwrap();
    assert_eq!(spec.option("file"), Some("nowhere.safetensors"));
    let missing = recommender(&spec, &twin()).err().unwrap().to_string();
    assert!(missing.contains("`nowhere.safetensors`"), "{missing}");
}
