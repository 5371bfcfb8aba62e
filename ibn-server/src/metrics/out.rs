//! Writing families of metrics.

use std::fmt;

use ibn_core::workload::WorkloadRef;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The labels of a workload.
pub(super) fn of(workload: &WorkloadRef) -> Labels {
    vec![
        ("namespace", workload.namespace.clone()),
        ("kind", workload.kind.as_str().to_owned()),
        ("workload", workload.name.clone()),
    ]
}

/// The labels with one more.
pub(super) fn with(mut labels: Labels, name: &'static str, value: &str) -> Labels {
    labels.push((name, value.to_owned()));
    labels
}

/// Writes families of metrics.
pub(super) struct Out<'a, 'b>(&'a mut DescriptorEncoder<'b>);

/// A histogram with its labels: sum, count, and buckets by their upper end, each for itself.
pub(super) struct Histogram {
    pub(super) labels: Labels,
    pub(super) sum: f64,
    pub(super) count: u64,
    pub(super) buckets: Vec<(f64, u64)>,
}

impl<'a, 'b> Out<'a, 'b> {
    pub(super) fn new(encoder: &'a mut DescriptorEncoder<'b>) -> Self {
        Self(encoder)
    }

    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> Result<(), fmt::Error>,
    ) -> Result<(), fmt::Error> {
        let mut encoder = self.0.encode_descriptor(name, help, None, kind)?;
        write(&mut encoder)
    }

    pub(super) fn gauges(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) -> Result<(), fmt::Error> {
        self.family(name, help, MetricType::Gauge, |encoder| {
            for (labels, value) in values {
                if labels.is_empty() {
                    encoder.encode_gauge(&value)?;
                } else {
                    encoder.encode_family(&labels)?.encode_gauge(&value)?;
                }
            }
            Ok(())
        })
    }

    /// The encoder adds `_total` to the name.
    pub(super) fn counters<N: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, N)>,
    ) -> Result<(), fmt::Error> {
        self.family(name, help, MetricType::Counter, |encoder| {
            for (labels, value) in values {
                let mut encoder = encoder.encode_family(&labels)?;
                encoder.encode_counter::<NoLabelSet, N, u64>(&value, None)?;
            }
            Ok(())
        })
    }

    pub(super) fn histograms(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = Histogram>,
    ) -> Result<(), fmt::Error> {
        self.family(name, help, MetricType::Histogram, |encoder| {
            for histogram in values {
                let Histogram {
                    labels,
                    sum,
                    count,
                    mut buckets,
                } = histogram;
                let counted: u64 = buckets.iter().map(|(_, count)| count).sum();
                buckets.push((f64::INFINITY, count.saturating_sub(counted)));
                if labels.is_empty() {
                    encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
                } else {
                    let mut encoder = encoder.encode_family(&labels)?;
                    encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
                }
            }
            Ok(())
        })
    }
}
