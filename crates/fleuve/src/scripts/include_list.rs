//! Kafka's way to name several topics: a regular expression in which a comma is an "or".

use regex::Regex;

use super::script::Failure;

/// Matches whole names.
pub(super) struct IncludeList(Regex);

impl IncludeList {
    /// Reads `a,b.*`; quotes around it and blanks in it do not count.
    pub(super) fn new(text: &str) -> Result<IncludeList, Failure> {
        let alternatives = text
            .trim()
            .trim_matches(['"', '\''])
            .replace(' ', "")
            .replace(',', "|");
        Regex::new(&format!("^(?:{alternatives})$"))
            .map(IncludeList)
            .map_err(|_| Failure::Errors(format!("{text} is an invalid regex.")))
    }

    /// Whether the topic is meant.
    pub(super) fn includes(&self, topic: &str) -> bool {
        self.0.is_match(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_is_an_or_and_names_match_as_a_whole() {
        let list = IncludeList::new("'orders, pay.*'").unwrap_or_else(|_| panic!("a valid list"));
        assert!(list.includes("orders") && list.includes("payments"));
        assert!(!list.includes("orders2") && !list.includes("repay"));
        assert!(IncludeList::new("(").is_err());
    }
}
