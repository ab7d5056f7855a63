//! Paths into JSON: `$.a.b[0]`, `$['a']`, `$.a[*].b`.

use arrow::array::ArrayRef;

use super::parse::{Json, Syntax, parse};
use super::writer::json_text;
use crate::error::Result;
use crate::functions::Invocation;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Index(usize),
    All,
}

/// The steps of a path, nothing if it is none.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() {
                return None;
            }
            steps.push(if name == "*" {
                Step::All
            } else {
                Step::Field(name.to_owned())
            });
            rest = &after[end..];
        } else {
            let after = rest.strip_prefix('[')?;
            let end = after.find(']')?;
            let inner = after[..end].trim();
            let quoted = inner.strip_prefix('\'').and_then(|i| i.strip_suffix('\''));
            steps.push(match (inner, quoted) {
                (_, Some("*")) | ("*", _) => Step::All,
                (_, Some(name)) => Step::Field(name.to_owned()),
                (index, None) => Step::Index(index.parse().ok()?),
            });
            rest = &after[end + 1..];
        }
    }
    Some(steps)
}

/// The values that a path leads to, and whether it could have led to several.
fn follow<'j, 'a>(value: &'j Json<'a>, steps: &[Step]) -> Vec<&'j Json<'a>> {
    let Some((step, rest)) = steps.split_first() else {
        return vec![value];
    };
    match (step, value) {
        (Step::Field(name), Json::Object(fields)) => {
            let found = fields.iter().find(|(key, _)| key == name);
            found.map(|(_, v)| follow(v, rest)).unwrap_or_default()
        }
        (Step::Field(_), Json::Array(values)) => {
            values.iter().flat_map(|v| follow(v, steps)).collect()
        }
        (Step::Index(index), Json::Array(values)) => values
            .get(*index)
            .map(|v| follow(v, rest))
            .unwrap_or_default(),
        (Step::All, Json::Array(values)) => values.iter().flat_map(|v| follow(v, rest)).collect(),
        (Step::All, Json::Object(fields)) => {
            fields.iter().flat_map(|(_, v)| follow(v, rest)).collect()
        }
        _ => Vec::new(),
    }
}

fn text_of(json: &Json<'_>) -> Option<String> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.clone().into_owned()),
        other => Some(json_text(other)),
    }
}

pub(super) fn get_json_object(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (inv.strings(0)?, inv.strings(1)?);
    let constant = paths.constant().map(steps);
    let syntax = Syntax::default();
    inv.build_strings(|row| {
        let (Some(text), Some(path)) = (texts.get(row), paths.get(row)) else {
            return Ok(None);
        };
        let steps = match &constant {
            Some(steps) => steps.clone(),
            None => steps(path),
        };
        let (Some(steps), Some(json)) = (steps, parse(text, &syntax)) else {
            return Ok(None);
        };
        let found = follow(&json, &steps);
        let several = steps.contains(&Step::All);
        Ok(match found.as_slice() {
            [] => None,
            [one] if several => Some(json_text(one)),
            [one] => text_of(one),
            many => {
                let items: Vec<String> = many.iter().map(|v| json_text(v)).collect();
                Some(format!("[{}]", items.join(",")))
            }
        })
    })
}

/// A field at the top of an object.
pub(super) fn json_field(inv: &Invocation<'_>) -> Result<ArrayRef> {
    let (texts, names) = (inv.strings(0)?, inv.strings(1)?);
    let syntax = Syntax::default();
    inv.build_strings(|row| {
        let (Some(text), Some(name)) = (texts.get(row), names.get(row)) else {
            return Ok(None);
        };
        Ok(match parse(text, &syntax) {
            Some(Json::Object(fields)) => fields
                .iter()
                .find(|(key, _)| key == name)
                .and_then(|(_, v)| text_of(v)),
            _ => None,
        })
    })
}
