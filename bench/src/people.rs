//! The people of a run: bases, people registered there, and their sessions. Made through the public API.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{
    Failure,
    client::{Base, Trouble, Wire},
    kratos,
};

/// An identity that was registered, and the tokens of its sessions.
#[derive(Debug, Serialize, Deserialize)]
struct Person {
    /// The place of its base in the list of bases.
    base: usize,
    email: String,
    tokens: Vec<String>,
}

/// What the people file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    bases: Vec<Base>,
    people: Vec<Person>,
}

/// All people of a run.
#[derive(Debug)]
pub(crate) struct Crowd {
    known: Known,
    /// Person and token, so that neighbours are of different people.
    sessions: Vec<(usize, usize)>,
    /// Sessions from here on were not checked by this process.
    seen: AtomicU64,
    newcomers: AtomicU64,
    run_id: String,
}

/// How many to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Per base.
    pub(crate) people: u32,
    /// Per person.
    pub(crate) sessions: u32,
    /// Made at the same time.
    pub(crate) connections: u32,
}

/// Differs from run to run, fits a slug.
#[expect(
    clippy::disallowed_methods,
    reason = "two runs against one server must not collide; nothing else hangs on it"
)]
pub(crate) fn run_id() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("b{:x}", now.map_or(0, |since| since.as_micros()))
}

impl Crowd {
    /// Register people and begin their sessions.
    pub(crate) async fn make(bases: Vec<Base>, size: Size) -> Result<Self, Failure> {
        let (began, run_id) = (Instant::now(), run_id());
        let total = bases.len() * size.people as usize;
        let shared = Arc::new((bases, run_id.clone(), AtomicU64::new(0)));
        let mut lines = JoinSet::new();
        for _ in 0..size.connections {
            let shared = Arc::clone(&shared);
            lines.spawn(async move {
                let ((bases, run_id, next), mut wire, mut made) =
                    (&*shared, Wire::default(), Vec::new());
                loop {
                    let number = usize::try_from(next.fetch_add(1, Ordering::Relaxed));
                    let number = number.unwrap_or(usize::MAX);
                    if number >= total {
                        return Ok(made);
                    }
                    let base = number % bases.len();
                    let email = format!("{run_id}-{number}@bench.example");
                    made.push(settle(&mut wire, &bases[base], base, email, size.sessions).await?);
                }
            });
        }
        let mut people = Vec::new();
        for made in lines.join_all().await {
            let made: Result<Vec<Person>, Trouble> = made;
            people.extend(made.map_err(|trouble| Failure(trouble.tell()))?);
        }
        eprintln!(
            "bench: {} people with {} session(s) each, in {} project(s), made in {:.1} s",
            people.len(),
            size.sessions,
            shared.0.len(),
            began.elapsed().as_secs_f64()
        );
        let bases = shared.0.clone();
        Ok(Self::of(Known { bases, people }, run_id))
    }

    fn of(known: Known, run_id: String) -> Self {
        let most = known.people.iter().map(|p| p.tokens.len()).max();
        let sessions = (0..most.unwrap_or(0)).flat_map(|token| {
            let people = known.people.iter().enumerate();
            people
                .filter(move |(_, person)| token < person.tokens.len())
                .map(move |(person, _)| (person, token))
        });
        Self {
            sessions: sessions.collect(),
            known,
            seen: AtomicU64::new(0),
            newcomers: AtomicU64::new(0),
            run_id,
        }
    }

    pub(crate) fn load(file: &Path) -> Result<Self, Failure> {
        let what = file.display().to_string();
        let text = fs::read(file).map_err(|error| Failure::of(&what, error))?;
        let known: Known =
            serde_json::from_slice(&text).map_err(|error| Failure::of(&what, error))?;
        let is_whole = !known.people.is_empty()
            && known
                .people
                .iter()
                .all(|person| person.base < known.bases.len() && !person.tokens.is_empty());
        if !is_whole {
            return Err(Failure(format!(
                "{what}: nobody, or somebody without a base or a session"
            )));
        }
        Ok(Self::of(known, run_id()))
    }

    pub(crate) fn save(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec(&self.known);
        let text = text.map_err(|error| Failure::of("the people", error))?;
        fs::write(file, text).map_err(|error| Failure::of(&file.display().to_string(), error))
    }

    pub(crate) fn bases(&self) -> usize {
        self.known.bases.len()
    }

    /// Sessions that this process has not checked yet.
    pub(crate) fn unseen(&self) -> u64 {
        (self.sessions.len() as u64).saturating_sub(self.seen.load(Ordering::Relaxed))
    }

    /// One of those; each is handed out once.
    pub(crate) fn unseen_session(&self) -> Option<(&Base, &str)> {
        let place = usize::try_from(self.seen.fetch_add(1, Ordering::Relaxed)).ok()?;
        self.sessions.get(place).map(|&place| self.at(place))
    }

    /// Any session.
    pub(crate) fn session(&self, chance: u64) -> (&Base, &str) {
        self.at(self.sessions[below(chance, self.sessions.len())])
    }

    /// A registered person: where, and with which identifier.
    pub(crate) fn person(&self, chance: u64) -> (&Base, &str) {
        let person = &self.known.people[below(chance, self.known.people.len())];
        (&self.known.bases[person.base], &person.email)
    }

    /// A person who is not registered yet: where, and with which address.
    pub(crate) fn newcomer(&self) -> (&Base, String) {
        let number = self.newcomers.fetch_add(1, Ordering::Relaxed);
        let base = &self.known.bases[below(number, self.known.bases.len())];
        (base, format!("{}-new-{number}@bench.example", self.run_id))
    }

    fn at(&self, (person, token): (usize, usize)) -> (&Base, &str) {
        let person = &self.known.people[person];
        (&self.known.bases[person.base], &person.tokens[token])
    }

    /// Check every session that was not checked yet, so that a server may remember them.
    pub(crate) async fn check_every_session(
        self: &Arc<Self>,
        connections: u32,
    ) -> Result<(), Failure> {
        let mut lines = JoinSet::new();
        for _ in 0..connections {
            let crowd = Arc::clone(self);
            lines.spawn(async move {
                let mut wire = Wire::default();
                while let Some((base, token)) = crowd.unseen_session() {
                    kratos::whoami(&mut wire, base, token).await?;
                }
                Ok(())
            });
        }
        let all: Result<Vec<()>, Trouble> = lines.join_all().await.into_iter().collect();
        all.map(drop).map_err(|trouble| Failure(trouble.tell()))
    }
}

/// Register a person and begin their sessions.
async fn settle(
    wire: &mut Wire,
    at: &Base,
    base: usize,
    email: String,
    sessions: u32,
) -> Result<Person, Trouble> {
    let mut tokens: Vec<String> = kratos::sign_up(wire, at, &email)
        .await?
        .into_iter()
        .collect();
    while tokens.len() < sessions as usize {
        tokens.push(kratos::sign_in(wire, at, &email).await?);
    }
    Ok(Person {
        base,
        email,
        tokens,
    })
}

fn below(chance: u64, bound: usize) -> usize {
    usize::try_from(chance % bound as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unseen_session_is_handed_out_once_and_people_alternate() {
        let base = Base::parse("http://localhost:1").unwrap();
        let person = |name: &str, tokens: &[&str]| Person {
            base: 0,
            email: name.to_owned(),
            tokens: tokens.iter().map(|&t| t.to_owned()).collect(),
        };
        let people = vec![person("a", &["a1", "a2"]), person("b", &["b1"])];
        let known = Known {
            bases: vec![base],
            people,
        };
        let crowd = Crowd::of(known, "r".to_owned());
        let mut handed = Vec::new();
        while let Some((_, token)) = crowd.unseen_session() {
            handed.push(token.to_owned());
        }
        assert_eq!(handed, ["a1", "b1", "a2"]);
        assert_eq!(crowd.unseen(), 0);
        assert_ne!(crowd.newcomer().1, crowd.newcomer().1);
    }
}
