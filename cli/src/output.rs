//! How commands answer: one JSON document, or tables and lines for people. Nothing here knows what a project
//! is. Values come from other people, so that control characters in them never reach a terminal.

use std::{
    fmt::Write as _,
    io::{ErrorKind, IsTerminal as _, Write as _},
};

use console::{Style, Term, measure_text_width, truncate_str};
use serde_json::Value;

use crate::Failure;

/// Between two columns.
const GAP: &str = "  ";
/// A terminal narrower than this is not worth cutting for.
const CELL_WIDTH_MIN: usize = 12;

/// Write lines to standard output. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::of(&error)),
        _ => Ok(()),
    }
}

/// The one JSON document of a command.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    say(&format!("{value:#}"))
}

/// A remark that is no part of the answer: standard error.
pub(crate) fn note(text: &str) {
    eprintln!("note: {}", clean(text));
}

/// The text of a value as a cell shows it: strings bare, null as a dash, all else as JSON.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        Value::Null => "-".to_owned(),
        other => clean(&other.to_string()),
    }
}

/// A text with its lines.
pub(crate) fn text(value: &Value) -> String {
    let lines = value.as_str().unwrap_or_default().lines().map(clean);
    lines.collect::<Vec<_>>().join("\n")
}

/// `2026-01-31 12:05` of an RFC 3339 moment, in UTC as the server tells it.
pub(crate) fn moment(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return "-".to_owned();
    };
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => clean(&format!("{day} {time}")),
        _ => clean(text),
    }
}

fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// Rows below a line of names. The last column gives way where the terminal is too narrow.
pub(crate) struct Table {
    names: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        let rows = Vec::new();
        Self { names, rows }
    }

    /// As many cells as there are names.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    /// Print it; `nothing` where there are no rows, and then on standard error.
    pub(crate) fn print(&self, nothing: &str) -> Result<(), Failure> {
        if self.rows.is_empty() {
            eprintln!("{nothing}");
            return Ok(());
        }
        let terminal = Term::stdout();
        let width = std::io::stdout()
            .is_terminal()
            .then(|| usize::from(terminal.size().1));
        let mut text = self.drawn(width);
        if let Some((head, rest)) = text.split_once('\n') {
            text = format!("{}\n{rest}", Style::new().bold().apply_to(head));
        }
        say(&text)
    }

    fn drawn(&self, width: Option<usize>) -> String {
        let widths: Vec<usize> = (0..self.names.len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| measure_text_width(&row[at]));
                cells.max().unwrap_or(0).max(self.names[at].len())
            })
            .collect();
        let last = widths.len() - 1;
        let before: usize = widths[..last].iter().map(|width| width + GAP.len()).sum();
        let room = width.map(|width| width.saturating_sub(before).max(CELL_WIDTH_MIN));
        let line = |cells: &[&str]| {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths).take(last) {
                let padding = width - measure_text_width(cell);
                let _ = write!(line, "{cell}{}{GAP}", " ".repeat(padding));
            }
            match room {
                Some(room) => line.push_str(&truncate_str(cells[last], room, "…")),
                None => line.push_str(cells[last]),
            }
            line.trim_end().to_owned()
        };
        let mut lines = vec![line(self.names)];
        for row in &self.rows {
            lines.push(line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        lines.join("\n")
    }
}

/// Names and values, one pair a line.
pub(crate) fn facts(pairs: &[(&str, String)]) -> Result<(), Failure> {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let name = Style::new().bold();
    let line = |(what, value): &(&str, String)| {
        format!("{}{GAP}{value}", name.apply_to(format!("{what:width$}")))
    };
    say(&pairs.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// The operations of a JSON Patch for people, one a line: `+ /a/b  1`, `- /c`, `~ /d  "x"`.
pub(crate) fn changes(diff: &Value) -> Vec<String> {
    let operations = diff.as_array().into_iter().flatten();
    operations
        .map(|operation| match operation.get("value") {
            Some(value) => format!(
                "{}{GAP}{}",
                place(operation),
                clean(&short(value).to_string())
            ),
            None => place(operation),
        })
        .collect()
}

/// The same without the values.
pub(crate) fn places(diff: &Value) -> Vec<String> {
    let operations = diff.as_array().into_iter().flatten();
    operations.map(place).collect()
}

fn place(operation: &Value) -> String {
    let (sign, style) = match operation["op"].as_str() {
        Some("add") => ('+', Style::new().green()),
        Some("remove") => ('-', Style::new().red()),
        _ => ('~', Style::new().yellow()),
    };
    let path = clean(operation["path"].as_str().unwrap_or_default());
    format!("{} {path}", style.apply_to(sign))
}

/// Whole documents stand in a configuration as one text that tells people nothing but its length.
fn short(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("base64://") {
            Some(coded) => {
                let bytes = coded.trim_end_matches('=').len() * 3 / 4;
                Value::String(format!("base64, {bytes} bytes"))
            }
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(short).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, field)| (name.clone(), short(field)));
            Value::Object(fields.collect())
        }
        _ => value.clone(),
    }
}

/// Ask a person; without one, `--yes` has to say it.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "{question} Nobody can be asked here: give --yes"
        )));
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::of(&error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::Failed("nothing was done".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["SLUG", "NAME"]);
        table.row(["shop".to_owned(), "Żółw & Sons".to_owned()]);
        table.row(["a-long-slug".to_owned(), "x".repeat(50)]);
        let whole = table.drawn(None);
        let lines: Vec<_> = whole.lines().collect();
        assert_eq!(lines[0], "SLUG         NAME");
        assert_eq!(lines[1], "shop         Żółw & Sons");
        assert!(lines[2].ends_with(&"x".repeat(50)));
        let narrow = table.drawn(Some(30));
        assert!(narrow.lines().all(|line| measure_text_width(line) <= 30));
        assert!(narrow.ends_with('…'), "{narrow}");
    }

    #[test]
    fn nothing_from_elsewhere_moves_the_cursor() {
        assert_eq!(cell(&json!("a\u{1b}[2Jb\n")), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(cell(&json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(cell(&Value::Null), "-");
        assert_eq!(
            moment(&json!("2026-01-31T12:05:59.123Z")),
            "2026-01-31 12:05"
        );
        assert_eq!(moment(&json!("é\u{1b}")), "é\u{fffd}");
        let letter = json!("Hello,\r\n\nit is\u{1b}[2J 1234.\n");
        assert_eq!(text(&letter), "Hello,\n\nit is\u{fffd}[2J 1234.");
        assert_eq!(text(&Value::Null), "");
    }

    #[test]
    fn a_patch_reads_line_by_line() {
        console::set_colors_enabled(false);
        let diff = json!([{"op": "add", "path": "/a", "value": {"b": 1}}, {"op": "remove", "path": "/c"},
            {"op": "replace", "path": "/d", "value": "x"}]);
        assert_eq!(changes(&diff), [r#"+ /a  {"b":1}"#, "- /c", r#"~ /d  "x""#]);
        assert_eq!(places(&diff), ["+ /a", "- /c", "~ /d"]);
    }

    #[test]
    fn a_document_within_is_told_by_its_length() {
        console::set_colors_enabled(false);
        let schemas = json!([{"id": "a", "url": "base64://eyJhIjogMX0="}]);
        let diff = json!([{"op": "add", "path": "/schemas", "value": schemas}]);
        let told = r#"+ /schemas  [{"id":"a","url":"base64, 8 bytes"}]"#;
        assert_eq!(changes(&diff), [told]);
    }
}
