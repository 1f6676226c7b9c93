//! The load: an open loop, in which each errand begins when it is due, whatever became of the others. Everything
//! that is acknowledged goes into the ledger; what is answered otherwise than it must be is told at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tests::relay::Relay;
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    chance::Chance,
    errands::{Stop, Visitor},
    ledger::{Ledger, Person, Session, Unsure},
    mails::{self, Mails},
    proxy::Proxy,
    tally::Tally,
};

/// Within which a revocation is promised to be seen everywhere.
pub(crate) const PROMISED: Duration = Duration::from_millis(500);
/// When a session that was signed out is asked for again.
const ASKED_AGAIN: Duration = Duration::from_millis(600);
const SESSIONS_MAX: usize = 6;
/// Below what an address may be sent in an hour.
const MAILS_MAX: u32 = 6;
const MAIL_AWAITED: Duration = Duration::from_secs(4);

/// What everybody who is part of the drill has in common.
pub(crate) struct Shared {
    pub(crate) proxy: Proxy,
    pub(crate) ledger: Ledger,
    pub(crate) mails: Mails,
    pub(crate) tally: Tally,
    pub(crate) relay: Relay,
    pub(crate) slugs: Vec<String>,
    pub(crate) newcomers: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    Check,
    CheckElsewhere,
    SignIn,
    SignUp,
    ChangePassword,
    SignOut,
    Recover,
}

impl Errand {
    /// The mix of a day, in percent.
    fn any(chance: &mut Chance) -> Self {
        match chance.below(100) {
            0..8 => Self::SignIn,
            8..15 => Self::SignUp,
            15..20 => Self::ChangePassword,
            20..25 => Self::SignOut,
            25..29 => Self::Recover,
            29..32 => Self::CheckElsewhere,
            _ => Self::Check,
        }
    }
}

/// How an errand ended: `None` when nobody was free to do it.
type Ended = Option<Result<(), Stop>>;

/// A load that runs until it is told to end.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Load {
    pub(crate) fn begin(shared: &Arc<Shared>, mut chance: Chance, rate: u32) -> Self {
        let (stop, mut told) = watch::channel(false);
        let shared = Arc::clone(shared);
        let task = tokio::spawn(async move {
            let mut every = interval(Duration::from_secs(1) / rate);
            every.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut errands = JoinSet::new();
            loop {
                tokio::select! {
                    _ = told.wait_for(|stop| *stop) => break,
                    _ = every.tick() => drop(errands.spawn(Arc::clone(&shared).run(chance.branch()))),
                    Some(_) = errands.join_next() => {}
                }
            }
            errands.join_all().await;
        });
        Self { stop, task }
    }

    /// No errand begins any more; those that were begun come to their end.
    pub(crate) async fn end(self) {
        self.stop.send_replace(true);
        // Only a panic, which has been told already.
        let _ = self.task.await;
    }
}

impl Shared {
    async fn run(self: Arc<Self>, mut chance: Chance) {
        let errand = Errand::any(&mut chance);
        let ended = match errand {
            Errand::Check => self.check(&mut chance).await,
            Errand::CheckElsewhere => self.check_elsewhere(&mut chance).await,
            Errand::SignIn => self.sign_in(&mut chance).await,
            Errand::SignUp => Some(self.sign_up(&mut chance).await),
            Errand::ChangePassword => self.change_password(&mut chance).await,
            Errand::SignOut => self.sign_out(&mut chance).await,
            Errand::Recover => self.recover(&mut chance).await,
        };
        match ended {
            None => self.tally.idle(),
            Some(Ok(())) => self.tally.good(),
            Some(Err(stop)) => match stop.trouble() {
                Some(trouble) => self.tally.trouble(&format!("{errand:?}"), trouble),
                None => self.ledger.break_promise(format!("{errand:?}: {stop}")),
            },
        }
    }

    pub(crate) fn visitor<'a>(&'a self, project: usize, from: &'a str) -> Visitor<'a> {
        Visitor {
            proxy: &self.proxy,
            slug: &self.slugs[project],
            from,
            at: None,
        }
    }

    fn of<'a>(&'a self, person: &'a Person) -> Visitor<'a> {
        self.visitor(person.project, &person.from)
    }

    async fn check(&self, chance: &mut Chance) -> Ended {
        let person = self
            .ledger
            .for_reading(chance, |person| person.session().is_some())?;
        let session = person.session()?;
        match self.of(&person).whoami(&session.token).await {
            Ok(Some(id)) if id == person.id => {}
            Ok(Some(id)) => {
                let (email, name) = (&person.email, session.name());
                self.ledger
                    .break_promise(format!("the session {name} of {email} is that of {id}"));
            }
            Ok(None) => self.ledger.lose(session_refused(&person, session)),
            Err(stop) => return Some(Err(stop)),
        }
        Some(Ok(()))
    }

    /// A token is good in its own project alone.
    async fn check_elsewhere(&self, chance: &mut Chance) -> Ended {
        let person = self
            .ledger
            .for_reading(chance, |person| person.session().is_some())?;
        let session = person.session()?;
        let elsewhere = (person.project + 1) % self.slugs.len();
        match self
            .visitor(elsewhere, &person.from)
            .whoami(&session.token)
            .await
        {
            Ok(None) => {}
            Ok(Some(id)) => {
                let (name, slug) = (session.name(), &self.slugs[elsewhere]);
                self.ledger.break_promise(format!(
                    "the session {name} of another project is that of {id} in {slug}"
                ));
            }
            Err(stop) => return Some(Err(stop)),
        }
        Some(Ok(()))
    }

    async fn sign_in(&self, chance: &mut Chance) -> Ended {
        let fits = |person: &Person| person.maybe.is_none() && person.sessions.len() < SESSIONS_MAX;
        let mut person = self.ledger.for_writing(chance, fits)?;
        let entered = self
            .of(&person)
            .sign_in(&person.email, &person.password)
            .await;
        Some(match entered {
            Ok(entered) => {
                if entered.id != person.id {
                    self.ledger
                        .break_promise(format!("{} is somebody else now", person.email));
                }
                person.sessions.push(Session::begun(entered.token));
                person.touched = true;
                self.ledger.acknowledge();
                Ok(())
            }
            Err(Stop::Refused(answer)) if answer.status == 400 => {
                self.ledger.lose(password_refused(&person));
                Ok(())
            }
            Err(stop) => Err(stop),
        })
    }

    /// Also how the first people are made.
    pub(crate) async fn sign_up(&self, chance: &mut Chance) -> Result<(), Stop> {
        let number = self.newcomers.fetch_add(1, Ordering::Relaxed);
        let new = Unsure {
            project: chance.below(self.slugs.len()),
            email: format!("p{number}@example.org"),
            from: format!(
                "10.{}.{}.{}",
                number >> 16 & 255,
                number >> 8 & 255,
                number & 255
            ),
            password: fresh_password(chance),
        };
        let entered = self
            .visitor(new.project, &new.from)
            .sign_up(&new.email, &new.password)
            .await;
        match entered {
            Ok(entered) => {
                self.ledger.add(new.known(entered.id, Some(entered.token)));
                self.ledger.acknowledge();
                Ok(())
            }
            Err(stop) => {
                if matches!(stop, Stop::Unsaid(_)) {
                    self.ledger.add_unsure(new);
                }
                Err(stop)
            }
        }
    }

    async fn change_password(&self, chance: &mut Chance) -> Ended {
        let fits = |person: &Person| person.maybe.is_none() && person.session().is_some();
        let mut person = self.ledger.for_writing(chance, fits)?;
        let token = person.session()?.token.clone();
        let password = fresh_password(chance);
        let changed = self.of(&person).change_password(&token, &password).await;
        Some(self.note_change(&mut person, password, changed))
    }

    fn note_change(
        &self,
        person: &mut Person,
        password: String,
        changed: Result<(), Stop>,
    ) -> Result<(), Stop> {
        person.touched = true;
        match &changed {
            Ok(()) => {
                person.password = password;
                self.ledger.acknowledge();
            }
            Err(Stop::Unsaid(_)) => person.maybe = Some(password),
            Err(_) => {}
        }
        changed
    }

    async fn sign_out(self: &Arc<Self>, chance: &mut Chance) -> Ended {
        let mut person = self
            .ledger
            .for_writing(chance, |person| person.session().is_some())?;
        let session = person.session()?.clone();
        match self.of(&person).sign_out(&session.token).await {
            Ok(()) => {}
            Err(stop) => {
                if matches!(stop, Stop::Unsaid(_)) {
                    person.forget(&session.token);
                }
                return Some(Err(stop));
            }
        }
        let at = Instant::now();
        for one in person
            .sessions
            .iter_mut()
            .filter(|one| one.token == session.token)
        {
            one.ended = Some(at);
        }
        person.touched = true;
        self.ledger.acknowledge();
        let (project, from) = (person.project, person.from.clone());
        drop(person);
        self.is_out_everywhere((project, &from), &session, at).await;
        Some(Ok(()))
    }

    /// A request that begins later than promised is never answered well, however slow this machine is.
    async fn is_out_everywhere(
        &self,
        (project, from): (usize, &str),
        session: &Session,
        since: Instant,
    ) {
        sleep(ASKED_AGAIN).await;
        for at in [0, 1] {
            let late = since.elapsed();
            let visitor = Visitor {
                at: Some(at),
                ..self.visitor(project, from)
            };
            if let Ok(Some(_)) = visitor.whoami(&session.token).await {
                self.ledger.break_promise(format!(
                    "the session {} was signed out, and {late:?} later replica {} let it in",
                    session.name(),
                    at + 1
                ));
            }
        }
    }

    /// A mail, its code, and a new password.
    async fn recover(&self, chance: &mut Chance) -> Ended {
        let mut person = self.ledger.for_writing(chance, may_recover)?;
        self.mails.read(&self.relay);
        let before = (self.relay.count(), self.mails.known(&person.email));
        let flow = match self.ask_for_mail(&mut person).await {
            Ok(flow) => flow,
            Err(stop) => return Some(Err(stop)),
        };
        // Who is not sent it soon has gone away; the mail has to come all the same.
        let Some(code) = self.code_for(&person.email, &before).await else {
            return Some(Ok(()));
        };
        person.awaits_mail = false;
        let (token, settings) = match self.of(&person).come_back(&flow, &code).await {
            Ok(back) => back,
            Err(stop) => return Some(Err(stop)),
        };
        person.sessions.push(Session::begun(token.clone()));
        self.ledger.acknowledge();
        let password = fresh_password(chance);
        let changed = self
            .of(&person)
            .set_password((&token, &settings), &password)
            .await;
        Some(self.note_change(&mut person, password, changed))
    }

    /// The flow in which the code is good that is on its way now.
    async fn ask_for_mail(&self, person: &mut Person) -> Result<String, Stop> {
        person.mails += 1;
        person.awaits_mail = true;
        person.touched = true;
        let asked = self.of(person).ask_for_mail(&person.email).await;
        match &asked {
            Ok(_) => {
                self.mails.promise(&person.email, true);
                self.ledger.acknowledge();
            }
            Err(Stop::Unsaid(_)) => {
                // It may come at any time, so that no other could be told from it.
                person.mails = MAILS_MAX;
                self.mails.promise(&person.email, false);
            }
            Err(_) => {}
        }
        asked
    }

    /// Besides those of the load, so many mails to people who do not wait for them.
    pub(crate) async fn cause_mails(&self, chance: &mut Chance, count: usize) -> Result<(), Stop> {
        for _ in 0..count {
            if let Some(mut person) = self.ledger.for_writing(chance, may_recover) {
                self.ask_for_mail(&mut person).await?;
            }
        }
        Ok(())
    }

    /// The code in the mail to that address, if it comes soon. One that was known before may come once more.
    async fn code_for(&self, email: &str, (after, known): &(usize, Vec<String>)) -> Option<String> {
        let began = Instant::now();
        while began.elapsed() < MAIL_AWAITED {
            let taken = self.relay.taken_after(*after);
            let mut fresh = taken.iter().filter(|mail| mail.to == email);
            if let Some(mail) = fresh.find(|mail| !known.contains(&mails::message_id(mail))) {
                return mails::code(mail);
            }
            sleep(Duration::from_millis(50)).await;
        }
        None
    }
}

impl Unsure {
    /// It was done.
    pub(crate) fn known(self, id: String, token: Option<String>) -> Person {
        Person {
            project: self.project,
            email: self.email,
            id,
            from: self.from,
            password: self.password,
            maybe: None,
            sessions: token.into_iter().map(Session::begun).collect(),
            mails: 0,
            awaits_mail: false,
            touched: true,
        }
    }
}

fn may_recover(person: &Person) -> bool {
    let is_sent_little = person.mails < MAILS_MAX && !person.awaits_mail;
    is_sent_little && person.maybe.is_none() && person.sessions.len() < SESSIONS_MAX
}

pub(crate) fn session_refused(person: &Person, session: &Session) -> String {
    format!(
        "the session {} of {} is refused",
        session.name(),
        person.email
    )
}

pub(crate) fn password_refused(person: &Person) -> String {
    format!("the latest password of {} does not open", person.email)
}

fn fresh_password(chance: &mut Chance) -> String {
    format!("nine-herons-{:016x}", chance.next())
}
