//! Columns of text for people.

/// Lines of cells, each column as wide as its widest cell.
pub fn print(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .chain(head.get(column).map(|title| title.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let head: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        println!("{}", line(row, &widths));
    }
}

/// One line of cells that are as wide as they are.
pub fn print_line(row: &[String]) {
    println!("{}", line(row, &vec![0; row.len()]));
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        // A client's text must not steer the terminal.
        .map(|(cell, width)| {
            let plain = cell.replace(char::is_control, " ");
            format!("{plain:width$}")
        })
        .collect();
    cells.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_padded_and_cannot_steer_the_terminal() {
        let row = ["é".to_owned(), "\u{1b}[31mx".to_owned()];
        assert_eq!(line(&row, &[3, 8]), "é     [31mx");
    }
}
