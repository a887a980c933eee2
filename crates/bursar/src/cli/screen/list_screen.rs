//! The table of `bursar list`: one line an account.

use bursar_core::lifecycle::shown::ShownState;
use jiff::Timestamp;

use super::WIDTH;
use super::plain::{plain, shortened};
use super::tag::painted;
use crate::account_view::AccountView;
use crate::account_view::time_words::relative;

/// The table, at most 80 columns wide; `*` marks what a provider's bare name means, and the number is what `c` takes.
pub(crate) fn render(accounts: &[AccountView], now: Timestamp) -> String {
    let rows: Vec<Row> = accounts.iter().map(|view| Row::of(view, now)).collect();
    let mut widths = HEADINGS.map(|heading| heading.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    fit(&mut widths);
    let mut text = line(' ', &HEADINGS.map(str::to_owned), &widths, |word| word);
    for row in rows {
        text.push_str(&line(row.mark, &row.cells, &widths, |word| painted(&word, row.state)));
    }
    text
}

struct Row {
    mark: char,
    state: ShownState,
    cells: [String; COLUMNS],
}

impl Row {
    fn of(view: &AccountView, now: Timestamp) -> Self {
        let ends = view.expires_at.map_or_else(|| "-".to_owned(), |end| relative(end, now));
        Self {
            mark: if view.surroundings.default { '*' } else { ' ' },
            state: view.state,
            cells: [
                view.surroundings.number.to_string(),
                plain(&view.reference.to_string()),
                view.identity.as_deref().map_or_else(|| "-".to_owned(), plain),
                view.state.as_str().to_owned(),
                ends,
            ],
        }
    }
}

/// Takes what is too much from the identities first: references are what people type.
fn fit(widths: &mut [usize; COLUMNS]) {
    let frame = MARK + GAP * (COLUMNS - 1);
    for (column, least) in [(IDENTITY, 12), (REFERENCE, 20)] {
        let excess = (frame + widths.iter().sum::<usize>()).saturating_sub(WIDTH);
        let spare = widths[column].saturating_sub(least);
        widths[column] -= excess.min(spare);
    }
}

fn line(
    mark: char,
    cells: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
    colour: impl Fn(String) -> String,
) -> String {
    let mut text = format!("{mark} ");
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = shortened(cell, *width);
        let padding = if column + 1 == COLUMNS { 0 } else { width - cell.chars().count() + GAP };
        // Escape sequences take no room, so the padding is counted before the paint.
        text.push_str(&if column == STATE { colour(cell) } else { cell });
        text.extend(std::iter::repeat_n(' ', padding));
    }
    text.push('\n');
    text
}

const HEADINGS: [&str; COLUMNS] = ["#", "REF", "IDENTITY", "STATE", "EXPIRES"];
const COLUMNS: usize = 5;
const REFERENCE: usize = 1;
const IDENTITY: usize = 2;
const STATE: usize = 3;
const MARK: usize = 2;
const GAP: usize = 2;
