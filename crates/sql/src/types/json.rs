//! Types as JSON, the form that `StructType.json()` gives.

use serde_json::{Map, Value, json};

use super::display::simple_string;
use super::parse_data_type;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, StructField, StructType};

/// How deep a JSON schema may nest.
const DEPTH_MAX: usize = 200;

/// The type as JSON text.
pub fn to_json(data_type: &DataType) -> String {
    to_json_value(data_type).to_string()
}

pub fn to_json_value(data_type: &DataType) -> Value {
    match data_type {
        DataType::Array {
            element,
            contains_null,
        } => json!({
            "type": "array",
            "elementType": to_json_value(element),
            "containsNull": contains_null,
        }),
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => json!({
            "type": "map",
            "keyType": to_json_value(key),
            "valueType": to_json_value(value),
            "valueContainsNull": value_contains_null,
        }),
        DataType::Struct(fields) => {
            let fields = fields.fields.iter().map(field_to_json).collect::<Vec<_>>();
            json!({"type": "struct", "fields": fields})
        }
        DataType::UserDefined {
            sql_type,
            jvm_class,
            python_class,
            ..
        } => json!({
            "type": "udt",
            "class": jvm_class,
            "pyClass": python_class,
            "sqlType": to_json_value(sql_type),
        }),
        DataType::Byte => "byte".into(),
        DataType::Short => "short".into(),
        DataType::Integer => "integer".into(),
        DataType::Long => "long".into(),
        other => simple_string(other).into(),
    }
}

fn field_to_json(field: &StructField) -> Value {
    let metadata = field
        .metadata
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    json!({
        "name": field.name,
        "type": to_json_value(&field.data_type),
        "nullable": field.nullable,
        "metadata": metadata.unwrap_or_else(|| Value::Object(Map::new())),
    })
}

/// Reads what [`to_json`] wrote.
pub fn parse_json_data_type(text: &str) -> Result<DataType> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| SparkError::invalid_schema(text, &error.to_string()))?;
    from_value(&value, 0)
        .ok_or_else(|| SparkError::invalid_schema(text, "It is not a type as JSON."))
}

fn from_value(value: &Value, depth: usize) -> Option<DataType> {
    if depth > DEPTH_MAX {
        return None;
    }
    let object = match value {
        Value::String(name) => return from_name(name),
        Value::Object(object) => object,
        _ => return None,
    };
    let part = |key: &str| from_value(object.get(key)?, depth + 1);
    let flag = |key: &str| object.get(key).and_then(Value::as_bool).unwrap_or(true);
    Some(match object.get("type")?.as_str()? {
        "array" => DataType::array(part("elementType")?, flag("containsNull")),
        "map" => DataType::map(
            part("keyType")?,
            part("valueType")?,
            flag("valueContainsNull"),
        ),
        "struct" => {
            let fields = object.get("fields")?.as_array()?;
            let fields = fields.iter().map(|field| field_from_json(field, depth + 1));
            DataType::Struct(StructType::new(fields.collect::<Option<Vec<_>>>()?))
        }
        "udt" => part("sqlType")?,
        _ => return None,
    })
}

fn field_from_json(value: &Value, depth: usize) -> Option<StructField> {
    let metadata = value
        .get("metadata")
        .filter(|m| m.as_object().is_some_and(|m| !m.is_empty()));
    Some(StructField {
        name: value.get("name")?.as_str()?.to_owned(),
        data_type: from_value(value.get("type")?, depth)?,
        nullable: value
            .get("nullable")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        metadata: metadata.map(Value::to_string),
    })
}

fn from_name(name: &str) -> Option<DataType> {
    match name {
        "byte" => Some(DataType::Byte),
        "short" => Some(DataType::Short),
        "integer" => Some(DataType::Integer),
        "long" => Some(DataType::Long),
        "null" => Some(DataType::Null),
        other => parse_data_type(other).ok(),
    }
}
