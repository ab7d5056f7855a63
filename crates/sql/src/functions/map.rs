//! Maps: making them, their keys and values, joining them.
//!
//! Always true: no key of a map is null and none stands there twice; what happens to a second one is the session's
//! `spark.sql.mapKeyDedupPolicy`. Start at [`Entries`].

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StringBuilder, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType as ArrowType;

use super::array::encoded;
use super::lists::{Lists, Selection, element_type};
use super::regular_expression::Patterns;
use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::cast::{Style, ValueWriter};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField};
use crate::types::{coercion, sql_name};

pub(super) const FUNCTIONS: &[Function] = &[
    custom("map", map).or(&["create_map"]).shown("map"),
    custom("map_keys", |call| part(call, true)),
    custom("map_values", |call| part(call, false)),
    custom("map_entries", entries),
    custom("map_from_arrays", from_arrays),
    custom("map_from_entries", from_entries),
    custom("map_concat", concat),
    custom("map_contains_key", contains_key),
    custom("str_to_map", from_text),
];

/// Where a key and its value stand: which array, which place.
type Entry = ((usize, usize), (usize, usize));

/// The entries of maps under construction, row by row.
#[derive(Default)]
pub(super) struct Entries {
    keys: Vec<(usize, usize)>,
    values: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Entries {
    pub(super) fn push(&mut self, row: Option<impl IntoIterator<Item = Entry>>) {
        let before = self.keys.len();
        self.valid.push(row.is_some());
        for (key, value) in row.into_iter().flatten() {
            self.keys.push(key);
            self.values.push(value);
        }
        self.lengths.push(self.keys.len() - before);
    }

    /// Maps of the declared type.
    pub(super) fn build(
        self,
        inv: &Invocation<'_>,
        key_type: &DataType,
        keys: &[&dyn Array],
        values: &[&dyn Array],
    ) -> Result<ArrayRef> {
        let keys = interleave(keys, &self.keys)?;
        if keys.logical_null_count() > 0 {
            return Err(SparkError::null_map_key());
        }
        let values = interleave(values, &self.values)?;
        let (chosen_keys, chosen_values, lengths) = self.distinct(inv, key_type, &keys)?;
        let keys = take(&keys, &UInt32Array::from(chosen_keys), None)?;
        let values = take(&values, &UInt32Array::from(chosen_values), None)?;
        maps(inv.return_type, keys, values, lengths, self.valid)
    }

    /// The places of each map's keys and values after second keys have gone.
    fn distinct(
        &self,
        inv: &Invocation<'_>,
        key_type: &DataType,
        keys: &ArrayRef,
    ) -> Result<(Vec<u32>, Vec<u32>, Vec<usize>)> {
        let rows = encoded(keys)?;
        let (mut chosen_keys, mut chosen_values) = (Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(self.lengths.len());
        let mut next = 0;
        for length in &self.lengths {
            let before = chosen_keys.len();
            let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
            for index in next..next + length {
                match seen.get(rows.row(index).data()) {
                    None => {
                        seen.insert(rows.row(index).data(), chosen_keys.len());
                        chosen_keys.push(index as u32);
                        chosen_values.push(index as u32);
                    }
                    Some(place) if inv.context.last_map_key_wins => {
                        chosen_values[*place] = index as u32;
                    }
                    Some(_) => {
                        let writer = ValueWriter::new(Style::Cast, inv.context.time_zone);
                        let key = writer.text(keys, key_type, index).unwrap_or_default();
                        return Err(SparkError::duplicated_map_key(&key));
                    }
                }
            }
            next += length;
            lengths.push(chosen_keys.len() - before);
        }
        Ok((chosen_keys, chosen_values, lengths))
    }
}

/// Maps of keys and values that stand one behind the other.
pub(super) fn maps(
    wanted: &ArrowType,
    keys: ArrayRef,
    values: ArrayRef,
    lengths: Vec<usize>,
    valid: Vec<bool>,
) -> Result<ArrayRef> {
    let ArrowType::Map(field, sorted) = wanted else {
        return Err(SparkError::internal("not a map"));
    };
    let ArrowType::Struct(fields) = field.data_type() else {
        return Err(SparkError::internal("a map is of structs"));
    };
    let keys = crate::execution::reshape(&keys, fields[0].data_type())?;
    let values = crate::execution::reshape(&values, fields[1].data_type())?;
    Ok(Arc::new(MapArray::try_new(
        field.clone(),
        OffsetBuffer::from_lengths(lengths),
        StructArray::try_new(fields.clone(), vec![keys, values], None)?,
        Some(NullBuffer::from(valid)),
        *sorted,
    )?))
}

/// The maps of an argument, row by row.
pub(super) struct Maps {
    pub(super) array: MapArray,
}

impl Maps {
    pub(super) fn of(inv: &Invocation<'_>, index: usize) -> Result<Self> {
        let array = inv.expanded(index)?;
        let array = array.as_map_opt().cloned();
        Ok(Self {
            array: array.ok_or_else(|| SparkError::internal("a map is a map"))?,
        })
    }

    pub(super) fn range(&self, row: usize) -> Option<std::ops::Range<usize>> {
        let offsets = self.array.value_offsets();
        self.array
            .is_valid(row)
            .then(|| offsets[row] as usize..offsets[row + 1] as usize)
    }
}

pub(super) struct MapType {
    pub(super) key: DataType,
    pub(super) value: DataType,
    pub(super) value_contains_null: bool,
}

pub(super) fn map_type(call: &FunctionCall<'_>, index: usize) -> Result<MapType> {
    match &call.arguments[index].data_type {
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => Ok(MapType {
            key: key.as_ref().clone(),
            value: value.as_ref().clone(),
            value_contains_null: *value_contains_null,
        }),
        _ => Err(call.unexpected_type(index, "\"MAP\"")),
    }
}

/// Keys and values in turn.
fn map(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    if call.arguments.len() % 2 == 1 {
        return Err(SparkError::wrong_number_of_arguments(
            "map",
            "2n (n > 0)",
            call.arguments.len(),
        ));
    }
    let types = |first: usize| -> Vec<DataType> {
        let every_other = call.arguments.iter().skip(first).step_by(2);
        every_other.map(|a| a.data_type.clone()).collect()
    };
    let mut common = Vec::new();
    for (types, detail) in [
        (types(0), "CREATE_MAP_KEY_DIFF_TYPES"),
        (types(1), "CREATE_MAP_VALUE_DIFF_TYPES"),
    ] {
        if types.is_empty() {
            common.push(DataType::Null);
            continue;
        }
        common.push(coercion::common_type_of(types.iter()).ok_or_else(|| {
            let names: Vec<String> = types.iter().map(|t| format!("\"{}\"", sql_name(t))).collect();
            SparkError::mismatch(detail, &text, format!("the given keys or values of function `map` should all be the same type, but they are [{}].", names.join(", ")))
        })?);
    }
    if matches!(common[0], DataType::Map { .. }) {
        return Err(SparkError::invalid_map_key_type(
            &sql_name(&common[0]),
            &text,
        ));
    }
    for index in 0..call.arguments.len() {
        call.cast_argument(index, &common[index % 2])?;
    }
    let value_nullable = call.arguments.iter().skip(1).step_by(2).any(|a| a.nullable);
    let result = DataType::map(common[0].clone(), common[1].clone(), value_nullable);
    if call.arguments.is_empty() {
        let empty = crate::ir::Literal::Map {
            key: DataType::Null,
            value: DataType::Null,
            entries: Vec::new(),
        };
        return Ok(call.analyzer.literal(&empty)?.with_name(text));
    }
    let key = common[0].clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let columns = (0..inv.count())
            .map(|i| inv.expanded(i))
            .collect::<Result<Vec<_>>>()?;
        let refs = |first: usize| -> Vec<&dyn Array> {
            columns
                .iter()
                .skip(first)
                .step_by(2)
                .map(AsRef::as_ref)
                .collect()
        };
        let (keys, values) = (refs(0), refs(1));
        let mut entries = Entries::default();
        for row in 0..inv.rows {
            entries.push(Some(
                (0..keys.len()).map(|column| ((column, row), (column, row))),
            ));
        }
        entries.build(inv, &key, &keys, &values)
    });
    Ok(call
        .call_keyed("map", "", result, false, kernel)
        .with_name(text))
}

fn part(call: &mut FunctionCall<'_>, keys: bool) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let map = map_type(call, 0)?;
    let result = if keys {
        DataType::array(map.key, true)
    } else {
        DataType::array(map.value, map.value_contains_null)
    };
    let nullable = call.any_nullable();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let maps = Maps::of(inv, 0)?;
        let values = if keys {
            maps.array.keys()
        } else {
            maps.array.values()
        };
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(maps.range(row).map(|range| range.map(|i| i as u32)));
        }
        selection.build(inv, values)
    });
    Ok(call.call_keyed("map_part", &keys.to_string(), result, nullable, kernel))
}

fn entries(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let map = map_type(call, 0)?;
    let fields = vec![
        StructField::new("key", map.key, false),
        StructField::new("value", map.value, map.value_contains_null),
    ];
    let nullable = call.any_nullable();
    let result = DataType::array(DataType::structure(fields), false);
    Ok(call.call("map_entries", result, nullable, |inv| {
        let maps = Maps::of(inv, 0)?;
        let entries: ArrayRef = Arc::new(maps.array.entries().clone());
        let mut selection = Selection::new();
        for row in 0..inv.rows {
            selection.push(maps.range(row).map(|range| range.map(|i| i as u32)));
        }
        selection.build(inv, &entries)
    }))
}

fn from_arrays(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let ((key, _), (value, contains_null)) = (element_type(call, 0)?, element_type(call, 1)?);
    let nullable = call.any_nullable();
    let result = DataType::map(key.clone(), value, contains_null);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let (keys, values) = (Lists::of(inv, 0)?, Lists::of(inv, 1)?);
        let mut entries = Entries::default();
        for row in 0..inv.rows {
            let pair = keys.range(row).zip(values.range(row));
            if pair.as_ref().is_some_and(|(k, v)| k.len() != v.len()) {
                return Err(SparkError::unequal_map_arrays());
            }
            entries.push(pair.map(|(k, v)| k.zip(v).map(|(k, v)| ((0, k), (0, v)))));
        }
        entries.build(
            inv,
            &key,
            &[keys.values().as_ref()],
            &[values.values().as_ref()],
        )
    });
    Ok(call.call_keyed("map_from_arrays", "", result, nullable, kernel))
}

/// A map of an array of pairs; null if one of the pairs is.
fn from_entries(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let (element, contains_null) = element_type(call, 0)?;
    let DataType::Struct(fields) = &element else {
        return Err(call.unexpected_type(0, "\"ARRAY\" of pair \"STRUCT\""));
    };
    let [key, value] = fields.fields.as_ref() else {
        return Err(call.unexpected_type(0, "\"ARRAY\" of pair \"STRUCT\""));
    };
    let key = key.data_type.clone();
    let result = DataType::map(key.clone(), value.data_type.clone(), value.nullable);
    let nullable = call.any_nullable() || contains_null;
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let lists = Lists::of(inv, 0)?;
        let pairs = lists.values().as_struct();
        let mut entries = Entries::default();
        for row in 0..inv.rows {
            let whole = |range: &std::ops::Range<usize>| range.clone().all(|i| pairs.is_valid(i));
            let range = lists.range(row).filter(whole);
            entries.push(range.map(|range| range.map(|i| ((0, i), (0, i)))));
        }
        entries.build(
            inv,
            &key,
            &[pairs.column(0).as_ref()],
            &[pairs.column(1).as_ref()],
        )
    });
    Ok(call.call_keyed("map_from_entries", "", result, nullable, kernel))
}

fn concat(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    let text = call.text();
    for index in 0..call.arguments.len() {
        map_type(call, index)?;
    }
    if call.arguments.is_empty() {
        return Ok(call.apply("map", Vec::new())?.with_name(text));
    }
    let common = call.unify(0)?;
    let nullable = call.any_nullable();
    let DataType::Map { key, .. } = &common else {
        return Err(SparkError::internal("maps meet in a map"));
    };
    let key = key.as_ref().clone();
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let maps = (0..inv.count())
            .map(|i| Maps::of(inv, i))
            .collect::<Result<Vec<_>>>()?;
        let keys: Vec<&dyn Array> = maps.iter().map(|m| m.array.keys().as_ref()).collect();
        let values: Vec<&dyn Array> = maps.iter().map(|m| m.array.values().as_ref()).collect();
        let mut entries = Entries::default();
        for row in 0..inv.rows {
            let ranges: Option<Vec<_>> = maps.iter().map(|map| map.range(row)).collect();
            entries.push(ranges.map(|ranges| {
                let each = ranges.into_iter().enumerate();
                each.flat_map(|(map, range)| range.map(move |i| ((map, i), (map, i))))
            }));
        }
        entries.build(inv, &key, &keys, &values)
    });
    Ok(call
        .call_keyed("map_concat", "", common, nullable, kernel)
        .with_name(text))
}

fn contains_key(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    map_type(call, 0)?;
    let [map, key] = [0, 1].map(|i| call.arguments[i].clone());
    let keys = call.apply("map_keys", vec![map])?;
    Ok(call
        .apply("array_contains", vec![keys, key])?
        .with_name(text))
}

/// Pairs of a text; the delimiters are regular expressions, a pair without one has no value.
fn from_text(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(3, 3)?;
    let text = call.text();
    for index in 0..3 {
        call.convert(index, Arg::Str)?;
    }
    let nullable = call.any_nullable();
    let result = DataType::map(DataType::STRING, DataType::STRING, true);
    let value = call.call("str_to_map", result, nullable, |inv| {
        let texts = inv.strings(0)?;
        let pairs = Patterns::new(inv, 1, "str_to_map")?;
        let delimiters = Patterns::new(inv, 2, "str_to_map")?;
        let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
        let mut entries = Entries::default();
        let mut count = 0;
        for row in 0..inv.rows {
            let (Some(text), Some(pair), Some(delimiter)) =
                (texts.get(row), pairs.get(row)?, delimiters.get(row)?)
            else {
                entries.push(None::<Vec<Entry>>);
                continue;
            };
            let before = count;
            for part in pair.split(text) {
                let mut halves = delimiter.splitn(part, 2);
                keys.append_option(halves.next());
                values.append_option(halves.next());
                count += 1;
            }
            entries.push(Some(
                (before..count)
                    .map(|i| ((0, i), (0, i)))
                    .collect::<Vec<_>>(),
            ));
        }
        entries.build(
            inv,
            &DataType::STRING,
            &[&keys.finish()],
            &[&values.finish()],
        )
    });
    Ok(value.with_name(text))
}
