//! The queue: fair among projects, each job one worker's at a time, true to its transaction.
//!
//! Looks inside: the tables.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgConnection;
use tenants::{Actor, Claim, Claimed, Job, Project, Verdict, ids};
use tests::{World, story};

const LEASE: Duration = Duration::from_mins(1);

/// Jobs made in one stroke, due since an hour.
async fn fill(world: &World, all: &mut PgConnection, project: &Project, kind: &str, count: i32) {
    sqlx::query(
        "insert into control.jobs (id, db_role, kind, run_at, created_at)
         select gen_random_uuid(), s.db_role, $2, $3, $3
           from control.slots s, generate_series(1, $4) where s.project = $1",
    )
    .bind(project.id().uuid())
    .bind(kind)
    .bind(world.clock.now() - TimeDelta::hours(1))
    .bind(count)
    .execute(all)
    .await
    .unwrap();
}

/// State, attempts and reason of every job of a project.
async fn rows(all: &mut PgConnection, project: &Project) -> Vec<(i16, i32, Option<String>)> {
    sqlx::query_as(
        "select j.state, j.attempts, j.last_error from control.jobs j join control.slots s using (db_role)
          where s.project = $1 order by j.id",
    )
    .bind(project.id().uuid())
    .fetch_all(all)
    .await
    .unwrap()
}

async fn enqueue(project: &Project) {
    let mut tx = project.begin().await.unwrap();
    tx.enqueue(&Job::SweepExpired, project.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn done(world: &World, claimed: &[Claimed]) {
    for job in claimed {
        world
            .installation()
            .finish(job, &Verdict::Done)
            .await
            .unwrap();
    }
}

/// How many of `few`'s jobs were out when so many had been taken in all.
async fn taken_of(world: &World, few: &Project, claim: Claim<'_>, in_all: usize) -> usize {
    let (mut taken, mut of_few) = (0, 0);
    while taken < in_all {
        let claimed = world.installation().claim(claim).await.unwrap();
        assert!(!claimed.is_empty());
        taken += claimed.len();
        of_few += claimed
            .iter()
            .filter(|c| c.project.id() == few.id())
            .count();
        done(world, &claimed).await;
    }
    of_few
}

async fn empty(all: &mut PgConnection) {
    sqlx::raw_sql("delete from control.jobs")
        .execute(all)
        .await
        .unwrap();
}

#[story(World::own())]
async fn ten_jobs_do_not_wait_for_ten_thousand(w: World) {
    let (many, few) = (w.project().await, w.project().await);
    let mut all = w.database().superuser().await;
    fill(&w, &mut all, &many, "sweep_expired", 10_000).await;
    fill(&w, &mut all, &few, "sweep_expired", 10).await;
    let claim = Claim {
        jobs_max: 10,
        per_project_max: 5,
        lease: LEASE,
        only: None,
        except: &[],
    };
    assert_eq!(taken_of(&w, &few, claim, 100).await, 10);

    // Also when a claim has no room for two projects: then the start must rotate. That chance alone
    // would pass the few over so often happens once in fifty thousand runs.
    fill(&w, &mut all, &few, "sweep_expired", 10).await;
    let claim = Claim {
        jobs_max: 5,
        per_project_max: 5,
        lease: LEASE,
        only: None,
        except: &[],
    };
    assert_eq!(taken_of(&w, &few, claim, 100).await, 10);
    empty(&mut all).await;
}

#[story(World::own())]
async fn a_job_is_one_claimers(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    fill(&w, &mut all, &project, "sweep_expired", 400).await;
    let claim = Claim {
        jobs_max: 7,
        per_project_max: 7,
        lease: LEASE,
        only: None,
        except: &[],
    };
    let replicas = [
        w.replica().await,
        w.replica().await,
        w.replica().await,
        w.replica().await,
    ];
    let claimers = replicas.iter().map(|replica| async move {
        let mut taken = Vec::new();
        loop {
            let claimed = replica.claim(claim).await.unwrap();
            if claimed.is_empty() {
                return taken;
            }
            taken.extend(claimed);
        }
    });
    let taken = futures_util::future::join_all(claimers).await;
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(taken.len(), 400);
    assert!(taken.iter().all(|job| job.attempt() == 1));
    empty(&mut all).await;
}

#[story]
async fn after_its_lease_a_job_is_free_and_its_old_holder_has_lost_it(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    enqueue(&project).await;
    let first = w.claim(10).await.pop().unwrap();
    assert_eq!(first.attempt(), 1);
    w.clock.advance(TimeDelta::seconds(50));
    assert!(w.claim(10).await.is_empty(), "the lease holds");
    assert!(w.installation().renew(&first, LEASE).await.unwrap());
    w.clock.advance(TimeDelta::seconds(50));
    assert!(w.claim(10).await.is_empty(), "the renewed lease holds");

    w.clock.advance(TimeDelta::seconds(11));
    let second = w.claim(10).await.pop().unwrap();
    assert_eq!(second.attempt(), 2);
    let before = rows(&mut all, &project).await;
    assert!(!w.installation().renew(&first, LEASE).await.unwrap());
    let why = || "too late".to_owned();
    for late in [
        Verdict::Done,
        Verdict::Retry {
            after: LEASE,
            why: why(),
        },
        Verdict::Abandon { why: why() },
    ] {
        w.installation().finish(&first, &late).await.unwrap();
        assert_eq!(rows(&mut all, &project).await, before, "{late:?}");
    }
    assert!(w.installation().renew(&second, LEASE).await.unwrap());
    done(&w, &[second]).await;
    assert!(rows(&mut all, &project).await.is_empty());
}

#[story]
async fn a_claim_for_some_projects_leaves_the_leases_of_others_alone(w: World) {
    let (mine, other) = (w.project().await, w.project().await);
    enqueue(&other).await;
    let held = w.claim(10).await.pop().unwrap();
    w.clock.advance(TimeDelta::minutes(2));
    let only = [mine];
    let claim = Claim {
        jobs_max: 10,
        per_project_max: 10,
        lease: LEASE,
        only: Some(&only),
        except: &[],
    };
    assert!(w.installation().claim(claim).await.unwrap().is_empty());
    assert!(w.installation().renew(&held, LEASE).await.unwrap());
    done(&w, &[held]).await;
}

#[story]
async fn a_verdict_says_when_a_job_runs_again(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    enqueue(&project).await;
    let job = w.claim(1).await.pop().unwrap();
    let why = "no answer".to_owned();
    w.installation()
        .finish(&job, &Verdict::Retry { after: LEASE, why })
        .await
        .unwrap();
    assert_eq!(
        rows(&mut all, &project).await,
        [(0, 1, Some("no answer".to_owned()))]
    );
    assert!(w.claim(1).await.is_empty(), "not yet");
    w.clock.advance(TimeDelta::seconds(61));
    let job = w.claim(1).await.pop().unwrap();
    assert_eq!(job.attempt(), 2);
    let why = "never".to_owned();
    w.installation()
        .finish(&job, &Verdict::Abandon { why })
        .await
        .unwrap();
    w.clock.advance(TimeDelta::days(1));
    assert!(w.claim(1).await.is_empty());
    assert_eq!(
        rows(&mut all, &project).await,
        [(2, 2, Some("never".to_owned()))]
    );
}

#[story]
async fn a_job_of_an_unknown_kind_is_kept_with_its_reason(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    fill(&w, &mut all, &project, "from_the_future", 1).await;
    assert!(w.claim(10).await.is_empty());
    let kept = rows(&mut all, &project).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, 2);
    assert!(
        kept[0].2.as_ref().unwrap().contains("from_the_future"),
        "{kept:?}"
    );
}

#[story]
async fn a_project_that_cannot_be_loaded_does_not_hold_up_the_others(w: World) {
    let (broken, sound) = (w.project().await, w.project().await);
    let mut all = w.database().superuser().await;
    let unreadable = serde_json::json!({"secrets": {"default": [{"$sealed": "AAAA"}]}});
    let sql = "update control.config_revisions set document = $2 where project = $1";
    sqlx::query(sql)
        .bind(broken.id().uuid())
        .bind(unreadable)
        .execute(&mut all)
        .await
        .unwrap();
    enqueue(&broken).await;
    enqueue(&sound).await;
    // Another process, which has neither in memory.
    let replica = w.replica().await;
    let only = [broken.clone(), sound.clone()];
    let claim = Claim {
        jobs_max: 10,
        per_project_max: 10,
        lease: LEASE,
        only: Some(&only),
        except: &[],
    };
    let claimed = replica.claim(claim).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].project.id(), sound.id());
    done(&w, &claimed).await;
    let (_, _, why) = rows(&mut all, &broken).await.pop().unwrap();
    assert!(why.unwrap().contains("configuration"), "the reason is kept");

    let sql = "update control.config_revisions set document = '{}' where project = $1";
    sqlx::query(sql)
        .bind(broken.id().uuid())
        .execute(&mut all)
        .await
        .unwrap();
    w.clock.advance(TimeDelta::minutes(2));
    let again = replica.claim(claim).await.unwrap();
    assert_eq!(again.len(), 1, "mended, it runs");
    done(&w, &again).await;
}

#[story]
async fn jobs_live_and_die_with_their_transaction(w: World) {
    let project = w.project().await;
    let id = ids::v7();
    let mut tx = project.begin().await.unwrap();
    tx.enqueue(&Job::SweepExpired, project.now()).await.unwrap();
    drop(tx);
    assert!(w.claim(10).await.is_empty());
    for _ in 0..2 {
        let mut tx = project.begin().await.unwrap();
        tx.enqueue_as(id, &Job::SweepExpired, project.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let claimed = w.claim(10).await;
    assert_eq!(claimed.len(), 1, "one of an id");
    assert_eq!(claimed[0].job, Job::SweepExpired);
    assert_eq!(claimed[0].project.id(), project.id());
    done(&w, &claimed).await;
}

#[story]
async fn jobs_of_a_purged_project_vanish(w: World) {
    let project = w.project().await;
    let mut all = w.database().superuser().await;
    fill(&w, &mut all, &project, "sweep_expired", 3).await;
    fill(&w, &mut all, &project, "from_the_future", 1).await;
    let leased = w.claim(1).await;
    assert_eq!(leased.len(), 1);
    w.installation()
        .delete_project(&Actor::system(), &project)
        .await
        .unwrap();
    assert!(w.installation().purge_project(&project).await.unwrap());
    assert_eq!(
        rows(&mut all, &project).await.len(),
        1,
        "what somebody has in hand is theirs to end"
    );
    let why = "its tables are gone".to_owned();
    w.installation()
        .finish(
            &leased[0],
            &Verdict::Retry {
                after: Duration::ZERO,
                why,
            },
        )
        .await
        .unwrap();
    assert!(w.claim(10).await.is_empty());
    assert!(rows(&mut all, &project).await.is_empty());
}
