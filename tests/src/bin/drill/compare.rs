//! Whether everything that was acknowledged is there, asked of healthy servers: people sign in with their latest
//! password, good sessions are good at both replicas and those that were signed out at none, mails came, and the
//! tables hold each person once and whole.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::time::sleep;

use crate::{
    Done,
    errands::{Entered, Stop, Visitor},
    ledger::{Known, Person, Session, Unsure},
    load::{Shared, password_refused, session_refused},
    report::Row,
    stage::Stage,
};

/// People at the same time.
const AT_ONCE: usize = 4;
/// Of sessions that were signed out, the latest of each person.
const ENDED_MAX: usize = 3;
/// How often is asked once more while there is no answer.
const TRIES: usize = 6;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// The lease of a job that was in hand when its worker died, and some air.
pub(crate) const MAILS_WITHIN: Duration = Duration::from_secs(90);

impl Stage {
    /// Compare everything that was touched since the last time.
    pub(crate) async fn compare(&mut self, row: &mut Row) -> Done {
        let shared = &self.shared;
        for unsure in shared.ledger.take_unsure() {
            shared.settle(unsure).await;
        }
        let people = shared.ledger.people();
        let each = stream::iter(people.iter().enumerate());
        each.for_each_concurrent(AT_ONCE, |(at, known)| shared.compare_person(at % 2, known))
            .await;
        self.compare_rows(&people).await?;
        self.compare_mails(row).await;
        row.compared = row.compared.max(people.len());
        row.lost.extend(self.shared.ledger.take_lost());
        row.broken.extend(self.shared.ledger.take_broken());
        Ok(())
    }

    async fn compare_mails(&self, row: &mut Row) {
        let (shared, began) = (&self.shared, Instant::now());
        shared.mails.read(&shared.relay);
        while shared.mails.missing() > 0 && began.elapsed() < self.mails_within {
            sleep(Duration::from_millis(100)).await;
            shared.mails.read(&shared.relay);
        }
        let judged = shared.mails.judge();
        for lost in &judged.lost {
            shared.ledger.lose(lost.clone());
        }
        for unexplained in &judged.unexplained {
            shared.ledger.break_promise(unexplained.clone());
        }
        for known in shared.ledger.people() {
            known.write().await.awaits_mail = false;
        }
        row.mails.add(judged);
    }

    /// Everybody once and whole, in the tables.
    async fn compare_rows(&self, people: &[Known]) -> Done {
        let mut expected: BTreeMap<usize, BTreeMap<String, String>> = BTreeMap::new();
        for known in people {
            let person = known.read().await;
            let of_project = expected.entry(person.project).or_default();
            of_project.insert(person.email.clone(), person.id.clone());
        }
        let mut superuser = self.cluster.superuser().await?;
        for (project, expected) in expected {
            let schema = self.schema(&mut superuser, project).await?;
            let sql = format!(
                "select i.traits->>'email' as email, i.id::text as id,
                        exists (select from {schema}.credentials c where c.identity_id = i.id and c.kind = 'password')
                        and exists (select from {schema}.identifiers d
                                     where d.identity_id = i.id and d.value = i.traits->>'email')
                        and exists (select from {schema}.addresses a where a.identity_id = i.id) as whole
                   from {schema}.identities i"
            );
            let mut found: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
            for row in sqlx::query(AssertSqlSafe(sql))
                .fetch_all(&mut superuser)
                .await?
            {
                let of_person = found.entry(row.try_get("email")?).or_default();
                of_person.push((row.try_get("id")?, row.try_get("whole")?));
            }
            for (email, id) in &expected {
                self.compare_row(email, id, found.get(email));
            }
        }
        superuser.close().await?;
        Ok(())
    }

    fn compare_row(&self, email: &str, id: &str, found: Option<&Vec<(String, bool)>>) {
        let ledger = &self.shared.ledger;
        match found.map(Vec::as_slice) {
            None | Some([]) => ledger.lose(format!("the sign-up of {email}: there is no identity")),
            Some([(found, true)]) if found == id => {}
            Some([(_, false)]) => ledger.break_promise(format!("{email} is there by half")),
            Some([_]) => ledger.break_promise(format!("{email} has another id")),
            Some(several) => {
                let times = several.len();
                ledger.break_promise(format!("{email} is there {times} times"));
            }
        }
    }
}

impl Shared {
    fn before(&self, at: usize, person: &Person) -> Visitor<'_> {
        Visitor {
            proxy: &self.proxy,
            slug: &self.slugs[person.project],
            from: "192.0.2.2",
            at: Some(at),
        }
    }

    async fn compare_person(&self, at: usize, known: &Known) {
        let mut person = known.write().await;
        if !std::mem::take(&mut person.touched) {
            return;
        }
        if let Some(maybe) = person.maybe.take() {
            let visitor = self.before(at, &person);
            if let Ok(Some(_)) = self
                .patiently(async || entered(visitor.sign_in(&person.email, &maybe).await))
                .await
            {
                person.password = maybe;
            }
        }
        let visitor = self.before(at, &person);
        match self
            .patiently(async || entered(visitor.sign_in(&person.email, &person.password).await))
            .await
        {
            Ok(Some(entered)) if entered.id == person.id => {}
            Ok(Some(_)) => self
                .ledger
                .break_promise(format!("{} is somebody else now", person.email)),
            Ok(None) => self.ledger.lose(password_refused(&person)),
            Err(stop) => self
                .ledger
                .break_promise(format!("{} cannot sign in: {stop}", person.email)),
        }
        self.compare_sessions(&person).await;
        let ended: Vec<Session> = person
            .sessions
            .iter()
            .filter(|one| one.ended.is_some())
            .cloned()
            .collect();
        for old in ended.iter().rev().skip(ENDED_MAX) {
            person.forget(&old.token);
        }
    }

    async fn compare_sessions(&self, person: &Person) {
        for session in &person.sessions {
            for at in [0, 1] {
                let visitor = self.before(at, person);
                let whose = self
                    .patiently(async || visitor.whoami(&session.token).await)
                    .await;
                let name = session.name();
                match (whose, session.ended) {
                    (Ok(Some(id)), None) if id == person.id => {}
                    (Ok(None), Some(_)) => {}
                    (Ok(None), None) => self.ledger.lose(session_refused(person, session)),
                    (Ok(Some(_)), Some(_)) => {
                        self.ledger
                            .lose(format!("the end of the session {name} of {}", person.email));
                    }
                    (Ok(Some(id)), None) => {
                        self.ledger.break_promise(format!(
                            "the session {name} of {} is that of {id}",
                            person.email
                        ));
                    }
                    (Err(stop), _) => {
                        self.ledger
                            .break_promise(format!("the session {name} cannot be checked: {stop}"));
                    }
                }
            }
        }
    }

    /// A sign-up without an answer was done wholly or not at all, and can be done once more if it was not.
    async fn settle(&self, unsure: Unsure) {
        let visitor = self.visitor(unsure.project, &unsure.from);
        let there = self
            .patiently(async || entered(visitor.sign_in(&unsure.email, &unsure.password).await))
            .await;
        let id = match there {
            Ok(Some(entered)) => entered.id,
            Ok(None) => {
                let again = self.patiently(async || {
                    visitor
                        .sign_up(&unsure.email, &unsure.password)
                        .await
                        .map(Some)
                });
                match again.await {
                    Ok(Some(entered)) => entered.id,
                    Ok(None) => return,
                    Err(stop) => {
                        let email = &unsure.email;
                        return self.ledger.break_promise(format!(
                            "{email} is neither there nor can sign up: {stop}"
                        ));
                    }
                }
            }
            Err(stop) => {
                return self
                    .ledger
                    .break_promise(format!("{} cannot sign in: {stop}", unsure.email));
            }
        };
        self.ledger.add(unsure.known(id, None));
    }

    async fn patiently<T>(
        &self,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, Stop>,
    ) -> Result<Option<T>, Stop> {
        let mut answer = ask().await;
        for _ in 1..TRIES {
            let Err(Stop::Before(trouble) | Stop::Unsaid(trouble)) = &answer else {
                break;
            };
            self.tally.write(&format!("comparing: {trouble}"));
            sleep(BETWEEN_TRIES).await;
            answer = ask().await;
        }
        answer
    }
}

/// Not let in is an answer.
fn entered(entered: Result<Entered, Stop>) -> Result<Option<Entered>, Stop> {
    match entered {
        Ok(entered) => Ok(Some(entered)),
        Err(Stop::Refused(answer)) if answer.status == 400 => Ok(None),
        Err(stop) => Err(stop),
    }
}
