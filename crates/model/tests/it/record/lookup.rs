use fleuve_model::record::{Compression, RecordPosition};
use fleuve_model::{LeaderEpoch, Offset, Timestamp};

use super::samples::{PLAIN_BYTES_MAX, three_records};

fn position(millis: i64, offset: i64) -> RecordPosition {
    RecordPosition {
        timestamp: Timestamp::from_millis(millis),
        offset: Offset::new(offset).expect("it is not negative"),
    }
}

#[test]
fn the_first_record_since_a_time_is_found_behind_an_offset() {
    let offset = |value| Offset::new(value).expect("it is not negative");
    for compression in Compression::ALL {
        let batch = three_records(compression).assigned(offset(50), LeaderEpoch::ZERO);
        let mut scratch = Vec::new();
        let mut first = |millis, from| {
            let target = Timestamp::from_millis(millis);
            batch.first_since(target, offset(from), &mut scratch, PLAIN_BYTES_MAX)
        };
        assert_eq!(first(0, 0), Ok(Some(position(1_000, 50))));
        assert_eq!(first(1_001, 0), Ok(Some(position(1_003, 51))));
        assert_eq!(first(1_001, 52), Ok(Some(position(1_001, 52))));
        assert_eq!(first(1_004, 0), Ok(None));
    }
}

#[test]
fn the_latest_record_is_the_first_with_the_largest_time() {
    for compression in Compression::ALL {
        let batch = three_records(compression);
        let mut scratch = Vec::new();
        assert_eq!(
            batch.latest(&mut scratch, PLAIN_BYTES_MAX),
            Ok(Some(position(1_003, 1)))
        );
        assert_eq!(batch.shallow_latest(), Some(position(1_003, 2)));
    }
}
