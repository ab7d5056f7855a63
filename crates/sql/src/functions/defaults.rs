//! Arguments that a user may leave out and whose value the result's column shows all the same.

use crate::ir::Literal;

/// The argument that follows `count` arguments, if the function fills it in.
pub(super) fn argument(name: &str, count: usize) -> Option<Literal> {
    Some(match (name, count) {
        ("split", 2) => Literal::Integer(-1),
        ("regexp_extract" | "regexp_extract_all", 2) => Literal::Integer(1),
        ("regexp_replace", 3) => Literal::Integer(1),
        ("regexp_instr", 2) => Literal::Integer(0),
        ("lpad" | "rpad", 2) => text(" "),
        ("locate" | "position", 2) => Literal::Integer(1),
        ("replace", 2) => text(""),
        ("substring" | "substr", 2) => Literal::Integer(i32::MAX),
        ("overlay", 3) => Literal::Integer(-1),
        ("mask", 1) => text("X"),
        ("mask", 2) => text("x"),
        ("mask", 3) => text("n"),
        ("mask", 4) => Literal::Null(crate::ir::DataType::STRING),
        ("sentences", 1 | 2) => text(""),
        ("str_to_map", 1) => text(","),
        ("str_to_map", 2) => text(":"),
        ("round" | "bround", 1) => Literal::Integer(0),
        ("sort_array", 1) => Literal::Boolean(true),
        ("hmac", 2) => text("SHA-256"),
        ("from_unixtime", 1) => text("yyyy-MM-dd HH:mm:ss"),
        ("months_between", 2) => Literal::Boolean(true),
        ("make_interval" | "try_make_interval", 0..=5) => Literal::Integer(0),
        ("make_interval" | "try_make_interval", 6) => seconds_of_zero(),
        ("make_dt_interval", 0..=2) => Literal::Integer(0),
        ("make_dt_interval", 3) => seconds_of_zero(),
        ("make_ym_interval", 0 | 1) => Literal::Integer(0),
        _ => return None,
    })
}

fn text(value: &str) -> Literal {
    Literal::String(value.to_owned())
}

fn seconds_of_zero() -> Literal {
    Literal::Decimal {
        unscaled: 0,
        precision: 18,
        scale: 6,
    }
}
