//! What is told of each fault, and the table at the end.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use crate::{Done, faults::Promise, mails::Judged, stage::Stage, tally::Seen};

/// So many of what was lost or broken are told in the table.
const TOLD_MAX: usize = 3;
/// Of each.
const TOLD_CHARACTERS_MAX: usize = 160;

/// What happened in one fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) title: String,
    /// Errands begun each second.
    pub(crate) rate: u32,
    pub(crate) seen: Seen,
    /// Acknowledged meanwhile.
    pub(crate) writes: u64,
    /// People in the ledger when it was compared.
    pub(crate) compared: usize,
    pub(crate) mails: Judged,
    pub(crate) lost: Vec<String>,
    pub(crate) broken: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// It could not be tried.
    pub(crate) skipped: bool,
}

impl Judged {
    pub(crate) fn add(&mut self, other: Self) {
        self.promised += other.promised;
        self.latest = self.latest.max(other.latest);
        self.twice += other.twice;
        self.lost.extend(other.lost);
        self.unexplained.extend(other.unexplained);
    }
}

impl Row {
    pub(crate) fn new(title: String) -> Self {
        Self {
            title,
            ..Self::default()
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.lost.is_empty() && self.broken.is_empty()
    }

    /// Hold what was seen against what was promised. `mended` is when the fault was over.
    pub(crate) fn judge(&mut self, promise: &Promise, mended: Instant) {
        for (kind, count) in &self.seen.troubles {
            let allowed = match kind.as_str() {
                "503" => promise.away.is_some(),
                "broken off" => *count <= promise.broken_off,
                _ => false,
            };
            if !allowed {
                self.broken.push(format!("{count} × {kind}"));
            }
        }
        if let (Some(within), Some(last)) = (promise.away, self.seen.last) {
            let after = last.saturating_duration_since(mended);
            if after > within {
                let after = after.as_secs_f64();
                self.broken
                    .push(format!("still {after:.1} s after it was over"));
            }
        }
        if self.mails.latest > promise.mails {
            let latest = self.mails.latest.as_secs_f64();
            self.broken.push(format!("a mail came {latest:.0} s late"));
        }
        if self.mails.twice > 0 && !promise.twice {
            self.broken
                .push(format!("{} mail(s) came twice", self.mails.twice));
        }
    }

    fn troubles(&self) -> String {
        let told = |(kind, count): (&String, &u64)| format!("{count} × {kind}");
        let all: Vec<String> = self.seen.troubles.iter().map(told).collect();
        if all.is_empty() {
            "0".to_owned()
        } else {
            all.join(", ")
        }
    }

    fn away(&self) -> String {
        match (self.seen.first, self.seen.last) {
            (Some(first), Some(last)) => seconds(last.saturating_duration_since(first)),
            _ => "–".to_owned(),
        }
    }

    fn told_mails(&self) -> String {
        if self.mails.promised == 0 {
            return "–".to_owned();
        }
        let twice = match self.mails.twice {
            0 => String::new(),
            count => format!(", {count} twice"),
        };
        format!(
            "{}, {} late{twice}",
            self.mails.promised,
            seconds(self.mails.latest)
        )
    }

    fn verdict(&self) -> String {
        let mut told: Vec<String> = Vec::new();
        for (what, list) in [("LOST", &self.lost), ("BROKEN", &self.broken)] {
            if !list.is_empty() {
                let some: Vec<String> = list
                    .iter()
                    .take(TOLD_MAX)
                    .map(|one| shortened(one))
                    .collect();
                let more = match list.len().saturating_sub(TOLD_MAX) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                told.push(format!("{what}: {}{more}", some.join("; ")));
            }
        }
        if told.is_empty() {
            told.push(if self.skipped { "not tried" } else { "good" }.to_owned());
        }
        told.extend(self.notes.iter().cloned());
        told.join("; ")
    }

    fn load(&self) -> String {
        match self.rate {
            0 => "–".to_owned(),
            rate => format!("{} at {rate}/s", self.seen.good),
        }
    }

    fn cells(&self) -> [String; 9] {
        [
            self.title.clone(),
            self.load(),
            self.troubles(),
            self.away(),
            seconds(self.seen.slowest),
            self.writes.to_string(),
            self.lost.len().to_string(),
            self.told_mails(),
            self.verdict(),
        ]
    }

    /// For the progress.
    pub(crate) fn line(&self) -> String {
        let [
            title,
            load,
            troubles,
            away,
            slowest,
            writes,
            lost,
            mails,
            verdict,
        ] = self.cells();
        format!(
            "{title}: {load}, errors {troubles}, away {away}, slowest {slowest}, {writes} writes, {lost} lost, mails {mails}: {verdict}"
        )
    }
}

/// The whole of it is in the logs.
fn shortened(text: &str) -> String {
    if text.chars().count() <= TOLD_CHARACTERS_MAX {
        return text.to_owned();
    }
    let some: String = text.chars().take(TOLD_CHARACTERS_MAX).collect();
    format!("{some}…")
}

const HEADS: [&str; 9] = [
    "fault",
    "errands",
    "client errors",
    "away",
    "slowest",
    "writes",
    "lost",
    "mails",
    "verdict",
];

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The table, on standard output and beside the logs.
pub(crate) fn print(rows: &[Row], stage: &Stage) -> Done {
    let mut lines = vec![
        format!("| {} |", HEADS.join(" | ")),
        format!("|{}", "---|".repeat(HEADS.len())),
    ];
    for row in rows {
        lines.push(format!("| {} |", row.cells().join(" | ")));
    }
    lines.push(String::new());
    lines.push(summary(rows));
    let text = lines.join("\n");
    println!("{text}");
    let file = stage.folder.join("report.md");
    fs::write(&file, format!("{text}\n"))?;
    println!("logs and this table: {}", stage.folder.display());
    Ok(())
}

fn summary(rows: &[Row]) -> String {
    let mut troubles: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in rows.iter().flat_map(|row| &row.seen.troubles) {
        *troubles.entry(kind).or_default() += count;
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    let bad = rows.iter().filter(|row| !row.is_good()).count();
    let told: Vec<String> = troubles
        .iter()
        .map(|(kind, count)| format!("{count} × {kind}"))
        .collect();
    format!(
        "{} errands ended well; errors: {}; {} mails; lost: {}; {bad} of {} rows are not good.",
        sum(|row| row.seen.good),
        if told.is_empty() {
            "none".to_owned()
        } else {
            told.join(", ")
        },
        sum(|row| row.mails.promised),
        rows.iter().map(|row| row.lost.len()).sum::<usize>(),
        rows.len(),
    )
}
