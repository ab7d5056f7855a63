//! How watermarks advance.

use fleuve_engine::watermark::{EventTimes, WatermarkPolicy, WatermarkTracker};

fn seen(times: &[i64]) -> EventTimes {
    let mut seen = EventTimes::default();
    times.iter().for_each(|ms| seen.add(*ms));
    seen
}

#[test]
fn the_watermark_is_the_latest_event_less_the_delay_and_never_goes_back() {
    let mut tracker = WatermarkTracker::new(WatermarkPolicy::Min, 1, 0);
    assert_eq!(tracker.advance(&[(seen(&[5_000, 15_000]), 10_000)]), 5_000);
    assert_eq!(tracker.advance(&[(seen(&[1_000]), 10_000)]), 5_000);
    assert_eq!(tracker.advance(&[(seen(&[]), 10_000)]), 5_000);
    assert_eq!(tracker.advance(&[(seen(&[35_000]), 10_000)]), 25_000);
}

#[test]
fn the_slowest_node_holds_the_minimum_back_even_before_it_has_seen_anything() {
    let mut tracker = WatermarkTracker::new(WatermarkPolicy::Min, 2, 0);
    assert_eq!(tracker.advance(&[(seen(&[50_000]), 0), (seen(&[]), 0)]), 0);
    assert_eq!(
        tracker.advance(&[(seen(&[]), 0), (seen(&[20_000]), 0)]),
        20_000
    );
}

#[test]
fn the_fastest_node_decides_under_policy_max() {
    let mut tracker = WatermarkTracker::new(WatermarkPolicy::Max, 2, 0);
    assert_eq!(
        tracker.advance(&[(seen(&[50_000]), 0), (seen(&[]), 0)]),
        50_000
    );
}

#[test]
fn a_restart_goes_on_from_the_checkpoints_watermark() {
    let mut tracker = WatermarkTracker::new(WatermarkPolicy::Min, 1, 0);
    tracker.restore(60_000);
    assert_eq!(tracker.advance(&[(seen(&[61_000]), 10_000)]), 60_000);
    assert_eq!(tracker.advance(&[(seen(&[90_000]), 10_000)]), 80_000);
}
