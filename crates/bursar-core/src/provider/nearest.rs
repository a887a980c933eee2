//! The known word nearest to a mistyped one.

/// The candidate with the smallest edit distance to `word`, if it is near enough to be a slip of the fingers.
///
/// Up to a third of the word may differ, at least one letter; the first of equals wins.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (line, letter) in one.iter().enumerate() {
        let mut row = vec![line + 1];
        for (column, candidate) in other.iter().enumerate() {
            let mut cost = (rows[line][column + 1] + 1)
                .min(row[column] + 1)
                .min(rows[line][column] + usize::from(letter != candidate));
            let swapped = line > 0
                && column > 0
                && *letter == other[column - 1]
                && one[line - 1] == *candidate
                && letter != candidate;
            if swapped {
                cost = cost.min(rows[line - 1][column - 1] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        let known = ["google", "github-app", "gitlab", "microsoft"];
        for (typed, meant) in [
            ("gogle", Some("google")),
            ("googel", Some("google")),
            ("gitlub", Some("gitlab")),
            ("micorsoft", Some("microsoft")),
            ("gitlab", Some("gitlab")),
            ("facebook", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
