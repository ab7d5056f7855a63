use fleuve_model::record::varint::{put_i32, put_i64, size_i32, size_i64, take_i32, take_i64};
use proptest::prelude::*;

proptest! {
    #[test]
    fn integers_read_back_and_take_what_was_measured(short: i32, long: i64) {
        let mut bytes = Vec::new();
        put_i32(&mut bytes, short);
        prop_assert_eq!(bytes.len(), size_i32(short));
        put_i64(&mut bytes, long);
        prop_assert_eq!(bytes.len(), size_i32(short) + size_i64(long));
        let mut rest = &bytes[..];
        prop_assert_eq!(take_i32(&mut rest), Some(short));
        prop_assert_eq!(take_i64(&mut rest), Some(long));
        prop_assert!(rest.is_empty());
    }
}

#[test]
fn zigzag_puts_small_numbers_of_either_sign_into_one_byte() {
    let encoded = |value| {
        let mut bytes = Vec::new();
        put_i32(&mut bytes, value);
        bytes
    };
    assert_eq!(encoded(0), [0]);
    assert_eq!(encoded(-1), [1]);
    assert_eq!(encoded(63), [126]);
    assert_eq!(encoded(-64), [127]);
    assert_eq!(encoded(64), [128, 1]);
    assert_eq!(encoded(i32::MIN), [255, 255, 255, 255, 15]);
}

#[test]
fn integers_that_are_cut_off_too_long_or_too_wide_are_refused() {
    assert_eq!(take_i32(&mut &[][..]), None);
    assert_eq!(take_i32(&mut &[0x80][..]), None);
    assert_eq!(take_i32(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..]), None);
    assert_eq!(
        take_i32(&mut &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00][..]),
        None
    );
    let too_wide = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    assert_eq!(take_i64(&mut &too_wide[..]), None);
}
