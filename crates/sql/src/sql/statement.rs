//! Statements: queries, and everything that is not one.

use std::collections::BTreeMap;

use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{
    Command, InsertMode, Options, ReadSource, Relation, RelationNode, StructField, StructType,
    TableDefinition,
};
use crate::session::Statement;

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Result<Statement> {
        if self.is_query_start() {
            return Ok(Statement::Query(self.query()?));
        }
        let Some(Token::Word(word)) = self.peek().cloned() else {
            return Err(self.unexpected());
        };
        let command = match word.to_ascii_lowercase().as_str() {
            "create" => self.create()?,
            "drop" => self.drop_statement()?,
            "insert" => self.insert()?,
            "set" => self.set()?,
            "reset" => self.reset()?,
            "show" => self.show()?,
            "describe" | "desc" => self.describe()?,
            "explain" => self.explain()?,
            "use" => self.use_database()?,
            "cache" => self.cache()?,
            "uncache" => self.uncache()?,
            "clear" if self.words("clear cache") => {
                Command::Catalog(crate::ir::CatalogCall::ClearCache)
            }
            "refresh" => {
                self.at += 1;
                self.word("table");
                Command::Catalog(crate::ir::CatalogCall::RefreshTable {
                    table: self.name()?,
                })
            }
            "truncate" => {
                self.at += 1;
                self.expect_word("table")?;
                Command::Catalog(crate::ir::CatalogCall::TruncateTable {
                    table: self.name()?,
                })
            }
            "alter" | "analyze" | "merge" | "update" | "delete" | "grant" | "revoke" | "load"
            | "msck" | "comment" | "declare" | "execute" | "call" | "begin" | "repair" | "add"
            | "list" => {
                return Err(SparkError::unsupported_sql_statement(&word.to_uppercase()));
            }
            _ => return Err(self.unexpected()),
        };
        Ok(Statement::Command(command))
    }

    fn create(&mut self) -> Result<Command> {
        self.expect_word("create")?;
        let replace = self.words("or replace");
        let global = self.word("global");
        let temporary = self.word("temporary") || self.word("temp");
        if self.word("view") {
            return self.create_view(replace, global, temporary);
        }
        if self.word("database") || self.word("schema") || self.word("namespace") {
            let if_not_exists = self.words("if not exists");
            let name = self.name()?;
            let mut properties = Options::new();
            loop {
                if self.word("comment") {
                    properties.insert("comment".to_owned(), self.text_literal()?);
                } else if self.word("location") {
                    properties.insert("location".to_owned(), self.text_literal()?);
                } else {
                    break;
                }
            }
            return Ok(Command::Catalog(crate::ir::CatalogCall::CreateDatabase {
                name,
                if_not_exists,
                properties,
            }));
        }
        let external = self.word("external");
        if self.word("table") {
            return self.create_table(replace, external);
        }
        if self.word("function") {
            return Err(SparkError::unsupported_sql_statement("CREATE FUNCTION"));
        }
        Err(self.unexpected())
    }

    fn create_view(&mut self, replace: bool, global: bool, temporary: bool) -> Result<Command> {
        if self.words("if not exists") {
            let statement = "CREATE VIEW IF NOT EXISTS";
            return Err(SparkError::unsupported_sql_statement(statement));
        }
        let name = self.name()?;
        let columns = if self.is_symbol("(") {
            self.parenthesized(|p| {
                let name = p.identifier()?;
                if p.word("comment") {
                    p.text_literal()?;
                }
                Ok(name)
            })?
        } else {
            Vec::new()
        };
        if self.word("comment") {
            self.text_literal()?;
        }
        let input = if self.word("using") {
            let format = self.name()?;
            let options = if self.word("options") {
                self.options()?
            } else {
                Options::new()
            };
            let source = ReadSource::DataSource {
                format: Some(format.replace('`', "")),
                schema: None,
                options,
                paths: vec![],
                predicates: vec![],
            };
            RelationNode::Read {
                source,
                is_streaming: false,
            }
            .into()
        } else {
            self.expect_word("as")?;
            self.query()?
        };
        Ok(Command::CreateView {
            name,
            input,
            global,
            replace,
            temporary,
            columns,
        })
    }

    fn create_table(&mut self, replace: bool, external: bool) -> Result<Command> {
        if external {
            return Err(SparkError::unsupported_sql_statement(
                "CREATE EXTERNAL TABLE",
            ));
        }
        let if_not_exists = self.words("if not exists");
        let name = self.name()?;
        let mut definition = TableDefinition {
            name,
            if_not_exists,
            replace,
            schema: None,
            source: None,
            options: Options::new(),
            location: None,
            partitioned_by: Vec::new(),
            query: None,
        };
        if self.is_symbol("(") {
            let fields = self.parenthesized(|p| p.column())?;
            definition.schema = Some(StructType::new(fields));
        }
        loop {
            if self.word("using") {
                definition.source = Some(self.name()?.replace('`', ""));
            } else if self.word("options") || self.word("tblproperties") {
                definition.options.extend(self.options()?);
            } else if self.words("partitioned by") {
                definition.partitioned_by = self.parenthesized(|p| {
                    let name = p.identifier()?;
                    if !p.is_symbol(",") && !p.is_symbol(")") {
                        return Err(SparkError::unsupported_feature(
                            "types or transforms in PARTITIONED BY",
                        ));
                    }
                    Ok(name)
                })?;
            } else if self.word("location") {
                definition.location = Some(self.text_literal()?);
            } else if self.word("comment") {
                definition
                    .options
                    .insert("comment".to_owned(), self.text_literal()?);
            } else if self.is_word("clustered") || self.is_word("stored") || self.is_word("row") {
                let word = self.identifier()?;
                return Err(SparkError::unsupported_sql_statement(&format!(
                    "CREATE TABLE … {}",
                    word.to_uppercase()
                )));
            } else {
                break;
            }
        }
        if self.word("as") || self.is_query_start() {
            definition.query = Some(self.query()?);
        }
        Ok(Command::CreateTable(Box::new(definition)))
    }

    fn column(&mut self) -> Result<StructField> {
        let name = self.identifier()?;
        self.symbol(":");
        let data_type = self.data_type()?;
        let mut field = StructField::new(name, data_type, true);
        loop {
            if self.words("not null") {
                field.nullable = false;
            } else if self.word("comment") {
                let comment = self.text_literal()?;
                field.metadata = Some(serde_json::json!({ "comment": comment }).to_string());
            } else if self.is_word("default") || self.is_word("generated") {
                return Err(SparkError::unsupported_feature(
                    "default or generated columns",
                ));
            } else {
                return Ok(field);
            }
        }
    }

    /// `(key 'value', a.b = 'c')`.
    fn options(&mut self) -> Result<Options> {
        let entries = self.parenthesized(|p| {
            let key = match p.peek().cloned() {
                Some(Token::Text(key)) => {
                    p.at += 1;
                    key
                }
                _ => p.name_parts()?.join("."),
            };
            p.symbol("=");
            let value = match p.take() {
                Some(Token::Text(value) | Token::Number(value) | Token::Word(value)) => value,
                _ => return Err(p.unexpected()),
            };
            Ok((key, value))
        })?;
        Ok(entries.into_iter().collect::<BTreeMap<_, _>>())
    }

    fn drop_statement(&mut self) -> Result<Command> {
        self.expect_word("drop")?;
        if self.word("view") {
            let if_exists = self.words("if exists");
            return Ok(Command::DropView {
                name: self.name()?,
                if_exists,
            });
        }
        if self.word("table") {
            let if_exists = self.words("if exists");
            let name = self.name()?;
            self.word("purge");
            return Ok(Command::DropTable { name, if_exists });
        }
        if self.word("database") || self.word("schema") || self.word("namespace") {
            let if_exists = self.words("if exists");
            let name = self.name()?;
            let cascade = self.word("cascade");
            self.word("restrict");
            return Ok(Command::Catalog(crate::ir::CatalogCall::DropDatabase {
                name,
                if_exists,
                cascade,
            }));
        }
        Err(SparkError::unsupported_sql_statement("DROP"))
    }

    fn insert(&mut self) -> Result<Command> {
        self.expect_word("insert")?;
        let mode = if self.word("overwrite") {
            InsertMode::Overwrite
        } else {
            InsertMode::Append
        };
        self.word("into");
        self.word("table");
        if self.word("directory") {
            return Err(SparkError::unsupported_sql_statement(
                "INSERT OVERWRITE DIRECTORY",
            ));
        }
        let table = self.name()?;
        if self.is_word("partition") {
            return Err(SparkError::unsupported_sql_statement("INSERT … PARTITION"));
        }
        let columns = if self.is_symbol("(") && !self.is_query_start() {
            self.parenthesized(|p| p.identifier())?
        } else {
            Vec::new()
        };
        let input = self.query()?;
        Ok(Command::Insert {
            table,
            columns,
            input,
            mode,
        })
    }

    fn set(&mut self) -> Result<Command> {
        self.expect_word("set")?;
        if self.words("time zone") {
            let value = match self.take() {
                Some(Token::Text(zone)) => zone,
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("local") => "UTC".to_owned(),
                _ => return Err(SparkError::unsupported_sql_statement("SET TIME ZONE")),
            };
            let key = Some("spark.sql.session.timeZone".to_owned());
            return Ok(Command::SetConfiguration {
                key,
                value: Some(value),
            });
        }
        let from = self.start();
        let rest: String = self.text.chars().skip(from).collect();
        while self.take().is_some() {}
        self.at -= 1;
        let rest = rest.trim().trim_end_matches(';').trim();
        if rest.is_empty() || rest == "-v" {
            return Ok(Command::SetConfiguration {
                key: None,
                value: None,
            });
        }
        let clean = |key: &str| key.trim().trim_matches('`').to_owned();
        Ok(match rest.split_once('=') {
            Some((key, value)) => {
                let value = value.trim().trim_matches(['`', '\'', '"']).to_owned();
                Command::SetConfiguration {
                    key: Some(clean(key)),
                    value: Some(value),
                }
            }
            None => Command::SetConfiguration {
                key: Some(clean(rest)),
                value: None,
            },
        })
    }

    fn reset(&mut self) -> Result<Command> {
        self.expect_word("reset")?;
        let key = if self.peek().is_some() {
            Some(self.name_parts()?.join("."))
        } else {
            None
        };
        Ok(Command::ResetConfiguration { key })
    }

    fn show(&mut self) -> Result<Command> {
        self.expect_word("show")?;
        if self.word("tables") {
            let database = if self.word("in") || self.word("from") {
                Some(self.name()?.replace('`', ""))
            } else {
                None
            };
            return Ok(Command::ShowTables {
                database,
                pattern: self.pattern()?,
            });
        }
        if self.word("views") {
            let database = if self.word("in") || self.word("from") {
                Some(self.name()?.replace('`', ""))
            } else {
                None
            };
            return Ok(Command::ShowViews {
                database,
                pattern: self.pattern()?,
            });
        }
        if self.word("databases") || self.word("schemas") || self.word("namespaces") {
            return Ok(Command::ShowDatabases {
                pattern: self.pattern()?,
            });
        }
        if self.word("columns") {
            if !self.word("in") {
                self.expect_word("from")?;
            }
            return Ok(Command::ShowColumns {
                table: self.name()?,
            });
        }
        self.word("all");
        if self.word("functions") {
            return Ok(Command::ShowFunctions {
                pattern: self.pattern()?,
            });
        }
        Err(SparkError::unsupported_sql_statement("SHOW"))
    }

    fn pattern(&mut self) -> Result<Option<String>> {
        self.word("like");
        match self.peek() {
            Some(Token::Text(_)) => self.text_literal().map(Some),
            _ => Ok(None),
        }
    }

    fn describe(&mut self) -> Result<Command> {
        self.at += 1;
        if self.is_query_start() {
            return Ok(Command::DescribeQuery {
                input: self.query()?,
            });
        }
        if self.word("query") {
            return Ok(Command::DescribeQuery {
                input: self.query()?,
            });
        }
        if self.is_word("function") || self.is_word("database") || self.is_word("schema") {
            return Err(SparkError::unsupported_sql_statement(
                "DESCRIBE FUNCTION or DATABASE",
            ));
        }
        self.word("table");
        let extended = self.word("extended") || self.word("formatted");
        Ok(Command::DescribeTable {
            table: self.name()?,
            extended,
        })
    }

    fn explain(&mut self) -> Result<Command> {
        self.expect_word("explain")?;
        let extended = self.word("extended");
        for word in ["formatted", "cost", "codegen"] {
            self.word(word);
        }
        Ok(Command::Explain {
            input: self.query()?,
            extended,
        })
    }

    fn use_database(&mut self) -> Result<Command> {
        self.expect_word("use")?;
        for word in ["database", "schema", "namespace"] {
            self.word(word);
        }
        Ok(Command::UseDatabase {
            name: self.name()?.replace('`', ""),
        })
    }

    fn cache(&mut self) -> Result<Command> {
        self.expect_word("cache")?;
        self.word("lazy");
        self.expect_word("table")?;
        let name = self.name()?;
        if self.word("options") {
            self.options()?;
        }
        self.word("as");
        let input: Option<Relation> = if self.is_query_start() {
            Some(self.query()?)
        } else {
            None
        };
        Ok(Command::CacheTable { name, input })
    }

    fn uncache(&mut self) -> Result<Command> {
        self.expect_word("uncache")?;
        self.expect_word("table")?;
        let if_exists = self.words("if exists");
        Ok(Command::UncacheTable {
            name: self.name()?,
            if_exists,
        })
    }
}
