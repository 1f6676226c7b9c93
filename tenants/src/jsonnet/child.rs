//! The child's side: limits on itself first, then one snippet after another until nobody asks any more. It
//! is started with an empty environment and holds nothing but the line to its parent.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
    thread,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use serde_json::{Value, json};

use super::evaluate::evaluate;

/// All memory of the child, its stack and its program included.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
const STACK_BYTES: usize = 64 << 20;
/// Of processor time, for one snippet; counted in whole seconds, so it may get one more.
const CPU_SECONDS_MAX: u64 = 1;

/// What the process is for, when it was started as the sandbox of another: see [`super::Program`]. Returns
/// when the other end is gone.
pub fn serve_sandbox() -> ExitCode {
    let work = thread::Builder::new().stack_size(STACK_BYTES);
    let ended = confine()
        .and_then(|()| work.spawn(serve))
        .map(thread::JoinHandle::join);
    match ended {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn confine() -> io::Result<()> {
    let at_most = |most: u64| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(Resource::As, at_most(MEMORY_BYTES_MAX))?;
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Fsize, at_most(0))?;
    Ok(())
}

/// From now on for a second.
fn wind_the_clock() -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let whole = u64::try_from(used).unwrap_or_default() + 1;
    let limit = Rlimit {
        current: Some(whole + CPU_SECONDS_MAX),
        maximum: getrlimit(Resource::Cpu).maximum,
    };
    Ok(setrlimit(Resource::Cpu, limit)?)
}

fn serve() -> io::Result<()> {
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    while let Some(frame) = read_frame(&mut from, usize::MAX)? {
        wind_the_clock()?;
        let asked: Value = serde_json::from_slice(&frame)?;
        let source = asked["source"].as_str().unwrap_or_default();
        let answer = match evaluate(source, asked.get("ctx")) {
            Ok(value) => json!({"value": value}),
            Err(why) => json!({"error": why}),
        };
        write_frame(&mut to, answer.to_string().as_bytes())?;
    }
    Ok(())
}

/// A length of four bytes, then so many. `None`: nobody is there any more.
pub(super) fn read_frame(from: &mut impl Read, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame)?;
    Ok(Some(frame))
}

pub(super) fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(frame)?;
    to.flush()
}
