//! What plays a role in this crate holds what the role asks for.

use ibn_core::roles::{Clock, VirtualClock};
use jiff::Timestamp;

#[test]
fn a_virtual_clock_never_goes_back() {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    ibn_testkit::clock::check(&clock);
    let later = Timestamp::from_second(60).unwrap_or(Timestamp::MAX);
    clock.set(later);
    clock.set(Timestamp::UNIX_EPOCH);
    assert_eq!(clock.now(), later);
    ibn_testkit::clock::check(&clock);
}
