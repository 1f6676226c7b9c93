//! Workers are killed, again and again, while messages go out: each is sent at least once and recorded once,
//! a kill costs at most one second copy of each message in hand, and copies bear the same Message-ID.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use private_postgres::{Options, Server, ensure_database};

const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const DATABASE: &str = "killed";
const MESSAGES: usize = 40;
/// Two hundred in the long form (`INSULA_TEST_KILLS=200`).
const KILLS: usize = 10;
