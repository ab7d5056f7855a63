//! How words sound and how far they are from each other.

/// The least number of changed, added and removed characters.
pub(super) fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, d) in b.iter().enumerate() {
            let changed = diagonal + usize::from(c != *d);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// Jaro's similarity, raised for a common beginning of up to four characters.
pub(super) fn jaro_winkler(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let jaro = jaro(&a, &b);
    let prefix = a.iter().zip(&b).take(4).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

fn jaro(a: &[char], b: &[char]) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut matched = Vec::new();
    for (i, c) in a.iter().enumerate() {
        let (from, to) = (i.saturating_sub(reach), (i + reach + 1).min(b.len()));
        if let Some(j) = (from..to).find(|j| !taken[*j] && b[*j] == *c) {
            taken[j] = true;
            matched.push(*c);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let others = b.iter().zip(&taken).filter(|(_, t)| **t).map(|(c, _)| *c);
    let swapped = matched
        .iter()
        .zip(others)
        .filter(|(x, y)| **x != *y)
        .count()
        / 2;
    let count = matched.len() as f64;
    (count / a.len() as f64 + count / b.len() as f64 + (count - swapped as f64) / count) / 3.0
}

/// A letter and three digits; what does not begin with a letter stays as it is.
pub(super) fn soundex(text: &str) -> String {
    let mut characters = text.chars();
    let Some(first) = characters.next().filter(char::is_ascii_alphabetic) else {
        return text.to_owned();
    };
    let mut code = String::from(first.to_ascii_uppercase());
    let mut last = sound(first);
    for c in characters {
        let Some(digit) = sound(c) else {
            continue;
        };
        match digit {
            // H and W do not separate equal sounds.
            '7' => {}
            '0' => last = Some('0'),
            digit => {
                if last != Some(digit) {
                    code.push(digit);
                    if code.len() == 4 {
                        return code;
                    }
                }
                last = Some(digit);
            }
        }
    }
    format!("{code:0<4}")
}

fn sound(c: char) -> Option<char> {
    const SOUNDS: &[u8; 26] = b"01230127022455012623017202";
    let c = c.to_ascii_uppercase();
    c.is_ascii_uppercase()
        .then(|| char::from(SOUNDS[(c as u8 - b'A') as usize]))
}

/// The check digit of card numbers.
pub(super) fn luhn(text: &str) -> bool {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0') << (place % 2);
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}
