//! How long a decision of a trained policy takes: on one observation, and on those of ten thousand workloads at once.
//!
//! The policy is of the size and layout of a trained one; what its weights are doesn't change the time.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ibn_drl::policy::Policy;
use ibn_drl::trained::TrainedPolicy;

/// Workloads of the batch.
const WORKLOADS: usize = 10_000;

fn inference(criterion: &mut Criterion) {
    let spaces = TrainedPolicy::spaces();
    let policy: Policy<f32> = Policy::new(&spaces, &[64, 64], 0.0, 1);
    let (width, n_actions) = (spaces.observation, spaces.action.mask_len());
    let observations: Vec<f32> = (0..WORKLOADS * width)
        .map(|idx| (idx as f32 * 0.7).sin())
        .collect();
    let masks: Vec<bool> = (0..WORKLOADS * n_actions)
        .map(|idx| idx % n_actions == 0 || idx % 3 != 0)
        .collect();

    let mut group = criterion.benchmark_group("inference");
    let (mut one, mut action) = (policy.workspace(1), [0.0]);
    let (observation, mask) = (observations.get(..width), masks.get(..n_actions));
    if let (Some(observation), Some(mask)) = (observation, mask) {
        group.throughput(Throughput::Elements(1));
        group.bench_function("one", |bencher| {
            bencher.iter(|| {
                policy.best(black_box(observation), mask, &mut one, &mut action);
                black_box(action[0])
            });
        });
    }

    let (mut many, mut actions) = (policy.workspace(WORKLOADS), vec![0.0; WORKLOADS]);
    group.throughput(Throughput::Elements(WORKLOADS as u64));
    group.bench_function("ten thousand", |bencher| {
        bencher.iter(|| {
            policy.best_of_each(black_box(&observations), &masks, &mut many, &mut actions);
            black_box(actions.last().copied())
        });
    });
    group.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);
