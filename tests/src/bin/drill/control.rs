//! The control: a calm load, and then some of what was acknowledged is taken away behind everybody's back. A drill
//! that does not notice each of these would not notice a loss either.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    Done,
    compare::MAILS_WITHIN,
    errands::Visitor,
    faults::Promise,
    ledger::{Known, Person, Session},
    load::Load,
    report::Row,
    stage::Stage,
};

/// Of load without a fault.
const CALM: u32 = 8;

/// What was taken, and the words with which its loss has to be told.
struct Taken {
    expected: Vec<String>,
    people: Vec<Known>,
}

pub(crate) async fn run(stage: &mut Stage) -> Done<Row> {
    stage.calibrate().await;
    stage
        .shared
        .tally
        .write(&format!("--- control, {} a second", stage.rate));
    let before = stage.shared.ledger.acknowledged();
    drop(stage.shared.tally.take(stage.shared.proxy.slowest()));
    let load = Load::begin(&stage.shared, stage.chance.branch(), stage.rate);
    stage.pause(CALM).await;
    load.end().await;
    let mut calm = Row::new("nothing; then five acknowledged writes are taken away".to_owned());
    calm.seen = stage.shared.tally.take(stage.shared.proxy.slowest());
    calm.rate = stage.rate;
    calm.writes = stage.shared.ledger.acknowledged() - before;
    stage.compare(&mut calm).await?;
    calm.judge(&Promise::NOTHING, Instant::now());

    let taken = take_away(stage).await?;
    let mut control = Row::new(String::new());
    stage.mails_within = Duration::from_secs(2);
    stage.compare(&mut control).await?;
    stage.mails_within = MAILS_WITHIN;
    stage.shared.ledger.forget(&taken.people);
    let noticed = |expected: &&String| {
        control
            .lost
            .iter()
            .any(|lost| lost.contains(expected.as_str()))
    };
    let count = taken.expected.iter().filter(noticed).count();
    let unnoticed: Vec<&String> = taken.expected.iter().filter(|one| !noticed(one)).collect();
    for one in unnoticed {
        calm.broken
            .push(format!("the drill did not notice the loss of {one}"));
    }
    calm.notes.push(format!(
        "{count} of {} losses noticed",
        taken.expected.len()
    ));
    Ok(calm)
}

async fn take_away(stage: &Stage) -> Done<Taken> {
    let mut superuser = stage.cluster.superuser().await?;
    let mut taken = Taken {
        expected: Vec::new(),
        people: Vec::new(),
    };
    let ledger = &stage.shared.ledger;
    let mut people = ledger.people().into_iter();
    let mut next = || people.next().ok_or("too few people");
    let gone = next()?;
    let sql = "delete from SCHEMA.identities where id::text = $1";
    alter(stage, &mut superuser, (&gone, sql)).await?;
    taken
        .expected
        .push(format!("the sign-up of {}", gone.read().await.email));

    let locked_out = next()?;
    let sql = "update SCHEMA.credentials c set config = o.config, revision = c.revision + 1
                 from SCHEMA.credentials o
                where c.identity_id::text = $1 and o.identity_id <> c.identity_id
                  and c.kind = 'password' and o.kind = 'password'";
    alter(stage, &mut superuser, (&locked_out, sql)).await?;
    taken.expected.push(format!(
        "the latest password of {}",
        locked_out.read().await.email
    ));

    let signed_in = next()?;
    let session = begin_session(stage, &mut *signed_in.write().await).await?;
    let sql = "delete from SCHEMA.sessions where identity_id::text = $1";
    alter(stage, &mut superuser, (&signed_in, sql)).await?;
    taken
        .expected
        .push(format!("the session {}", session.name()));

    let signed_out = next()?;
    let session = begin_session(stage, &mut *signed_out.write().await).await?;
    let visitor_ended = end_session(stage, &mut *signed_out.write().await, &session).await;
    visitor_ended?;
    let sql = "update SCHEMA.sessions set active = true where identity_id::text = $1";
    alter(stage, &mut superuser, (&signed_out, sql)).await?;
    taken
        .expected
        .push(format!("the end of the session {}", session.name()));

    stage.shared.mails.promise("nobody@example.org", true);
    taken
        .expected
        .push("the mail to nobody@example.org".to_owned());
    taken.people = vec![gone, locked_out, signed_in, signed_out];
    for known in &taken.people {
        known.write().await.touched = true;
    }
    superuser.close().await?;
    Ok(taken)
}

async fn alter(stage: &Stage, superuser: &mut PgConnection, (known, sql): (&Known, &str)) -> Done {
    let person = Arc::clone(known).read_owned().await;
    let schema = stage.schema(superuser, person.project).await?;
    let sql = sql.replace("SCHEMA", &schema);
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(&person.id)
        .execute(superuser)
        .await?;
    if done.rows_affected() == 0 {
        return Err(format!("nothing of {} could be taken away", person.email).into());
    }
    Ok(())
}

fn visitor<'a>(stage: &'a Stage, person: &'a Person) -> Visitor<'a> {
    Visitor {
        at: Some(0),
        ..stage.shared.visitor(person.project, &person.from)
    }
}

/// One that no replica has in its memory but the first.
async fn begin_session(stage: &Stage, person: &mut Person) -> Done<Session> {
    let entered = visitor(stage, person)
        .sign_in(&person.email, &person.password)
        .await;
    let session = Session::begun(entered.map_err(|stop| stop.to_string())?.token);
    person.sessions.push(session.clone());
    Ok(session)
}

async fn end_session(stage: &Stage, person: &mut Person, session: &Session) -> Done {
    let ended = visitor(stage, person).sign_out(&session.token).await;
    ended.map_err(|stop| stop.to_string())?;
    for one in person
        .sessions
        .iter_mut()
        .filter(|one| one.token == session.token)
    {
        one.ended = Some(Instant::now());
    }
    Ok(())
}
