//! Is a value out of line, and has a level moved? Robust z-score and CUSUM.

use crate::stats;

/// How far `value` lies from what `baseline` has seen, in robust standard deviations: `(value - median) / (1.4826 · MAD)`
/// (Iglewicz and Hoaglin, *How to Detect and Handle Outliers*, 1993, call |z| > 3.5 an outlier).
///
/// The scale is at least `least_scale` times the median, so that a baseline without noise doesn't make every
/// value an outlier. `None` for fewer than three values, or where there is no scale at all.
///
/// ```
/// use ibn_assurance::anomaly::robust_z;
///
/// let usual = [100.0, 102.0, 98.0, 101.0, 99.0];
/// assert!(robust_z(130.0, &usual, 0.05).unwrap() > 3.5);
/// assert!(robust_z(103.0, &usual, 0.05).unwrap() < 3.5);
/// assert_eq!(robust_z(103.0, &usual[..2], 0.05), None);
/// ```
#[must_use]
pub fn robust_z(value: f64, baseline: &[f64], least_scale: f64) -> Option<f64> {
    let finite = baseline.iter().filter(|v| v.is_finite()).count();
    if finite < 3 || !value.is_finite() {
        return None;
    }
    let (middle, scale) = stats::location_and_scale(baseline)?;
    let scale = scale.max(least_scale * middle.abs());
    (scale > 0.0).then(|| (value - middle) / scale)
}

/// Finds a lasting shift of a level: a two-sided tabular CUSUM (Page 1954; Montgomery, *Introduction to
/// Statistical Quality Control*, section 9.1).
///
/// With `z` the value in standard deviations from the target, `high = max(0, high + z - slack)` and
/// `low = max(0, low - z - slack)`; a shift is found where one of them passes `threshold`. A slack of 0.5
/// and a threshold of 5 find a shift of one standard deviation after some 10 values, and raise a false
/// alarm every 465 values or so (Montgomery, table 9.4 to 9.6).
///
/// ```
/// use ibn_assurance::anomaly::{Cusum, Shift};
///
/// let mut cusum = Cusum::new(10.0, 1.0);
/// assert!((0..20).all(|idx| cusum.push(if idx % 2 == 0 { 10.5 } else { 9.5 }).is_none()));
/// assert_eq!((0..20).find_map(|_| cusum.push(12.0)), Some(Shift::Up));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cusum {
    target: f64,
    scale: f64,
    slack: f64,
    threshold: f64,
    high: f64,
    low: f64,
}

/// The direction of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// To more.
    Up,
    /// To less.
    Down,
}

impl Cusum {
    /// Around `target` with standard deviation `scale`, with slack 0.5 and threshold 5. A scale that isn't positive finds nothing.
    #[must_use]
    pub fn new(target: f64, scale: f64) -> Self {
        Self {
            target,
            scale,
            slack: 0.5,
            threshold: 5.0,
            high: 0.0,
            low: 0.0,
        }
    }

    /// Takes one more value; says where the level has shifted. Starts anew after that. A value that isn't finite is passed over.
    pub fn push(&mut self, value: f64) -> Option<Shift> {
        if !value.is_finite() || self.scale <= 0.0 {
            return None;
        }
        let z = (value - self.target) / self.scale;
        self.high = (self.high + z - self.slack).max(0.0);
        self.low = (self.low - z - self.slack).max(0.0);
        let shift = if self.high > self.threshold {
            Some(Shift::Up)
        } else if self.low > self.threshold {
            Some(Shift::Down)
        } else {
            None
        };
        if shift.is_some() {
            (self.high, self.low) = (0.0, 0.0);
        }
        shift
    }
}

/// Where the level of a series last shifted: target and scale come from its first half; `None` where it didn't, or
/// where there are fewer than eight values.
#[must_use]
pub fn last_shift(values: &[f64], least_scale: f64) -> Option<(usize, Shift)> {
    if values.len() < 8 {
        return None;
    }
    let (head, _) = values.split_at(values.len() / 2);
    let (middle, scale) = stats::location_and_scale(head)?;
    let mut cusum = Cusum::new(middle, scale.max(least_scale * middle.abs()));
    let shifts = values.iter().enumerate();
    shifts
        .filter_map(|(idx, value)| Some((idx, cusum.push(*value)?)))
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_baseline_has_the_least_scale() {
        assert_eq!(robust_z(11.0, &[10.0; 5], 0.05), Some(2.0));
        assert_eq!(robust_z(11.0, &[0.0; 5], 0.05), None);
        assert_eq!(robust_z(f64::NAN, &[1.0; 5], 0.05), None);
    }

    #[test]
    fn an_outlier_in_the_baseline_hides_nothing() {
        let z = robust_z(150.0, &[100.0, 101.0, 99.0, 900.0, 100.0], 0.01).unwrap();
        assert!(z > 3.5, "{z}");
    }

    #[test]
    fn cusum_accumulates_as_the_table_says() {
        // z = 2, slack 0.5: 1.5, 3, 4.5, 6 > 5 at the fourth value.
        let mut cusum = Cusum::new(0.0, 1.0);
        let found: Vec<_> = (0..4).map(|_| cusum.push(-2.0)).collect();
        assert_eq!(found, [None, None, None, Some(Shift::Down)]);
    }

    #[test]
    fn a_spike_is_no_shift_and_a_step_is_one() {
        let mut series = vec![10.0, 10.2, 9.8, 10.1, 9.9, 10.0, 10.2, 9.8];
        series.extend([10.0, 10.1, 9.9, 12.0, 10.0, 9.9, 10.1, 10.0]);
        assert_eq!(last_shift(&series, 0.05), None);
        series.extend([13.0; 4]);
        assert!(matches!(last_shift(&series, 0.05), Some((_, Shift::Up))));
        assert_eq!(last_shift(&[1.0; 4], 0.05), None);
    }
}
