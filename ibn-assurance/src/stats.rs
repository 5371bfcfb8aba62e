//! Robust statistics over small samples.

use statrs::distribution::{ContinuousCDF, Normal};

/// Factor that makes the median absolute deviation an estimate of a normal distribution's standard deviation:
/// 1/Φ⁻¹(3/4) (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", 1993, section 1).
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// The median; `None` of nothing. Values that are not finite are left out.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// The `q`-quantile with linear interpolation between order statistics (Hyndman and Fan 1996, type 7);
/// `None` of nothing. Values that are not finite are left out.
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, q: f64) -> Option<f64> {
    quantile_sorted(&sorted(values), q)
}

/// The same of values that [`sorted`] has put in order.
pub(crate) fn quantile_sorted(ascending: &[f64], q: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let low = *ascending.get(below)?;
    let high = *ascending.get(below + 1).unwrap_or(&low);
    Some(low + (high - low) * (position - position.floor()))
}

/// The finite values in ascending order.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut kept: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    kept.sort_by(f64::total_cmp);
    kept
}

/// The value at which half of the weight lies below; `None` where there is no weight.
pub(crate) fn weighted_median(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let mut kept: Vec<(f64, f64)> = pairs
        .into_iter()
        .filter(|(value, weight)| value.is_finite() && weight.is_finite() && *weight > 0.0)
        .collect();
    kept.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = kept.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (value, weight) in kept {
        below += weight;
        if below >= half {
            return Some(value);
        }
    }
    None
}

/// Median and robust standard deviation (scaled median absolute deviation); `None` of nothing.
pub(crate) fn location_and_scale(values: &[f64]) -> Option<(f64, f64)> {
    let middle = median(values.iter().copied())?;
    let deviation = median(values.iter().map(|value| (value - middle).abs()))?;
    Some((middle, MAD_TO_SIGMA * deviation))
}

/// The standard normal distribution's quantile.
pub(crate) fn normal_quantile(q: f64) -> f64 {
    Normal::standard().inverse_cdf(q.clamp(1e-9, 1.0 - 1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_and_leave_out_nan() {
        assert_eq!(median([3.0, 1.0, f64::NAN, 2.0]), Some(2.0));
        assert_eq!(quantile([1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
        assert_eq!(quantile([1.0, 2.0], 1.0), Some(2.0));
        assert_eq!(median([]), None);
    }

    #[test]
    fn a_heavy_value_is_the_weighted_median() {
        assert_eq!(
            weighted_median([(1.0, 1.0), (2.0, 1.0), (9.0, 5.0)]),
            Some(9.0)
        );
        assert_eq!(weighted_median([(1.0, 0.0)]), None);
    }

    #[test]
    fn an_outlier_moves_the_robust_scale_little() {
        let (middle, scale) = location_and_scale(&[10.0, 11.0, 9.0, 10.0, 1000.0]).unwrap();
        assert_eq!(middle, 10.0);
        assert!((scale - MAD_TO_SIGMA).abs() < 1e-12);
    }

    #[test]
    fn normal_quantiles_are_the_tables() {
        assert!((normal_quantile(0.95) - 1.644_853_6).abs() < 1e-6);
        assert!((normal_quantile(0.75) * MAD_TO_SIGMA - 1.0).abs() < 1e-9);
    }
}
