use proptest::prelude::*;
use uuid::Uuid;

use super::queue::FairQueue;

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
