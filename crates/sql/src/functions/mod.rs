//! Spark's functions: one table, one family a file.
//!
//! One more function is one more entry in its family's `FUNCTIONS`. An entry says how arguments are checked and
//! converted, what type comes out, and which kernel computes it; or it builds the expression itself. Start at
//! [`Function`] and [`find`].

mod arguments;
pub(crate) mod call;
pub(crate) mod invocation;
mod lists;
mod normalization;
pub(crate) mod udf;

mod aggregate;
pub(crate) mod arithmetic;
mod array;
mod bitwise;
mod collection;
mod comparison;
mod conditional;
mod conversion;
mod csv;
mod datetime;
mod defaults;
mod encoding;
mod extract;
mod generator;
mod hash;
mod higher_order;
mod interval;
mod json;
mod make_datetime;
mod map;
mod math;
mod misc;
mod number_format;
mod regular_expression;
mod string;
mod structure;
mod time_arithmetic;
mod url;
mod vector;
pub(crate) mod window;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arrow::array::ArrayRef;

pub(crate) use arguments::{Arg, Nulls, Returns, ordinal, storable};
pub(crate) use call::{FunctionCall, Generator};
pub(crate) use csv::options::CsvOptions;
pub(crate) use csv::reader::CsvReader;
pub(crate) use csv::writer::CsvWriter;
pub(crate) use csv::{record as csv_record, schema as csv_schema};
pub(crate) use invocation::Invocation;
pub(crate) use json::parse::parse as json_parse;
pub(crate) use json::schema as json_schema;
pub(crate) use json::writer::JsonWriter;
pub(crate) use json::{JsonOptions, JsonReader};

use crate::analyzer::TypedExpr;
use crate::error::Result;

/// One function of the language.
pub(crate) struct Function {
    /// The name that its result's column shows, unless the user wrote an alias.
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// What the result's column shows instead of the name that the user wrote.
    pub(crate) title: Option<&'static str>,
    /// When the result may be null, beyond what `build` says.
    pub(crate) nulls: Nulls,
    pub(crate) build: Build,
}

/// How a call becomes an expression.
pub(crate) enum Build {
    /// Arguments converted to fixed types, one kernel.
    Scalar {
        arguments: &'static [Arg],
        /// How many of the arguments must be given.
        required: usize,
        returns: Returns,
        kernel: fn(&Invocation<'_>) -> Result<ArrayRef>,
    },
    /// Anything else that yields one value a row.
    Custom(fn(&mut FunctionCall<'_>) -> Result<TypedExpr>),
    /// Arguments that are lambdas stay unresolved until the function knows their parameters.
    HigherOrder(fn(&mut FunctionCall<'_>) -> Result<TypedExpr>),
    /// Several rows for one.
    Generator(fn(&mut FunctionCall<'_>) -> Result<Generator>),
}

/// A function whose arguments have fixed types.
pub(crate) const fn scalar(
    name: &'static str,
    arguments: &'static [Arg],
    returns: Returns,
    kernel: fn(&Invocation<'_>) -> Result<ArrayRef>,
) -> Function {
    let build = Build::Scalar {
        arguments,
        required: arguments.len(),
        returns,
        kernel,
    };
    Function {
        name,
        aliases: &[],
        title: None,
        nulls: Nulls::InOut,
        build,
    }
}

pub(crate) const fn custom(
    name: &'static str,
    build: fn(&mut FunctionCall<'_>) -> Result<TypedExpr>,
) -> Function {
    Function {
        name,
        aliases: &[],
        title: None,
        nulls: Nulls::InOut,
        build: Build::Custom(build),
    }
}

pub(crate) const fn higher_order(
    name: &'static str,
    build: fn(&mut FunctionCall<'_>) -> Result<TypedExpr>,
) -> Function {
    Function {
        name,
        aliases: &[],
        title: None,
        nulls: Nulls::InOut,
        build: Build::HigherOrder(build),
    }
}

pub(crate) const fn generator(
    name: &'static str,
    build: fn(&mut FunctionCall<'_>) -> Result<Generator>,
) -> Function {
    Function {
        name,
        aliases: &[],
        title: None,
        nulls: Nulls::InOut,
        build: Build::Generator(build),
    }
}

impl Function {
    pub(crate) const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The result's column shows `title`, whatever name the user wrote.
    pub(crate) const fn shown(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// Only the first `count` arguments must be given.
    pub(crate) const fn needs(mut self, count: usize) -> Self {
        if let Build::Scalar { required, .. } = &mut self.build {
            *required = count;
        }
        self
    }

    pub(crate) const fn nulls(mut self, how: Nulls) -> Self {
        self.nulls = how;
        self
    }
}

const FAMILIES: &[&[Function]] = &[
    aggregate::FUNCTIONS,
    arithmetic::FUNCTIONS,
    array::FUNCTIONS,
    bitwise::FUNCTIONS,
    collection::FUNCTIONS,
    comparison::FUNCTIONS,
    conditional::FUNCTIONS,
    conversion::FUNCTIONS,
    csv::FUNCTIONS,
    datetime::FUNCTIONS,
    encoding::FUNCTIONS,
    extract::FUNCTIONS,
    generator::FUNCTIONS,
    hash::FUNCTIONS,
    higher_order::FUNCTIONS,
    json::FUNCTIONS,
    make_datetime::FUNCTIONS,
    map::FUNCTIONS,
    math::FUNCTIONS,
    misc::FUNCTIONS,
    number_format::FUNCTIONS,
    regular_expression::FUNCTIONS,
    string::FUNCTIONS,
    structure::FUNCTIONS,
    url::FUNCTIONS,
    vector::FUNCTIONS,
    window::FUNCTIONS,
];

static TABLE: LazyLock<BTreeMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let functions = FAMILIES.iter().flat_map(|family| family.iter());
    functions
        .flat_map(|f| {
            f.aliases
                .iter()
                .chain([&f.name])
                .map(move |name| (*name, f))
        })
        .collect()
});

/// Functions that take `WITHIN GROUP (ORDER BY …)`.
pub(crate) const ORDERED_WITHIN_GROUP: &[&str] = &[
    "listagg",
    "mode",
    "percentile_cont",
    "percentile_disc",
    "string_agg",
];

/// True of a lower-case name of an aggregate function.
pub(crate) fn is_aggregate(name: &str) -> bool {
    let has = |function: &Function| function.name == name || function.aliases.contains(&name);
    aggregate::FUNCTIONS.iter().any(has)
}

/// The function of a lower-case name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLE.get(name).copied()
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.keys().copied()
}
