//! Conformance of a `Clock`.

use ibn_core::roles::Clock;
use jiff::Timestamp;

/// What every clock must hold: it never goes back, whoever reads it.
///
/// # Panics
/// Where it doesn't.
pub fn check(clock: &dyn Clock) {
    const READS: usize = 1_000;
    let start = clock.now();
    assert!(
        start >= Timestamp::UNIX_EPOCH,
        "{start} is of this time or a later one"
    );
    let ends: Vec<Timestamp> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    (0..READS).fold(start, |before, _| {
                        let now = clock.now();
                        assert!(now >= before, "{now} comes after {before}");
                        now
                    })
                })
            })
            .collect();
        readers
            .into_iter()
            .filter_map(|reader| reader.join().ok())
            .collect()
    });
    assert_eq!(ends.len(), 2, "each reader saw time go on");
    let now = clock.now();
    assert!(
        ends.iter().all(|end| now >= *end),
        "all readers see one time"
    );
}
