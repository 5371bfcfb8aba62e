//! Conformance of a `Forecaster`, and series to try it on.

use std::time::Duration;

use ibn_core::prediction::Series;
use ibn_core::roles::Forecaster;
use ibn_core::units::Quantile;
use jiff::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

/// A series of one value a minute from the start of time.
#[must_use]
pub fn by_minute(values: impl IntoIterator<Item = Option<f64>>) -> Series {
    Series {
        start: Timestamp::UNIX_EPOCH,
        step: MINUTE,
        values: values.into_iter().collect(),
    }
}

/// Days of demand, one value each `step`: a curve with a peak in the afternoon and a smaller one in the morning,
/// around 100, with noise of standard deviation `noise` that is the same for the same `seed`.
#[must_use]
pub fn days(n_days: usize, step: Duration, noise: f64, seed: u64) -> Series {
    const DAY: f64 = 86_400.0;
    let per_day = (DAY / step.as_secs_f64().max(1.0)) as usize;
    let mut random = Random(seed);
    let values = (0..n_days * per_day)
        .map(|idx| {
            let turn = std::f64::consts::TAU * (idx % per_day) as f64 / per_day as f64;
            let curve = 100.0 - 50.0 * turn.cos() - 20.0 * (2.0 * turn).sin();
            Some((curve + noise * random.normal()).max(0.0))
        })
        .collect();
    Series {
        start: Timestamp::UNIX_EPOCH,
        step,
        values,
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): enough for noise that is the same everywhere.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The sum of twelve uniform values less six: close to standard normal, without a logarithm whose last bit
    /// differs between machines.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// What every forecaster must hold. `long` is a series that it can tell of, by the minute or coarser.
///
/// # Panics
/// Where `forecaster` doesn't.
pub fn check(forecaster: &dyn Forecaster, long: &Series) {
    assert!(!forecaster.name().is_empty(), "has a name");
    // Out of order and twice, as a caller may give them.
    let horizons = [long.step * 5, long.step, long.step * 5];
    let quantiles: Vec<Quantile> = [0.95, 0.05, 0.5]
        .into_iter()
        .filter_map(Quantile::new)
        .collect();
    let told = forecaster.forecast(long, &horizons, &quantiles);
    assert_eq!(
        told,
        forecaster.forecast(long, &horizons, &quantiles),
        "the same series, the same forecast"
    );
    let Some(told) = told else { unable() };
    let last = u32::try_from(long.values.len().saturating_sub(1)).unwrap_or(u32::MAX);
    assert_eq!(
        told.made_at,
        long.start + long.step * last,
        "counts from the last value"
    );
    let answered: Vec<Duration> = told.points.iter().map(|point| point.horizon).collect();
    assert_eq!(
        answered,
        [long.step, long.step * 5],
        "each horizon once, ascending"
    );
    let lowest = long
        .values
        .iter()
        .flatten()
        .fold(f64::INFINITY, |low, value| low.min(*value));
    for point in &told.points {
        let answered: Vec<f64> = point
            .values
            .iter()
            .map(|(quantile, _)| quantile.get())
            .collect();
        assert_eq!(answered, [0.05, 0.5, 0.95], "each quantile once, ascending");
        let values: Vec<f64> = point.values.iter().map(|(_, value)| *value).collect();
        assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
        assert!(values.is_sorted(), "quantiles don't cross: {values:?}");
        assert!(
            lowest < 0.0 || values.iter().all(|value| *value >= 0.0),
            "demand isn't negative: {values:?}"
        );
    }
    assert_eq!(
        forecaster.forecast(&by_minute([]), &horizons, &quantiles),
        None,
        "nothing to tell from"
    );
    assert_eq!(
        forecaster.forecast(&by_minute([Some(1.0)]), &horizons, &quantiles),
        None,
        "too short"
    );
    let silent = by_minute(vec![None; long.values.len()]);
    assert_eq!(
        forecaster.forecast(&silent, &horizons, &quantiles),
        None,
        "nothing was measured"
    );
}

#[expect(
    clippy::panic,
    reason = "a test with a series that is too short is to fail"
)]
fn unable() -> ! {
    panic!("the series that it should be able to tell of is too short for it")
}
