//! Function calls: arguments, filters and windows.

use super::lexer::Token;
use super::named_window::WindowSpecification;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{
    Expression, FrameBoundary, FrameUnits, Literal, NullOrdering, SortDirection, SortOrder,
    WindowFrame,
};

/// Functions that data frames have and SQL has not.
const ONLY_OF_DATA_FRAMES: &[&str] = &["product", "collect_union"];

impl Parser<'_> {
    pub(super) fn function(&mut self, name: Vec<String>, start: usize) -> Result<Expression> {
        if let [plain] = name.as_slice()
            && ONLY_OF_DATA_FRAMES.contains(&plain.to_ascii_lowercase().as_str())
        {
            return Err(self.located(SparkError::unresolved_routine(plain)));
        }
        self.expect_symbol("(")?;
        let distinct = self.word("distinct");
        if !distinct && self.is_word("all") && !matches!(self.peek_at(1), Some(Token::Symbol(_))) {
            self.at += 1;
        }
        let mut arguments = Vec::new();
        if !self.is_symbol(")") {
            let is_struct = matches!(name.as_slice(), [n] if n.eq_ignore_ascii_case("struct"));
            arguments = self.list(|p| match is_struct {
                true => p.named_expression(),
                false => p.function_argument(),
            })?;
        }
        if self.words("ignore nulls") {
            arguments.push(Expression::Literal(Literal::Boolean(true)));
        } else {
            self.words("respect nulls");
        }
        self.expect_symbol(")")?;
        if self.words("within group") {
            // The order of the group's rows, as arguments that are orders.
            self.expect_symbol("(")?;
            if !self.words("order by") {
                return Err(self.unexpected());
            }
            let orders = self.list(|p| p.sort_order())?;
            self.expect_symbol(")")?;
            arguments.extend(
                orders
                    .into_iter()
                    .map(|o| Expression::SortOrder(Box::new(o))),
            );
        }
        let filter =
            if self.is_word("filter") && matches!(self.peek_at(1), Some(Token::Symbol("("))) {
                self.at += 2;
                self.expect_word("where")?;
                let condition = self.expression()?;
                self.expect_symbol(")")?;
                Some(Box::new(condition))
            } else {
                None
            };
        if self.words("ignore nulls") {
            let lower = name
                .last()
                .map(|n| n.to_ascii_lowercase())
                .unwrap_or_default();
            if matches!(lower.as_str(), "lag" | "lead") {
                while arguments.len() < 3 {
                    arguments.push(Expression::Literal(match arguments.len() {
                        1 => Literal::Integer(1),
                        _ => Literal::Null(crate::ir::DataType::Null),
                    }));
                }
            }
            arguments.push(Expression::Literal(Literal::Boolean(true)));
        } else {
            self.words("respect nulls");
        }
        let function = Expression::Function {
            name,
            arguments,
            distinct,
            filter,
            user_defined: false,
            internal: false,
        };
        if self.word("over") {
            return self.over(function, start);
        }
        Ok(self.located_expression(function, start))
    }

    pub(super) fn function_argument(&mut self) -> Result<Expression> {
        if matches!(self.peek_at(1), Some(Token::Symbol("=>"))) {
            let name = self.identifier()?;
            self.expect_symbol("=>")?;
            let value = Box::new(self.expression()?);
            return Ok(Expression::NamedArgument { name, value });
        }
        self.expression()
    }

    pub(super) fn over(&mut self, function: Expression, start: usize) -> Result<Expression> {
        let specification = self.window_specification()?;
        let window = Expression::Window {
            function: Box::new(function),
            partition_by: specification.partition_by,
            order_by: specification.order_by,
            frame: specification.frame,
        };
        Ok(self.located_expression(window, start))
    }

    /// A window: in parentheses, or by its name in the `WINDOW` clause.
    pub(super) fn window_specification(&mut self) -> Result<WindowSpecification> {
        if !self.is_symbol("(") {
            let name = self.identifier()?;
            return self.window_named(&name);
        }
        self.expect_symbol("(")?;
        if matches!(self.peek_at(1), Some(Token::Symbol(")"))) {
            let name = self.identifier()?;
            self.expect_symbol(")")?;
            return self.window_named(&name);
        }
        let mut partition_by = Vec::new();
        if self.words("partition by") || self.words("distribute by") {
            partition_by = self.list(|p| p.expression())?;
        }
        let mut order_by = Vec::new();
        if self.words("order by") || self.words("sort by") {
            order_by = self.list(|p| p.sort_order())?;
        }
        let frame = self.window_frame()?;
        self.expect_symbol(")")?;
        Ok(WindowSpecification {
            partition_by,
            order_by,
            frame,
        })
    }

    fn window_frame(&mut self) -> Result<Option<WindowFrame>> {
        let units = if self.word("rows") {
            FrameUnits::Rows
        } else if self.word("range") {
            FrameUnits::Range
        } else {
            return Ok(None);
        };
        let (lower, upper) = if self.word("between") {
            let lower = self.boundary()?;
            self.expect_word("and")?;
            (lower, self.boundary()?)
        } else {
            (self.boundary()?, FrameBoundary::CurrentRow)
        };
        Ok(Some(WindowFrame {
            units,
            lower,
            upper,
        }))
    }

    pub(super) fn boundary(&mut self) -> Result<FrameBoundary> {
        if self.words("unbounded preceding") {
            return Ok(FrameBoundary::UnboundedPreceding);
        }
        if self.words("unbounded following") {
            return Ok(FrameBoundary::UnboundedFollowing);
        }
        if self.words("current row") {
            return Ok(FrameBoundary::CurrentRow);
        }
        let offset = Box::new(self.expression()?);
        if self.word("preceding") {
            return Ok(FrameBoundary::Preceding(offset));
        }
        self.expect_word("following")?;
        Ok(FrameBoundary::Following(offset))
    }

    pub(super) fn sort_order(&mut self) -> Result<SortOrder> {
        let child = self.expression()?;
        let direction = if self.word("desc") {
            SortDirection::Descending
        } else {
            self.word("asc");
            SortDirection::Ascending
        };
        let nulls = if self.words("nulls first") {
            Some(NullOrdering::First)
        } else if self.words("nulls last") {
            Some(NullOrdering::Last)
        } else {
            None
        };
        Ok(SortOrder {
            child,
            direction,
            nulls,
        })
    }
}
