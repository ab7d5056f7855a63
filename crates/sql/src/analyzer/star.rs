//! Several columns in one word: `*`, `target.*`, and names by a regular expression.

use super::scope::{Scope, same_name};
use super::{Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::DataType;

impl Analyzer {
    /// What `*` or `target.*` stands for.
    pub(crate) fn expand_star(
        &mut self,
        scope: &Scope,
        target: Option<&[String]>,
        plan_id: Option<i64>,
    ) -> Result<Vec<TypedExpr>> {
        if let Some(id) = plan_id
            && let Some(columns) = scope.columns_of_plan(id)
        {
            return Ok(columns.iter().map(Attribute::typed).collect());
        }
        let Some(target) = target else {
            return Ok(scope.columns.iter().map(Attribute::typed).collect());
        };
        let qualified: Vec<TypedExpr> = scope
            .columns
            .iter()
            .chain(&scope.hidden)
            .filter(|a| {
                a.qualifier.len() >= target.len()
                    && a.qualifier
                        .iter()
                        .rev()
                        .zip(target.iter().rev())
                        .all(|(a, b)| a.eq_ignore_ascii_case(b))
            })
            .map(Attribute::typed)
            .collect();
        if !qualified.is_empty() {
            return Ok(qualified);
        }
        let columns = scope
            .columns
            .iter()
            .map(|a| format!("`{}`", a.name))
            .collect::<Vec<_>>()
            .join(", ");
        let Some(found) = scope.resolve(target, self.context.case_sensitive)? else {
            return Err(SparkError::cannot_resolve_star(&target.join("."), &columns));
        };
        let base = self.descend(found)?;
        let DataType::Struct(fields) = base.data_type.clone() else {
            return Err(SparkError::star_of_no_struct(&target.join(".")));
        };
        let fields = fields.fields.iter().map(|field| {
            let mut value = self.extract_field(base.clone(), &field.name)?;
            value.named = Some(field.name.clone());
            Ok(value)
        });
        fields.collect()
    }

    /// The same without some columns, each of which must be there.
    pub(super) fn expand_star_except(
        &mut self,
        scope: &Scope,
        target: Option<&[String]>,
        except: &[Vec<String>],
    ) -> Result<Vec<TypedExpr>> {
        let mut columns = self.expand_star(scope, target, None)?;
        let case_sensitive = self.context.case_sensitive;
        for parts in except {
            let Some((name, qualifier)) = parts.split_last() else {
                continue;
            };
            let before = columns.len();
            columns.retain(|column| {
                let qualified = column.attribute.as_deref().is_none_or(|a| {
                    a.qualifier.len() >= qualifier.len()
                        && a.qualifier
                            .iter()
                            .rev()
                            .zip(qualifier.iter().rev())
                            .all(|(a, b)| same_name(a, b, case_sensitive))
                });
                !(qualified && same_name(column.column_name(), name, case_sensitive))
            });
            if columns.len() == before {
                let error = SparkError::unresolved_column(parts, &scope.suggestions(parts));
                return Err(error.at(self.origin.as_ref()));
            }
        }
        Ok(columns)
    }

    pub(super) fn expand_regex(&mut self, scope: &Scope, pattern: &str) -> Result<Vec<TypedExpr>> {
        let pattern = pattern.trim_matches('`');
        let regex = |pattern: &str| {
            regex::RegexBuilder::new(pattern)
                .case_insensitive(!self.context.case_sensitive)
                .build()
                .map_err(|error| SparkError::invalid_attribute_name(&error.to_string()))
        };
        let columns = scope.columns.iter();
        if let Some(excluded) = all_but(pattern) {
            let start = regex(&format!("^(?:{excluded})"))?;
            let is_more = |name: &str| match start.find(name) {
                Some(found) => found.end() < name.len(),
                None => !name.is_empty(),
            };
            let matching = columns.filter(|a| is_more(&a.name));
            return Ok(matching.map(Attribute::typed).collect());
        }
        let whole = regex(&format!("^(?:{pattern})$"))?;
        let matching = columns.filter(|a| whole.is_match(&a.name));
        Ok(matching.map(Attribute::typed).collect())
    }
}

/// What `(x)?+.+` leaves out. The possessive `?+` gives nothing back, which our regular expressions cannot say; this
/// idiom for "all columns but these" is the one that is used.
fn all_but(pattern: &str) -> Option<&str> {
    let excluded = pattern.strip_prefix('(')?.strip_suffix(")?+.+")?;
    let nests = excluded.contains(['(', ')']);
    (!nests).then_some(excluded)
}
