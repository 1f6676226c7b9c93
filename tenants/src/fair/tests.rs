use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use proptest::prelude::*;
use uuid::Uuid;

use super::{Extent, FairPool, Names, NotDone, Workbench, queue::FairQueue};

fn project(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

proptest! {
    /// Whatever comes and goes: nothing is lost or served twice, limits hold, and between two turns of one
    /// project every other waiting project has had its turn.
    #[test]
    fn the_queue_keeps_its_promises(steps in prop::collection::vec((0u8..4, 0u128..4, 0usize..64), 1..200)) {
        let mut queue = FairQueue::new(12, 5);
        let mut inside: Vec<(u128, u32, _)> = Vec::new();
        let mut since: Vec<Vec<u128>> = vec![Vec::new(); 4];
        for (number, (what, who, pick)) in (0u32..).zip(steps) {
            match what {
                0 | 1 => {
                    let theirs = inside.iter().filter(|(p, ..)| *p == who).count();
                    let ticket = queue.push(project(who), (who, number));
                    prop_assert_eq!(ticket.is_some(), theirs < 5 && inside.len() < 12);
                    if let Some(ticket) = ticket {
                        if theirs == 0 { since[who as usize].clear(); }
                        inside.push((who, number, ticket));
                    }
                }
                2 => match queue.take() {
                    None => prop_assert!(inside.is_empty()),
                    Some((who, number)) => {
                        let first = inside.iter().position(|(p, ..)| *p == who).unwrap();
                        prop_assert_eq!(inside.remove(first).1, number);
                        for (waiting, served) in since.iter_mut().enumerate() {
                            if waiting as u128 == who { served.clear(); continue; }
                            if inside.iter().any(|(p, ..)| *p == waiting as u128) {
                                prop_assert!(!served.contains(&who), "{} overtook {} twice", who, waiting);
                                served.push(who);
                            }
                        }
                    }
                },
                _ => if !inside.is_empty() {
                    let (who, number, ticket) = inside.remove(pick % inside.len());
                    prop_assert_eq!(queue.cancel(ticket), Some((who, number)));
                    prop_assert_eq!(queue.cancel(ticket), None);
                },
            }
            prop_assert_eq!(queue.waiting(), inside.len());
        }
    }
}

const NAMES: Names = Names {
    thread: "test",
    waiting: "test_waiting",
    running: "test_running",
    refused: "test_refused_total",
};

/// What the one thread remembers.
#[derive(Default)]
struct Notes(Vec<u32>);

impl Workbench for Notes {
    const IDLE: Duration = Duration::from_millis(10);

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

fn one_thread() -> FairPool<Notes> {
    threads(1)
}

fn threads(threads: usize) -> FairPool<Notes> {
    let extent = Extent {
        threads,
        waiting_max: 4,
        waiting_per_project_max: 4,
        gives_way: false,
    };
    FairPool::new(NAMES, extent)
}

/// However much one project has to do and however long it takes, another does not wait for it.
#[tokio::test]
async fn a_thread_is_left_to_the_others() {
    for (number, most) in [(2, 1), (3, 2)] {
        let pool = threads(number);
        let (open, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let (at_once, busiest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let slow = || {
            let (gate, at_once, busiest) = (gate.clone(), at_once.clone(), busiest.clone());
            pool.run(project(1), move |_| {
                let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
                busiest.fetch_max(now, Ordering::SeqCst);
                // Ends when the sender is gone.
                gate.lock().unwrap().recv().ok();
                at_once.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let quick = async {
            // Once as many as may run do, and the others wait.
            while at_once.load(Ordering::SeqCst) < most || pool.waiting() > 4 - most {
                tokio::task::yield_now().await;
            }
            for other in 2..5 {
                let served = pool.run(project(other), |_| 7);
                let served = tokio::time::timeout(Duration::from_mins(1), served).await;
                assert_eq!(served, Ok(Ok(7)));
            }
            assert_eq!(at_once.load(Ordering::SeqCst), most);
            drop(open);
        };
        let (a, b, c, d, ()) = tokio::join!(slow(), slow(), slow(), slow(), quick);
        assert_eq!([a, b, c, d], [Ok(()); 4]);
        assert_eq!(busiest.load(Ordering::SeqCst), most);
    }
}

#[tokio::test]
async fn a_workbench_is_kept_while_there_is_work_and_cleared_after() {
    let pool = one_thread();
    let note = |number| {
        move |notes: &mut Notes| {
            notes.0.push(number);
            // While another job waits, the thread has no time to be idle.
            notes.0.clone()
        }
    };
    let (first, second) =
        tokio::join!(pool.run(project(1), note(1)), pool.run(project(1), note(2)));
    assert_eq!((first, second), (Ok(vec![1]), Ok(vec![1, 2])));
    // However long it takes: at some time the notes are gone.
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if pool.run(project(1), note(3)).await == Ok(vec![3]) {
            break;
        }
    }
}

#[tokio::test]
async fn a_panic_is_told_and_the_thread_lives_on() {
    let pool = one_thread();
    let burst = pool
        .run::<(), _>(project(1), |_| panic!("on purpose"))
        .await;
    assert_eq!(burst, Err(NotDone::Panicked));
    assert_eq!(pool.run(project(1), |_| 7).await, Ok(7));
}
