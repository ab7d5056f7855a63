//! `=`, `<`, `AND`, `IS NULL`, `IN` and their kin.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::{Arg, Function, FunctionCall, Invocation, Nulls, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;
use crate::types::{coercion, sql_name};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("==", |call| compare(call, Operator::Eq, "=")).or(&["="]),
    custom("<", |call| compare(call, Operator::Lt, "<")),
    custom("<=", |call| compare(call, Operator::LtEq, "<=")),
    custom(">", |call| compare(call, Operator::Gt, ">")),
    custom(">=", |call| compare(call, Operator::GtEq, ">=")),
    custom("!=", not_equal).or(&["<>"]),
    custom("<=>", |call| {
        compare(call, Operator::IsNotDistinctFrom, "<=>")
    }),
    custom("equal_null", equal_null),
    custom("and", |call| logical(call, Operator::And, "AND")),
    custom("or", |call| logical(call, Operator::Or, "OR")),
    custom("not", not).or(&["!"]),
    custom("likeall", |call| like_each(call, "and", false)).nulls(Nulls::Always),
    custom("likeany", |call| like_each(call, "or", false)).nulls(Nulls::Always),
    custom("notlikeall", |call| like_each(call, "and", true)).nulls(Nulls::Always),
    custom("notlikeany", |call| like_each(call, "or", true)).nulls(Nulls::Always),
    custom("isnull", |call| null_test(call, true)),
    custom("isnotnull", |call| null_test(call, false)),
    custom("isnan", is_nan),
    custom("in", in_list),
    custom("between", between),
];

fn compare(call: &mut FunctionCall<'_>, operator: Operator, symbol: &str) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = format!(
        "({} {symbol} {})",
        call.arguments[0].name, call.arguments[1].name
    );
    compare_as(call, operator, &text)
}

fn compare_as(call: &mut FunctionCall<'_>, operator: Operator, text: &str) -> Result<TypedExpr> {
    literals_beside_decimals(call)?;
    let [left, right] = [&call.arguments[0].data_type, &call.arguments[1].data_type];
    // Structs may name their fields as they like.
    let same = coercion::same_shape(left, right).then(|| left.clone());
    // Strings inside of containers stay strings.
    let common = match (left, right) {
        (DataType::Array { .. }, DataType::Array { .. })
        | (DataType::Struct(_), DataType::Struct(_)) => coercion::tightest_common_type(left, right),
        _ => coercion::common_type(left, right),
    };
    let common = common.or(same).ok_or_else(|| {
        SparkError::binary_operator_different_types(text, &sql_name(left), &sql_name(right))
    })?;
    let ordering = !matches!(operator, Operator::Eq | Operator::IsNotDistinctFrom);
    let comparable = coercion::is_orderable(&common)
        || (!ordering && !contains_map(&common))
        || common == DataType::Null;
    if !comparable {
        return Err(SparkError::invalid_ordering_type(
            text,
            symbol(operator),
            &sql_name(&common),
        ));
    }
    for argument in &mut call.arguments {
        *argument = call.analyzer.cast_implicitly(argument.clone(), &common)?;
    }
    let nullable = operator != Operator::IsNotDistinctFrom && call.any_nullable();
    let [left, right] = [call.arguments[0].clone(), call.arguments[1].clone()];
    let expr = if needs_own_comparison(&common) {
        let kernel = Arc::new(move |inv: &Invocation<'_>| compare_arrays(inv, operator));
        call.maker().call(
            symbol(operator),
            "",
            kernel,
            &[left, right],
            DataType::Boolean,
            nullable,
        )
    } else {
        binary(left.expr, operator, right.expr)
    };
    Ok(TypedExpr::new(expr, DataType::Boolean, nullable, text))
}

/// An integer literal beside a decimal is the narrowest decimal that holds it.
fn literals_beside_decimals(call: &mut FunctionCall<'_>) -> Result<()> {
    for (literal, other) in [(0, 1), (1, 0)] {
        let beside_decimal = matches!(call.arguments[other].data_type, DataType::Decimal { .. });
        let narrowest = super::arithmetic::literal_decimal(&call.arguments[literal]);
        if let (true, Some((precision, scale))) = (beside_decimal, narrowest) {
            call.cast_argument(literal, &DataType::Decimal { precision, scale })?;
        }
    }
    Ok(())
}

fn contains_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map { .. } => true,
        DataType::Array { element, .. } => contains_map(element),
        DataType::Struct(fields) => fields.fields.iter().any(|f| contains_map(&f.data_type)),
        _ => false,
    }
}

fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::Eq => "=",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => "<=>",
    }
}

/// True of types that Arrow's comparison kernels order otherwise than Spark, or not at all: zero has one sign, NaN
/// equals NaN, containers compare element by element.
fn needs_own_comparison(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float
            | DataType::Double
            | DataType::Array { .. }
            | DataType::Struct(_)
            | DataType::Null
    )
}

fn compare_arrays(inv: &Invocation<'_>, operator: Operator) -> Result<ArrayRef> {
    use std::cmp::Ordering;
    let (left, right) = (inv.argument(0)?, inv.argument(1)?);
    let comparator = crate::compare::Comparator::new(&left.array, &right.array, &inv.types[0])?;
    let values = (0..inv.rows).map(|row| {
        let (i, j) = (
            if left.is_constant { 0 } else { row },
            if right.is_constant { 0 } else { row },
        );
        match (
            left.array.is_null(i) || inv.types[0] == DataType::Null,
            right.array.is_null(j) || inv.types[0] == DataType::Null,
        ) {
            (false, false) => {
                let ordering = comparator.compare(i, j);
                Some(match operator {
                    Operator::Lt => ordering == Ordering::Less,
                    Operator::LtEq => ordering != Ordering::Greater,
                    Operator::Gt => ordering == Ordering::Greater,
                    Operator::GtEq => ordering != Ordering::Less,
                    _ => ordering == Ordering::Equal,
                })
            }
            (a, b) if operator == Operator::IsNotDistinctFrom => Some(a && b),
            _ => None,
        }
    });
    Ok(Arc::new(values.collect::<BooleanArray>()))
}

fn binary(left: Expr, operator: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

fn not_equal(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let equal = compare(call, Operator::Eq, "=")?;
    let text = format!("(NOT {})", equal.name);
    Ok(TypedExpr::new(
        Expr::Not(Box::new(equal.expr)),
        DataType::Boolean,
        equal.nullable,
        text,
    ))
}

fn equal_null(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    compare_as(call, Operator::IsNotDistinctFrom, &text)
}

fn logical(call: &mut FunctionCall<'_>, operator: Operator, word: &str) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = format!(
        "({} {word} {})",
        call.arguments[0].name, call.arguments[1].name
    );
    for index in 0..2 {
        let found = &call.arguments[index].data_type;
        if !matches!(
            found,
            DataType::Boolean | DataType::Null | DataType::String(_)
        ) {
            let (left, right) = (&call.arguments[0].data_type, &call.arguments[1].data_type);
            return Err(if left == right {
                SparkError::binary_operator_wrong_type(&text, "\"BOOLEAN\"", &sql_name(found))
            } else {
                SparkError::binary_operator_different_types(
                    &text,
                    &sql_name(left),
                    &sql_name(right),
                )
            });
        }
        call.convert(index, Arg::Boolean)?;
    }
    let nullable = call.any_nullable();
    let expr = binary(
        call.arguments[0].expr.clone(),
        operator,
        call.arguments[1].expr.clone(),
    );
    Ok(TypedExpr::new(expr, DataType::Boolean, nullable, text))
}

/// Whether a text is of any pattern, of all, or not.
fn like_each(call: &mut FunctionCall<'_>, joined_by: &str, negated: bool) -> Result<TypedExpr> {
    call.arity(2, usize::MAX)?;
    let text = format!("{}({})", call.name, call.arguments[0].name);
    let value = call.arguments[0].clone();
    let mut all: Option<TypedExpr> = None;
    for pattern in call.arguments.split_off(1) {
        let mut test = call.apply("like", vec![value.clone(), pattern])?;
        if negated {
            test = call.apply("not", vec![test])?;
        }
        all = Some(match all {
            None => test,
            Some(before) => call.apply(joined_by, vec![before, test])?,
        });
    }
    let all = all.ok_or_else(|| SparkError::internal("no pattern"))?;
    Ok(all.with_name(text))
}

fn not(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = format!("(NOT {})", call.arguments[0].name);
    if !matches!(
        call.arguments[0].data_type,
        DataType::Boolean | DataType::Null | DataType::String(_)
    ) {
        let argument = &call.arguments[0];
        return Err(SparkError::unexpected_input_type(
            &text,
            "first",
            "\"BOOLEAN\"",
            &argument.name,
            &sql_name(&argument.data_type),
        ));
    }
    call.convert(0, Arg::Boolean)?;
    let argument = call.arguments[0].clone();
    Ok(TypedExpr::new(
        Expr::Not(Box::new(argument.expr)),
        DataType::Boolean,
        argument.nullable,
        text,
    ))
}

fn null_test(call: &mut FunctionCall<'_>, is_null: bool) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let argument = call.arguments[0].clone();
    let (expr, word) = if is_null {
        (Expr::IsNull(Box::new(argument.expr)), "IS NULL")
    } else {
        (Expr::IsNotNull(Box::new(argument.expr)), "IS NOT NULL")
    };
    Ok(TypedExpr::new(
        expr,
        DataType::Boolean,
        false,
        format!("({} {word})", argument.name),
    ))
}

fn is_nan(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    if call.arguments[0].data_type != DataType::Float {
        call.convert(0, Arg::Double)?;
    } else {
        let argument = call.arguments[0].clone();
        call.arguments[0] = call.analyzer.cast_implicitly(argument, &DataType::Double)?;
    }
    Ok(call.call("isnan", DataType::Boolean, false, |inv| {
        let values = inv.doubles(0)?;
        inv.build_booleans(|row| Ok(Some(values.get(row).is_some_and(f64::is_nan))))
    }))
}

fn in_list(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, usize::MAX)?;
    let list: Vec<&str> = call.arguments[1..]
        .iter()
        .map(|a| a.name.as_str())
        .collect();
    let text = format!("({} IN ({}))", call.arguments[0].name, list.join(", "));
    let types: Vec<DataType> = call.arguments.iter().map(|a| a.data_type.clone()).collect();
    let common = coercion::common_type_of(types.iter()).ok_or_else(|| {
        let types: Vec<String> = types.iter().map(sql_name).collect();
        SparkError::data_types_differ(&text, "in", &types)
    })?;
    for argument in &mut call.arguments {
        *argument = call.analyzer.cast_implicitly(argument.clone(), &common)?;
    }
    let nullable = call.any_nullable();
    let mut arguments = call.arguments.clone();
    let value = arguments.remove(0);
    if arguments.is_empty() {
        return Ok(TypedExpr::new(
            datafusion::prelude::lit(false),
            DataType::Boolean,
            false,
            text,
        ));
    }
    if needs_own_comparison(&common) {
        let mut any: Option<TypedExpr> = None;
        for candidate in arguments {
            let equal = call.apply("==", vec![value.clone(), candidate])?;
            any = Some(match any {
                None => equal,
                Some(so_far) => call.apply("or", vec![so_far, equal])?,
            });
        }
        return any
            .map(|e| e.with_name(text))
            .ok_or_else(|| SparkError::internal("an empty list"));
    }
    let list = arguments.into_iter().map(|a| a.expr).collect();
    let expr = Expr::InList(InList::new(Box::new(value.expr), list, false));
    Ok(TypedExpr::new(expr, DataType::Boolean, nullable, text))
}

fn between(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let [value, low, high] = [0, 1, 2].map(|i| call.arguments[i].clone());
    let text = format!("between({}, {}, {})", value.name, low.name, high.name);
    let above = call.apply(">=", vec![value.clone(), low])?;
    let below = call.apply("<=", vec![value, high])?;
    Ok(call.apply("and", vec![above, below])?.with_name(text))
}
