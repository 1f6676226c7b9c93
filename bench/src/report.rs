//! What is printed: a table for people, or JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::load::{Outcome, Pace, Plan};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) pace: String,
    /// Projects, or zero where there are none.
    pub(crate) bases: usize,
    pub(crate) outcome: Outcome,
}

const HEADS: [&str; 14] = [
    "scenario",
    "pace",
    "projects",
    "done/s",
    "p50 ms",
    "p95",
    "p99",
    "p99.9",
    "max",
    "errors",
    "server CPU",
    "Postgres CPU",
    "tool CPU",
    "server MiB",
];
const LEGEND: &str = "\
CPU: cores in use, then milliseconds for each operation. Times of a set rate count from when an operation
was due, those of `max` from when it was sent.";

impl Row {
    pub(crate) fn of(plan: &Plan, bases: usize, outcome: Outcome) -> Self {
        Self {
            scenario: plan.scenario.name().to_owned(),
            pace: match plan.pace {
                Pace::Rate(rate) => format!("{rate:.0}/s"),
                Pace::Max => format!("max, {} conn.", plan.connections),
            },
            bases,
            outcome,
        }
    }

    /// Operations that ended as they should, each second.
    #[expect(clippy::cast_precision_loss, reason = "2^53 operations are enough")]
    pub(crate) fn per_second(&self) -> f64 {
        let seconds = self.outcome.measured.as_secs_f64();
        if seconds > 0.0 {
            self.outcome.tally.count() as f64 / seconds
        } else {
            0.0
        }
    }

    /// Cores in use, and milliseconds for each operation.
    fn cpu(&self, used: Option<Duration>) -> Option<(f64, f64)> {
        let cores = used?.as_secs_f64() / self.outcome.measured.as_secs_f64();
        let per_second = self.per_second();
        (per_second > 0.0).then(|| (cores, cores / per_second * 1000.0))
    }

    fn cells(&self) -> [String; 14] {
        let Outcome { tally, used, .. } = &self.outcome;
        let cpu = |used| {
            self.cpu(used).map_or_else(String::new, |(cores, millis)| {
                format!("{cores:.2} ({millis:.3})")
            })
        };
        let at = |share| format!("{:.2}", tally.millis_at(share));
        [
            self.scenario.clone(),
            self.pace.clone(),
            if self.bases == 0 {
                String::new()
            } else {
                self.bases.to_string()
            },
            format!("{:.1}", self.per_second()),
            at(0.5),
            at(0.95),
            at(0.99),
            at(0.999),
            format!("{:.2}", tally.millis_max()),
            tally.error_count().to_string(),
            cpu(used.server),
            cpu(used.postgres),
            cpu(used.tool),
            used.server_kib
                .map_or_else(String::new, |kib| (kib >> 10).to_string()),
        ]
    }

    fn json(&self) -> Value {
        let Outcome {
            tally,
            used,
            measured,
        } = &self.outcome;
        let cpu = |used| {
            self.cpu(used)
                .map(|(cores, millis)| json!({"cores": cores, "ms_per_operation": millis}))
        };
        let errors: serde_json::Map<String, Value> = tally
            .errors()
            .map(|(kind, count, example)| {
                (kind.to_owned(), json!({"count": count, "example": example}))
            })
            .collect();
        json!({
            "scenario": self.scenario,
            "pace": self.pace,
            "projects": self.bases,
            "seconds": measured.as_secs_f64(),
            "done": tally.count(),
            "per_second": self.per_second(),
            "ms": {
                "p50": tally.millis_at(0.5), "p95": tally.millis_at(0.95), "p99": tally.millis_at(0.99),
                "p99.9": tally.millis_at(0.999), "max": tally.millis_max(),
            },
            "sent_late_ms": {"p50": tally.late_millis_at(0.5), "p99": tally.late_millis_at(0.99)},
            "errors": errors,
            "cpu": {"server": cpu(used.server), "postgres": cpu(used.postgres), "tool": cpu(used.tool)},
            "server_resident_kib": used.server_kib,
        })
    }
}

/// Print all of it on standard output.
pub(crate) fn print(rows: &[Row], as_json: bool) {
    if as_json {
        let rows: Vec<Value> = rows.iter().map(Row::json).collect();
        println!("{:#}", Value::Array(rows));
        return;
    }
    let lines: Vec<[String; 14]> = std::iter::once(HEADS.map(str::to_owned))
        .chain(rows.iter().map(Row::cells))
        .collect();
    // A column without a value takes no room.
    let is_shown = |column: usize| lines.iter().skip(1).any(|line| !line[column].is_empty());
    let columns: Vec<(usize, usize)> = (0..HEADS.len())
        .filter(|&column| is_shown(column))
        .map(|column| {
            (
                column,
                lines.iter().map(|l| l[column].len()).max().unwrap_or(0),
            )
        })
        .collect();
    for line in &lines {
        let cells = columns.iter().map(|&(column, width)| {
            let cell = &line[column];
            if column < 2 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    println!("{LEGEND}");
    for row in rows {
        for (_, count, example) in row.outcome.tally.errors() {
            println!("{}: {count} x {example}", row.scenario);
        }
    }
}
