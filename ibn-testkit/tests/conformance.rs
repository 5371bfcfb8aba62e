//! The fakes of this crate hold what the roles they play ask for.

use futures::executor::block_on;
use ibn_core::observation::Signal;
use ibn_core::workload::WorkloadRef;
use ibn_testkit::monitor::ScriptedMonitor;
use ibn_testkit::stage::{ComparingAssessor, FixedReplicas};
use ibn_testkit::translator::ScriptedTranslator;
use ibn_testkit::{assessor, monitor, recommender, translator};
use jiff::Timestamp;

#[test]
fn the_comparing_assessor_judges() {
    assessor::check_honest(&ComparingAssessor);
}

#[test]
fn fixed_replicas_are_advice() {
    recommender::check(&|| Box::new(FixedReplicas(3)));
}

#[test]
fn the_scripted_monitor_measures() {
    let (web, now) = (
        WorkloadRef::deployment("acme", "web"),
        Timestamp::UNIX_EPOCH,
    );
    let scripted = ScriptedMonitor::new(now);
    scripted.set(&web, Signal::RequestRate, 12.0, now);
    block_on(monitor::check(&scripted, &web));
}

#[test]
fn the_scripted_translator_answers() {
    block_on(translator::check(&ScriptedTranslator::new(Vec::new())));
}
