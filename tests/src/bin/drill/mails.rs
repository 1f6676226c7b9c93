//! Mails that were promised by an acknowledged recovery, and those that came to the relay.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tests::relay::{Relay, Taken};

/// A mail may be there before its request is answered.
const EARLY: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Promised {
    at: Instant,
    /// The answer said so.
    sure: bool,
    judged: bool,
}

#[derive(Debug)]
struct Arrived {
    message_id: String,
    at: Instant,
    /// It is the one that somebody waited for.
    matched: bool,
}

#[derive(Debug, Default)]
struct Book {
    promised: BTreeMap<String, Vec<Promised>>,
    arrived: BTreeMap<String, Vec<Arrived>>,
    /// How many of the relay's were read.
    read: usize,
    twice: usize,
}

/// See the head of the file.
#[derive(Debug, Default)]
pub(crate) struct Mails(Mutex<Book>);

/// What became of the mails since the last judgement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    pub(crate) promised: u64,
    pub(crate) latest: Duration,
    /// Came once more, under the same Message-ID.
    pub(crate) twice: usize,
    pub(crate) lost: Vec<String>,
    /// Came though nobody had asked for them.
    pub(crate) unexplained: Vec<String>,
}

impl Mails {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mail to that address is to be expected, or, where there was no answer, possible.
    pub(crate) fn promise(&self, to: &str, sure: bool) {
        let promised = Promised {
            at: Instant::now(),
            sure,
            judged: false,
        };
        self.book()
            .promised
            .entry(to.to_owned())
            .or_default()
            .push(promised);
    }

    /// Read what came to the relay meanwhile.
    pub(crate) fn read(&self, relay: &Relay) {
        let mut book = self.book();
        let fresh = relay.taken_after(book.read);
        book.read += fresh.len();
        for mail in fresh {
            book.note(&mail);
        }
    }

    /// The Message-IDs that came to that address so far.
    pub(crate) fn known(&self, to: &str) -> Vec<String> {
        let book = self.book();
        let arrived = book.arrived.get(to).into_iter().flatten();
        arrived.map(|mail| mail.message_id.clone()).collect()
    }

    /// How many of those that are still to be judged have not come.
    pub(crate) fn missing(&self) -> usize {
        let book = self.book();
        let missing = |(to, promised): (&String, &Vec<Promised>)| {
            let open = promised
                .iter()
                .filter(|one| one.sure && !one.judged)
                .count();
            let arrived = book.arrived.get(to).into_iter().flatten();
            open.saturating_sub(arrived.filter(|mail| !mail.matched).count())
        };
        book.promised.iter().map(missing).sum()
    }

    /// How many came once more, and are not judged yet.
    pub(crate) fn twice(&self) -> usize {
        self.book().twice
    }

    /// Everything that has come to be judged since the last time.
    pub(crate) fn judge(&self) -> Judged {
        let mut book = self.book();
        let mut judged = Judged {
            twice: std::mem::take(&mut book.twice),
            ..Judged::default()
        };
        let Book {
            promised, arrived, ..
        } = &mut *book;
        for (to, promised) in promised.iter_mut() {
            let arrived = arrived.entry(to.clone()).or_default();
            for one in promised.iter_mut().filter(|one| one.sure && !one.judged) {
                one.judged = true;
                judged.promised += 1;
                let early = one.at.checked_sub(EARLY).unwrap_or(one.at);
                let found = arrived
                    .iter_mut()
                    .find(|mail| !mail.matched && mail.at >= early);
                if let Some(mail) = found {
                    mail.matched = true;
                    judged.latest = judged.latest.max(mail.at.saturating_duration_since(one.at));
                } else {
                    judged.lost.push(format!("the mail to {to}"));
                }
            }
        }
        for (to, mails) in arrived.iter_mut() {
            let expected = promised.get(to).map_or(0, Vec::len);
            if mails.len() > expected {
                let more = mails.len() - expected;
                judged
                    .unexplained
                    .push(format!("{more} mail(s) to {to} that nobody asked for"));
                mails.truncate(expected);
            }
        }
        judged
    }
}

impl Book {
    fn note(&mut self, mail: &Taken) {
        let message_id = message_id(mail);
        let arrived = self.arrived.entry(mail.to.clone()).or_default();
        if arrived.iter().any(|known| known.message_id == message_id) {
            self.twice += 1;
            return;
        }
        arrived.push(Arrived {
            message_id,
            at: mail.at,
            matched: false,
        });
    }
}

pub(crate) fn message_id(mail: &Taken) -> String {
    mail.header("message-id").unwrap_or_default()
}

/// The code in a mail: six digits that stand alone in the text behind its head.
pub(crate) fn code(mail: &Taken) -> Option<String> {
    let (_, text) = mail.text.split_once("\r\n\r\n")?;
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let code = words.find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()));
    code.map(str::to_owned)
}
