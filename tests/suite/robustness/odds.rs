//! The odds that docs/security.md publishes are those of the limits: a network does all that it is let, hour by hour.

use std::fmt::Write as _;

use chrono::TimeDelta;
use serde_json::json;
use tests::{Site, story};

use super::strangers::{Attackers, NETWORKS, network};

const HOURS: usize = 6;
/// Codes that there are.
const CODES: f64 = 1e6;
/// The defaults of what the table reckons with.
const MAILS_PER_PROJECT: f64 = 10_000.0;
const WRONG_PER_PROJECT: f64 = 3_000.0;
const TRIES_OF_A_CODE: f64 = 5.0;

/// What is tried.
#[derive(Clone, Copy)]
enum What {
    Password,
    Code,
    Mail,
}

impl Attackers {
    async fn tries(&self, what: What, from: String) -> Result<(), i64> {
        match what {
            What::Password => self.guess(from).await,
            What::Code => self.guess_code(from).await,
            What::Mail => self.mail(from).await,
        }
    }
}

/// How many tries one network is let in the first and in a later hour, while `others` go on as well.
async fn let_through(site: &Site, attackers: &Attackers, what: What, others: u32) -> [f64; 2] {
    let mut hours = [0.0; HOURS];
    let (mut second, mut next) = (0, 0);
    while second < 3600 * HOURS {
        for _ in 0..others {
            next += 1;
            let _ = attackers.tries(what, network(next)).await;
        }
        match attackers.tries(what, "198.51.100.7".to_owned()).await {
            Ok(()) => hours[second / 3600] += 1.0,
            Err(wait) => {
                second += usize::try_from(wait).unwrap();
                site.world.clock.advance(TimeDelta::seconds(wait));
            }
        }
    }
    [hours[0], hours[HOURS - 1]]
}

fn odds(tries: f64) -> String {
    format!(
        "{} (1 in {})",
        thousands(tries),
        thousands(round(CODES / tries))
    )
}

/// To two digits: nobody needs more of odds.
fn round(number: f64) -> f64 {
    let digits = number.log10().floor() - 1.0;
    let unit = 10f64.powf(digits.max(0.0));
    (number / unit).round() * unit
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[story]
async fn the_published_odds_are_those_of_the_limits(site: Site) {
    let project = site.project_with(tests::cheap(json!({}))).await;
    let alone = Attackers::of(&project);
    let passwords = let_through(&site, &alone, What::Password, 0).await;
    let mails = let_through(&site, &alone, What::Mail, 0).await;
    let codes = let_through(&site, &alone, What::Code, 0).await;
    let codes: Vec<f64> = (0..2)
        .map(|at| codes[at].min(mails[at] * TRIES_OF_A_CODE))
        .collect();
    // More than what all share has room for, each time.
    let project = site.project_with(tests::cheap(json!({}))).await;
    let crowd = Attackers::of(&project);
    let many = f64::from(NETWORKS);
    let strangers = let_through(&site, &crowd, What::Password, 40).await;
    let mailed = let_through(&site, &crowd, What::Mail, 40).await;
    // The project's messages are so many at first, and so many an hour; the budget lets some codes be tried more often.
    let leaving = [2.0 * MAILS_PER_PROJECT, MAILS_PER_PROJECT];
    let mailed: Vec<f64> = (0..2)
        .map(|at| (mailed[at] * many).min(leaving[at]))
        .collect();
    let tried = [mailed[0] + WRONG_PER_PROJECT, mailed[1]];

    let mut table =
        String::from("| what, in an hour | the first | each later one |\n|---|---|---|\n");
    let mut row = |what: &str, first: String, later: String| {
        writeln!(table, "| {what} | {first} | {later} |").unwrap();
    };
    let plain = |of: [f64; 2]| (thousands(of[0]), thousands(of[1]));
    let (first, later) = plain(passwords);
    row("guesses at one password, from one network", first, later);
    let (first, later) = plain([strangers[0] * many, strangers[1] * many]);
    row("the same, from many", first, later);
    let (first, later) = plain(mails);
    row(
        "messages to one address, caused from one network",
        first,
        later,
    );
    let (first, later) = (thousands(mailed[0]), thousands(mailed[1]));
    row("the same, from many", first, later);
    row(
        "guesses at the codes sent to one address, from one network",
        odds(codes[0]),
        odds(codes[1]),
    );
    row(
        "the same, from many, at one address or at all of a project's",
        odds(tried[0]),
        odds(tried[1]),
    );

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once("<!-- odds -->\n").unwrap();
    let (published, after) = rest.split_once("<!-- /odds -->").unwrap();
    if std::env::var_os("UPDATE").is_some() {
        let renewed = format!("{before}<!-- odds -->\n{table}<!-- /odds -->{after}");
        std::fs::write(path, renewed).unwrap();
    } else {
        assert_eq!(published, table, "renew it with UPDATE=1");
    }
    site.world.sweep().await;
}
