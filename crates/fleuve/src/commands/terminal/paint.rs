//! Colour, where it is wanted.

/// What a piece of text is, from which follows how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Style {
    #[default]
    Plain,
    /// A heading.
    Bold,
    /// What matters less.
    Dim,
    Good,
    Warning,
    Bad,
    /// A name, or a command to type.
    Name,
}

/// Whether a stream takes colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    is_on: bool,
}

impl Paint {
    /// For a stream that is a terminal or not; `NO_COLOR` and `TERM=dumb` turn colour off.
    pub(crate) fn for_stream(is_terminal: bool) -> Paint {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Paint {
            is_on: is_terminal && !is_set("NO_COLOR") && !is_dumb,
        }
    }

    #[cfg(test)]
    pub(crate) const fn new(is_on: bool) -> Paint {
        Paint { is_on }
    }

    pub(crate) const fn is_on(self) -> bool {
        self.is_on
    }

    /// `text` in its colour.
    pub(crate) fn style(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            _ if !self.is_on => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
            Style::Name => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        assert_eq!(Paint::new(false).style(Style::Bad, "no"), "no");
        assert_eq!(
            Paint::new(true).style(Style::Bad, "no"),
            "\x1b[31mno\x1b[0m"
        );
        assert_eq!(Paint::new(true).style(Style::Plain, "no"), "no");
    }
}
