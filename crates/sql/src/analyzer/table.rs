//! Tables, views and `WITH` definitions by name.
//!
//! Start at [`Analyzer::named_table`].

use std::sync::Arc;

use super::{Analyzed, Analyzer};
use crate::catalog::{Entry, Table};
use crate::error::{Result, SparkError};
use crate::ir::Options;
use crate::plan::AnalyzedPlan;
use crate::source::{ReadRequest, SourceOptions};

impl Analyzer {
    pub(super) fn named_table(
        &mut self,
        identifier: &str,
        options: &Options,
        is_streaming: bool,
    ) -> Result<Analyzed> {
        let parts = crate::sql::parse_identifier(identifier)?;
        if let [name] = parts.as_slice()
            && let Some(position) = self
                .definitions
                .iter()
                .rposition(|(n, _)| n.eq_ignore_ascii_case(name))
            && !self.is_work_table(name, Some(position))
        {
            return self.definition(position);
        }
        if let [name] = parts.as_slice()
            && self.is_work_table(name, None)
        {
            return self.work_table(name);
        }
        if let Some(entry) = self.catalog.find(&parts) {
            return match entry {
                Entry::View(view) => self.view(&view, parts),
                Entry::Table(table) => self.table(&table, options, is_streaming),
            };
        }
        if let [format, path] = parts.as_slice()
            && (path.contains('/') || path.contains('.'))
        {
            let options = SourceOptions::new(options);
            let configuration = self.configuration.clone();
            self.session.check_path(path)?;
            let request = ReadRequest {
                format: format.clone(),
                options,
                paths: vec![path.clone()],
                schema: None,
                configuration,
            };
            return self.source(request, is_streaming);
        }
        if let [namespace @ .., _] = parts.as_slice()
            && namespace.len() > 1
            && !namespace[0].eq_ignore_ascii_case(crate::catalog::CATALOG)
        {
            return Err(SparkError::requires_single_part_namespace(&parts));
        }
        Err(SparkError::table_or_view_not_found(&parts.join(".")).at(self.origin.as_ref()))
    }

    /// A relation that `WITH` named: it sees only the names before it.
    fn definition(&mut self, position: usize) -> Result<Analyzed> {
        let (name, relation) = self.definitions[position].clone();
        let hidden = self.definitions.split_off(position);
        let analyzed = self.relation(&relation);
        self.definitions.extend(hidden);
        let analyzed = analyzed?;
        Ok(self.qualified(analyzed, vec![name]))
    }

    fn view(&mut self, view: &AnalyzedPlan, parts: Vec<String>) -> Result<Analyzed> {
        let name = parts.last().cloned().unwrap_or_default();
        let analyzed = self.embed(view)?;
        Ok(self.qualified(analyzed, vec![name]))
    }

    fn table(
        &mut self,
        table: &Arc<Table>,
        options: &Options,
        is_streaming: bool,
    ) -> Result<Analyzed> {
        let qualifier = vec![
            crate::catalog::CATALOG.to_owned(),
            table.database.clone(),
            table.name.clone(),
        ];
        if let Some(query) = &table.view_text {
            let analyzed = self.relation(query)?;
            return Ok(self.qualified(analyzed, qualifier));
        }
        if let (Some(provider), false) = (&table.provider, is_streaming) {
            return self.scan(provider.clone(), &table.schema, qualifier);
        }
        let mut merged = table.options.clone();
        merged.extend(options.clone());
        let paths: Vec<String> = table.location.iter().cloned().collect();
        let request = ReadRequest {
            format: table.source.clone(),
            options: SourceOptions::new(&merged),
            paths,
            schema: (!table.schema.is_empty()).then(|| table.schema.clone()),
            configuration: self.configuration.clone(),
        };
        let analyzed = self.source(request, is_streaming)?;
        Ok(self.qualified(analyzed, qualifier))
    }

    pub(super) fn qualified(&self, mut analyzed: Analyzed, qualifier: Vec<String>) -> Analyzed {
        for column in &mut analyzed.scope.columns {
            column.qualifier.clone_from(&qualifier);
        }
        analyzed.scope.hidden.clear();
        analyzed
    }
}
