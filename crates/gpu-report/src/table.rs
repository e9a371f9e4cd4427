//! Tables, and what stands in their cells.

use std::fmt::Write;

use serde_json::Value;

/// What stands where there is nothing to say.
pub const NOTHING: &str = "–";

/// The rows of a table, and its heading.
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows; headings are separated by commas.
    pub fn new(headings: &str) -> Self {
        Self { headings: headings.split(", ").map(String::from).collect(), rows: Vec::new() }
    }

    /// A row; what it lacks at its end is empty.
    pub fn push(&mut self, mut cells: Vec<String>) {
        cells.resize(self.headings.len(), NOTHING.to_owned());
        self.rows.push(cells);
    }

    /// The row of a device of which nothing is known, not even what would be measured.
    pub fn push_absent(&mut self, device: &str, why: &str) {
        let before = self.headings.iter().take_while(|heading| *heading != "device");
        let mut cells: Vec<String> = before.map(|_| NOTHING.to_owned()).collect();
        cells.extend([device.to_owned(), why.to_owned()]);
        self.push(cells);
    }

    /// The table in Markdown.
    pub fn text(&self) -> String {
        let mut text =
            format!("| {} |\n|{}\n", self.headings.join(" | "), "---|".repeat(self.headings.len()));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }
}

/// Three digits.
pub fn digits(value: f64) -> String {
    let places = (2.0 - value.abs().log10().floor()).clamp(0.0, 3.0);
    format!("{value:.*}", if places.is_finite() { places as usize } else { 0 })
}

/// Three digits of a number that may be absent.
pub fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), digits)
}

/// A number of an object.
pub fn number(row: &Value, name: &str) -> Option<f64> {
    row[name].as_f64()
}

/// Anything of an object, as it is shown.
pub fn word(row: &Value, name: &str) -> String {
    match &row[name] {
        Value::String(text) => text.clone(),
        Value::Null => NOTHING.to_owned(),
        other => other.to_string(),
    }
}
