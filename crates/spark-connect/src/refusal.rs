//! What the protocol has and this server refuses as a whole, by the protocol's names.
//!
//! Always true: every refusal is in [`REFUSED`], from which the documentation's list is made.

use crate::failure::Failure;

/// Message, field and field number.
pub const REFUSED: &[(&str, &str, u32)] = &[
    ("Relation", "group_map", 31),
    ("Relation", "co_group_map", 32),
    ("Relation", "apply_in_pandas_with_state", 34),
    ("Relation", "common_inline_user_defined_table_function", 38),
    ("Relation", "as_of_join", 39),
    ("Relation", "common_inline_user_defined_data_source", 40),
    ("Relation", "relation_changes", 46),
    ("Relation", "nearest_by_join", 47),
    ("Relation", "zip", 48),
    ("Relation", "ml_relation", 300),
    ("Relation", "unknown", 999),
    ("Expression", "merge_action", 19),
    ("Expression", "typed_aggregate_expression", 20),
    ("Expression", "direct_shuffle_partition_id", 22),
    ("Command", "register_table_function", 10),
    ("Command", "register_data_source", 12),
    ("Command", "create_resource_profile_command", 13),
    ("Command", "merge_into_table_command", 16),
    ("Command", "ml_command", 17),
    ("Command", "execute_external_command", 18),
    ("Command", "pipeline_command", 19),
    ("Join", "join_data_type", 6),
    ("WriteOperation", "with_schema_evolution", 11),
    ("WriteOperationV2", "clustering_columns", 9),
    ("WriteOperationV2", "with_schema_evolution", 10),
    ("WriteStreamOperationStart", "clustering_column_names", 15),
];

/// The refusal of a field of `message`.
pub(crate) fn refused(message: &str, name: &str) -> Failure {
    let number = REFUSED
        .iter()
        .find(|(of, field, _)| *of == message && *field == name)
        .map(|(_, _, number)| number.to_string())
        .expect("every refusal is listed");
    Failure::of(
        "CONNECT_INVALID_PLAN.INVALID_ONE_OF_FIELD_NOT_SUPPORTED",
        &[
            ("fullName", &format!("spark.connect.{message}")),
            ("name", name),
            ("number", &number),
        ],
    )
}
