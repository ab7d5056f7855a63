//! What names mean at one point of a plan.

use std::sync::Arc;

use super::Attribute;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

/// The columns an expression may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// What `*` stands for.
    pub(crate) columns: Vec<Attribute>,
    /// Columns that exist in the plan and can be named with a qualifier or by plan id only.
    pub(crate) hidden: Vec<Attribute>,
    /// Columns of the input of a projection, found if nothing else fits (`ORDER BY` a column that is not selected).
    pub(crate) below: Vec<Attribute>,
    /// The columns of relations underneath, by plan id, with how far underneath they are.
    pub(crate) plans: Vec<PlanColumns>,
}

#[derive(Clone, Debug)]
pub(crate) struct PlanColumns {
    pub(crate) plan_id: i64,
    pub(crate) depth: usize,
    pub(crate) columns: Arc<[Attribute]>,
}

/// An attribute, and the fields of it that the rest of the name goes down into.
pub(crate) struct Found {
    pub(crate) attribute: Attribute,
    pub(crate) fields: Vec<String>,
    /// The attribute's name as the user wrote it, if in other cases than the attribute has it.
    pub(crate) written: Option<String>,
}

impl Scope {
    pub(crate) fn new(columns: Vec<Attribute>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// The scope above an operator that yields `columns` from this scope.
    pub(crate) fn with_columns(&self, columns: Vec<Attribute>) -> Self {
        Self {
            columns,
            hidden: Vec::new(),
            below: Vec::new(),
            plans: self.plans.clone(),
        }
    }

    /// Two relations beside each other.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        let join = |a: &[Attribute], b: &[Attribute]| a.iter().chain(b).cloned().collect();
        Self {
            columns: join(&self.columns, &other.columns),
            hidden: join(&self.hidden, &other.hidden),
            below: Vec::new(),
            plans: self.plans.iter().chain(&other.plans).cloned().collect(),
        }
    }

    /// Remembers that the relation at hand has this plan id.
    pub(crate) fn record_plan(&mut self, plan_id: i64) {
        for plan in &mut self.plans {
            plan.depth += 1;
        }
        let columns = self.columns.iter().chain(&self.hidden).cloned().collect();
        self.plans.push(PlanColumns {
            plan_id,
            depth: 0,
            columns,
        });
    }

    /// Finds a column by the parts of its name; nothing if no column fits.
    pub(crate) fn resolve(&self, parts: &[String], case_sensitive: bool) -> Result<Option<Found>> {
        for columns in [&self.columns, &self.hidden, &self.below] {
            if let Some(found) = resolve_in(columns, parts, case_sensitive)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Finds a column of the relation with this plan id.
    pub(crate) fn resolve_in_plan(
        &self,
        plan_id: i64,
        parts: &[String],
        case_sensitive: bool,
    ) -> Result<Option<Found>> {
        let mut found: Vec<(usize, Found)> = Vec::new();
        for plan in self.plans.iter().filter(|plan| plan.plan_id == plan_id) {
            if let Some(candidate) = resolve_in(&plan.columns, parts, case_sensitive)? {
                let known = found
                    .iter()
                    .any(|(_, f)| f.attribute.id == candidate.attribute.id);
                if self.has(candidate.attribute.id) && !known {
                    found.push((plan.depth, candidate));
                }
            }
        }
        found.sort_by_key(|(depth, _)| *depth);
        if let [(first, _), (second, _), ..] = found.as_slice()
            && first == second
        {
            return Err(SparkError::ambiguous_data_frame_column(&parts.join(".")));
        }
        Ok(found.into_iter().next().map(|(_, mut found)| {
            // The attribute as it is here: a join may have made it nullable since.
            if let Some(here) = self.by_id(found.attribute.id) {
                found.attribute = here.clone();
            }
            found
        }))
    }

    /// The columns of the relation with this plan id that still exist here.
    pub(crate) fn columns_of_plan(&self, plan_id: i64) -> Option<Vec<Attribute>> {
        let plan = self
            .plans
            .iter()
            .filter(|p| p.plan_id == plan_id)
            .min_by_key(|p| p.depth)?;
        Some(
            plan.columns
                .iter()
                .filter_map(|c| self.by_id(c.id).cloned())
                .collect(),
        )
    }

    fn by_id(&self, id: u64) -> Option<&Attribute> {
        self.columns
            .iter()
            .chain(&self.hidden)
            .chain(&self.below)
            .find(|a| a.id == id)
    }

    fn has(&self, id: u64) -> bool {
        self.by_id(id).is_some()
    }

    /// Columns whose names are most like `parts`, quoted, best first.
    pub(crate) fn suggestions(&self, parts: &[String]) -> Vec<String> {
        let wanted = parts.join(".").to_lowercase();
        let qualified = parts.len() > 1;
        let mut names: Vec<(usize, String)> = self
            .columns
            .iter()
            .map(|a| {
                let plain = a.name.to_lowercase();
                let mut path = a.qualifier.clone();
                path.push(a.name.clone());
                let full = path.join(".").to_lowercase();
                let distance = edit_distance(&plain, &wanted).min(edit_distance(&full, &wanted));
                let shown = if qualified && !a.qualifier.is_empty() {
                    path
                } else {
                    vec![a.name.clone()]
                };
                let quoted: Vec<String> = shown.iter().map(|p| format!("`{p}`")).collect();
                (distance, quoted.join("."))
            })
            .collect();
        names.sort_by_key(|(distance, _)| *distance);
        names.into_iter().map(|(_, name)| name).take(5).collect()
    }
}

pub(crate) fn same_name(a: &str, b: &str, case_sensitive: bool) -> bool {
    if case_sensitive {
        a == b
    } else {
        a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
    }
}

fn resolve_in(
    columns: &[Attribute],
    parts: &[String],
    case_sensitive: bool,
) -> Result<Option<Found>> {
    // The longest qualifier that fits is meant: `a.b.c` is column c of table a.b, else column b of table a, and so on.
    for prefix in (0..parts.len()).rev() {
        let (qualifier, rest) = parts.split_at(prefix);
        let Some((name, fields)) = rest.split_first() else {
            continue;
        };
        let matching: Vec<&Attribute> = columns
            .iter()
            .filter(|a| {
                same_name(&a.name, name, case_sensitive) && ends_with(&a.qualifier, qualifier)
            })
            .collect();
        let mut distinct: Vec<&Attribute> = Vec::new();
        for attribute in matching {
            if !distinct.iter().any(|d| d.id == attribute.id) {
                distinct.push(attribute);
            }
        }
        match distinct.as_slice() {
            [] => {}
            [attribute] => {
                if !fields.is_empty() && !can_have_fields(&attribute.data_type) {
                    continue;
                }
                return Ok(Some(Found {
                    attribute: (*attribute).clone(),
                    fields: fields.to_vec(),
                    written: (attribute.name != *name).then(|| name.clone()),
                }));
            }
            several => {
                let names = several.iter().map(|a| {
                    let mut path = a.qualifier.clone();
                    path.push(a.name.clone());
                    path.iter()
                        .map(|p| format!("`{p}`"))
                        .collect::<Vec<_>>()
                        .join(".")
                });
                return Err(SparkError::ambiguous_reference(
                    parts,
                    &names.collect::<Vec<_>>(),
                ));
            }
        }
    }
    Ok(None)
}

fn can_have_fields(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Struct(_) | DataType::Map { .. } | DataType::Array { .. } | DataType::Variant
    )
}

fn ends_with(qualifier: &[String], given: &[String]) -> bool {
    given.len() <= qualifier.len()
        && qualifier
            .iter()
            .rev()
            .zip(given.iter().rev())
            .all(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
