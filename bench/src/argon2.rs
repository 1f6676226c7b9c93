//! Bare argon2id, one hash after the other on each thread: what no sign-in on this machine can be faster
//! than.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Params, Version};

use crate::{
    args::{self, Argon2Args},
    load::Outcome,
    report::Row,
    tally::Tally,
    usage::Used,
};

pub(crate) fn measure(args: &Argon2Args) -> Row {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = args.at_once.unwrap_or(cores);
    let start = Instant::now();
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let hash = || one_thread(args.argon2, args.seconds);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
        running.into_iter().filter_map(|t| t.join().ok()).collect()
    });
    let mut all = Tally::default();
    for tally in tallies {
        all.add(tally);
    }
    let args::Argon2 {
        memory_kib,
        iterations,
        lanes,
    } = args.argon2;
    Row {
        scenario: format!("argon2id m={memory_kib} t={iterations} p={lanes}"),
        pace: format!("{threads} threads"),
        bases: 0,
        outcome: Outcome {
            tally: all,
            measured: start.elapsed(),
            used: Used::default(),
        },
    }
}

fn one_thread(argon2: args::Argon2, time: Duration) -> Tally {
    let mut tally = Tally::default();
    let Ok(params) = Params::new(argon2.memory_kib, argon2.iterations, argon2.lanes, Some(32))
    else {
        return tally;
    };
    // Taken once, as the server does: what is measured is the hash.
    let mut memory = vec![argon2::Block::default(); params.block_count()];
    let context = argon2::Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let start = Instant::now();
    while start.elapsed() < time {
        let one = Instant::now();
        let mut out = [0; 32];
        let hashed =
            context.hash_password_into_with_memory(b"nine-herons", &[7; 16], &mut out, &mut memory);
        if std::hint::black_box(hashed).is_ok() {
            tally.done(one.elapsed(), Duration::ZERO);
        }
    }
    tally
}
