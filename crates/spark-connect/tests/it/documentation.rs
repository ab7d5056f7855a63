//! What the documentation says is what the code does.

use fleuve_spark_connect::{ConnectConfig, REFUSED};

const PAGE: &str = include_str!("../../../../docs/spark-connect.md");

#[test]
fn every_setting_is_documented_with_its_default() {
    for key in ConnectConfig::KEYS {
        let row = format!("| `{}` | {} | {} |", key.name, key.default, key.meaning);
        assert!(
            PAGE.contains(&row),
            "docs/spark-connect.md lacks this row:\n{row}"
        );
    }
}

#[test]
fn every_refusal_is_documented() {
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    for (message, name, _) in REFUSED {
        match rows.last_mut() {
            Some((of, names)) if of == message => names.push(format!("`{name}`")),
            _ => rows.push((message, vec![format!("`{name}`")])),
        }
    }
    for (message, names) in rows {
        let row = format!("| {message} | {} |", names.join(", "));
        assert!(
            PAGE.contains(&row),
            "docs/spark-connect.md lacks this row:\n{row}"
        );
    }
}
