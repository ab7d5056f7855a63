//! JSON values as YAML 1.2, in block style.
//!
//! A string stands bare only if no reader, old ones included, could take it for anything else;
//! otherwise it is quoted as in JSON, which YAML understands. Start at [`to_yaml`].

use serde_json::Value;

/// Words that some reader takes for a truth value or for nothing.
const TAKEN: [&str; 11] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
];

/// A document, which ends with a line's end.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    write_block(value, 0, &mut text);
    text
}

/// Writes a value that begins a line at this depth.
fn write_block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(depth, text);
                text.push_str("- ");
                write_item(item, depth + 1, text);
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in fields {
                indent(depth, text);
                write_field(key, field, depth, text);
            }
        }
        scalar => {
            indent(depth, text);
            text.push_str(&inline(scalar));
            text.push('\n');
        }
    }
}

/// Writes an item behind its dash: the first field of an object stands on the same line.
fn write_item(item: &Value, depth: usize, text: &mut String) {
    match item {
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (key, field)) in fields.iter().enumerate() {
                if index > 0 {
                    indent(depth, text);
                }
                write_field(key, field, depth, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            write_block(item, depth, text);
        }
        scalar => {
            text.push_str(&inline(scalar));
            text.push('\n');
        }
    }
}

fn write_field(key: &str, field: &Value, depth: usize, text: &mut String) {
    text.push_str(&string(key));
    text.push(':');
    let has_more = match field {
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    };
    if has_more {
        text.push('\n');
        write_block(field, depth + 1, text);
    } else {
        text.push(' ');
        text.push_str(&inline(field));
        text.push('\n');
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
    let is_taken = TAKEN.contains(&text.to_ascii_lowercase().as_str());
    if is_word && !is_taken {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_and_lists_are_blocks() {
        let value = json!({ "name": "orders", "partitions": [{ "id": 0, "isr": [1, 2] }, { "id": 1, "isr": [] }] });
        assert_eq!(
            to_yaml(&value),
            "name: orders\npartitions:\n  - id: 0\n    isr:\n      - 1\n      - 2\n  - id: 1\n    isr: []\n"
        );
    }

    #[test]
    fn strings_that_could_be_something_else_are_quoted() {
        for text in [
            "yes", "No", "12", "1e3", "", " a", "a: b", "# c", "~", "a\nb", "-", "é",
        ] {
            assert!(to_yaml(&json!(text)).starts_with('"'), "{text}");
        }
        assert_eq!(to_yaml(&json!("retention.ms")), "retention.ms\n");
        assert_eq!(to_yaml(&json!(null)), "null\n");
    }

    #[test]
    fn a_list_of_lists_keeps_its_shape() {
        assert_eq!(to_yaml(&json!([[1, 2], []])), "- \n  - 1\n  - 2\n- []\n");
    }
}
