//! SQL text changed at random is read or refused, and analyzed or refused: no panic, no overflow of the stack.
//!
//! `FLEUVE_TEST_SCALE` multiplies the rounds, `FLEUVE_TEST_SEED` starts elsewhere; a failure prints both.

use std::collections::BTreeMap;
use std::time::Duration;

use fleuve_sql::{Session, Statement};

use super::{one, session};

const READINGS: u64 = 4_000;
const ANALYSES: u64 = 150;
/// An analysis may run small queries; one that the change made endless is left behind.
const PATIENCE: Duration = Duration::from_secs(20);

const TEXTS: &[&str] = &[
    "SELECT a, sum(b) AS s FROM VALUES (1, 2), (1, 3) AS t(a, b) WHERE b BETWEEN 1 AND 5 GROUP BY a HAVING sum(b) > 1 ORDER BY s DESC NULLS LAST LIMIT 3",
    "WITH x AS (SELECT id FROM range(3)), y(k) AS (SELECT 2) SELECT * FROM x LEFT OUTER JOIN y ON x.id = y.k",
    "SELECT CASE id WHEN 1 THEN 'a' ELSE \"b\" END, CAST(id AS DECIMAL(10, 2)), id::string, -id % 3, ~id, id DIV 2 FROM range(3)",
    "SELECT row_number() OVER (PARTITION BY id % 2 ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM range(4)",
    "SELECT transform(array(1, 2), x -> x + 1), filter(array(1), (x, i) -> x > i), named_struct('a', 1).a, map('k', 1)['k']",
    "SELECT DATE '2020-01-01' + INTERVAL 1 DAY, TIMESTAMP '2020-01-01 00:00:00' - INTERVAL '1 02:03:04' DAY TO SECOND, X'1F', 1L, 2.5e3, .5",
    "SELECT col FROM range(2) LATERAL VIEW OUTER explode(array(1, 2)) t AS col WHERE col NOT IN (3) AND NOT EXISTS (SELECT 1 FROM range(0))",
    "SELECT a, b, grouping(a) FROM VALUES (1, 2) t(a, b) GROUP BY GROUPING SETS ((a, b), (a), ())",
    "SELECT id FROM range(3) UNION ALL SELECT 7 EXCEPT SELECT 1 INTERSECT SELECT 2",
    "SELECT from_json('{\"a\":1}', 'a INT, b ARRAY<STRUCT<c: MAP<STRING, INT>>>') AS j, `a``b`, extract(YEAR FROM current_date()) FROM (SELECT 1 `a``b`)",
    "CREATE OR REPLACE TEMP VIEW v AS SELECT 1 a -- a comment\n",
    "SELECT /* one */ a.*, count(DISTINCT b) FILTER (WHERE b > 0) FROM VALUES (1, 2) a(a, b), range(2) GROUP BY ALL",
    "INSERT INTO t (a, b) VALUES (1, 'x')",
    "SELECT trim(BOTH 'x' FROM 'xax'), substring('abc' FROM 2 FOR 1), position('b' IN 'abc'), 'a' LIKE 'b%' ESCAPE '!', 'a' RLIKE '.'",
];
const WORDS: &[&str] = &[
    "(",
    ")",
    ",",
    "SELECT",
    "FROM",
    "WHERE",
    "NOT",
    "NULL",
    "AND",
    "BETWEEN",
    "IN",
    "CASE",
    "WHEN",
    "END",
    "->",
    "[",
    "]",
    "<",
    ">",
    "'",
    "\"",
    "`",
    "1",
    "-",
    "9223372036854775808",
    "1e400",
    "interval",
    "array(",
    "explode(",
    "::",
    "OVER",
    "JOIN",
    "USING",
    "*",
    ".",
    ";",
    ":x",
    "?",
    "/*",
    "--",
    "cast(",
    "AS",
    "decimal(99, 99)",
    "x'",
    "\\",
    "\u{e9}",
    "\u{0}",
    "window(",
    "(SELECT",
    "{",
    "@",
    "||",
    "lateral view",
];

fn environment_number(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// xorshift64*: the same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn new(seed: u64, round: u64) -> Self {
        Self(
            seed.wrapping_mul(0x9e37_79b9)
                .wrapping_add(round.wrapping_mul(0x85eb_ca6b))
                | 1,
        )
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A text of the list with pieces taken out, doubled, exchanged and put in.
    fn mutate(&mut self) -> String {
        let mut pieces: Vec<String> = pieces(self.pick(TEXTS));
        for _ in 0..=self.below(5) {
            let at = self.below(pieces.len());
            match self.below(7) {
                0 if !pieces.is_empty() => {
                    pieces.remove(at);
                }
                1 => pieces.insert(at, self.pick(WORDS).to_owned()),
                2 if !pieces.is_empty() => pieces[at] = self.pick(WORDS).to_owned(),
                3 if !pieces.is_empty() => {
                    let other = self.below(pieces.len());
                    pieces.swap(at, other);
                }
                4 => {
                    let from = at.min(pieces.len());
                    let end = (from + self.below(8)).min(pieces.len());
                    let copy = pieces[from..end].to_vec();
                    let to = self.below(pieces.len() + 1);
                    pieces.splice(to..to, copy);
                }
                5 => {
                    let other = self::pieces(self.pick(TEXTS));
                    let from = self.below(other.len());
                    pieces.truncate(at);
                    pieces.extend_from_slice(&other[from..]);
                }
                _ => {
                    if let Some(piece) = pieces.get_mut(at) {
                        let characters: Vec<char> = piece.chars().collect();
                        let kept = self.below(characters.len() + 1);
                        *piece = characters[..kept].iter().collect();
                    }
                }
            }
        }
        pieces.concat()
    }
}

/// Words, and everything else a character each.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || c == '_';
        match pieces.last_mut() {
            Some(last) if in_word && is_word => last.push(c),
            _ => pieces.push(c.to_string()),
        }
        in_word = is_word;
    }
    pieces
}

fn parse(session: &Session, text: &str) -> Option<Statement> {
    session.parse_sql(text, &BTreeMap::new(), &[]).ok()
}

/// Runs `work` where servers run it: on a deep stack.
fn on_a_deep_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work);
    thread.expect("a thread").join().expect("no panic");
}

#[test]
fn texts_changed_at_random_are_read_or_refused() {
    let seed = environment_number("FLEUVE_TEST_SEED", 1);
    let rounds = READINGS * environment_number("FLEUVE_TEST_SCALE", 1);
    on_a_deep_stack(move || {
        let session = session();
        let mut read = 0;
        for round in 0..rounds {
            let text = Chance::new(seed, round).mutate();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                parse(&session, &text).is_some()
            }));
            let Ok(is_read) = outcome else {
                panic!("FLEUVE_TEST_SEED={seed} round {round}: a panic over {text:?}");
            };
            read += u64::from(is_read);
        }
        println!("{rounds} texts, {read} of them are statements");
        assert!(read > rounds / 50, "only {read} of {rounds} are statements");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_changed_at_random_are_analyzed_or_refused() {
    let seed = environment_number("FLEUVE_TEST_SEED", 1);
    let rounds = ANALYSES * environment_number("FLEUVE_TEST_SCALE", 1);
    let session = session();
    let (mut well, mut refused, mut left) = (0, 0, 0);
    for round in 0..rounds {
        let text = (0..100)
            .map(|try_| Chance::new(seed, round * 100 + try_).mutate())
            .find(|text| matches!(parse(&session, text), Some(Statement::Query(_))));
        let Some(text) = text else { continue };
        let Some(Statement::Query(relation)) = parse(&session, &text) else {
            continue;
        };
        match tokio::time::timeout(PATIENCE, session.analyze(&relation)).await {
            Err(_) => left += 1,
            Ok(Ok(_)) => well += 1,
            Ok(Err(error)) => {
                let told = error.to_string();
                assert!(
                    !told.contains("without an answer"),
                    "FLEUVE_TEST_SEED={seed} round {round}: a panic over {text:?}"
                );
                refused += 1;
            }
        }
    }
    println!("{rounds} queries: {well} have a schema, {refused} are refused, {left} took too long");
    assert!(well > 0 && refused > 0);
}

/// What nests without an end, and what is long without an end.
#[test]
fn endless_texts_are_errors() {
    // More than the levels and more than the links that are read.
    let (levels, links) = (2_000, 51_000);
    let nested = |open: &str, middle: &str, close: &str| {
        format!(
            "SELECT {}{middle}{}",
            open.repeat(levels),
            close.repeat(levels)
        )
    };
    let chained = |start: &str, link: &str| format!("SELECT {start}{}", link.repeat(links));
    let texts = vec![
        nested("(", "1", ")"),
        nested("- ", "1", ""),
        nested("NOT ", "true", ""),
        nested("~", "1", ""),
        nested("abs(", "1", ")"),
        nested("array(", "1", ")"),
        nested("CASE WHEN true THEN ", "1", " END"),
        nested("(SELECT ", "1", ")"),
        nested("x -> ", "1", ""),
        nested("CAST(", "1", " AS INT)"),
        nested("(1 BETWEEN 0 AND 1) = (", "1", ")"),
        nested("1 FROM (", "t", ")"),
        nested("CAST(1 AS ARRAY<", "INT", ">)"),
        format!(
            "SELECT 1 FROM {}t{}",
            "(".repeat(levels),
            ")".repeat(levels)
        ),
        format!(
            "{}SELECT 1{}",
            "WITH a AS (".repeat(levels),
            ") SELECT 1".repeat(levels)
        ),
        chained("1", " + 1"),
        chained("1", " * 1"),
        chained("true", " OR true"),
        chained("true", " AND true"),
        chained("1", " = 1"),
        chained("a", "[1]"),
        chained("1", "::int"),
        chained("1 FROM t", " JOIN t"),
        chained("1 FROM t", ", t"),
        chained("1", " UNION ALL SELECT 1"),
        chained("1 FROM t", " LATERAL VIEW explode(a) b"),
        format!(
            "SELECT {}x{}",
            "(".repeat(290),
            " BETWEEN 1 AND 2)".repeat(290)
        ),
        format!(
            "SELECT {}x{}",
            "CASE ".repeat(290),
            " WHEN 1 THEN 2 WHEN 3 THEN 4 END".repeat(290)
        ),
    ];
    on_a_deep_stack(move || {
        let session = session();
        for text in texts {
            let start: String = text.chars().take(40).collect();
            assert!(parse(&session, &text).is_none(), "{start}…");
        }
    });
}

/// What an alias stands for is written where a later item names it, so aliases of aliases double.
#[tokio::test]
async fn aliases_that_double_are_an_error() {
    let mut text = "SELECT 1 AS a0".to_owned();
    for level in 0..60 {
        text.push_str(&format!(", a{level} + a{level} AS a{}", level + 1));
    }
    let error = crate::run(&session(), &text).await.unwrap_err();
    assert!(error.to_string().contains("20000"), "{error}");
}

/// Lists are no nesting: a long one is read.
#[test]
fn long_lists_are_read() {
    let list = vec!["(1, 'x')"; 60_000].join(", ");
    on_a_deep_stack(move || {
        assert!(parse(&session(), &format!("SELECT * FROM VALUES {list}")).is_some());
    });
}

/// Nor is it deep: constants are one batch, and what is not constant is one flat union.
#[tokio::test]
async fn an_inline_table_of_thousands_of_rows_is_one_level_deep() {
    for row in ["(1, 'x')", "(CAST(rand() AS INT), 'x')"] {
        let rows = vec![row; 2_000].join(", ");
        let counted = one(&format!("SELECT count(*) FROM VALUES {rows} t(a, b)")).await;
        assert_eq!(counted, "2000");
    }
}
