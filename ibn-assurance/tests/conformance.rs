//! Every implementation passes the suite of its trait.

use ibn_assurance::{BurnRateAssessor, ForecastAwareAssessor, ThresholdAssessor};
use ibn_testkit::assessor;

#[test]
fn burn_rate() {
    assessor::check(&BurnRateAssessor::default());
}

#[test]
fn threshold() {
    assessor::check(&ThresholdAssessor::default());
}

#[test]
fn forecast_aware() {
    assessor::check(&ForecastAwareAssessor::around(BurnRateAssessor::default()));
    assessor::check(&ForecastAwareAssessor::around(ThresholdAssessor::default()));
}
