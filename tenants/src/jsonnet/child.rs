//! The child's side: limits on itself first, then one snippet after another until its input ends. It
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
use serde_json::Value;

use super::evaluate::evaluate;

/// How an answer begins.
pub(super) const VALUE: u8 = b'+';
pub(super) const ERROR: u8 = b'-';

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

/// Two frames ask: a snippet, and the JSON it is called with, or nothing. One answers: [`VALUE`] and the JSON
/// that came of it, or [`ERROR`] and why none did.
fn serve() -> io::Result<()> {
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    while let Some(source) = read_frame(&mut from, usize::MAX)? {
        let ctx = read_frame(&mut from, usize::MAX)?.unwrap_or_default();
        wind_the_clock()?;
        let (kind, text) = match answer(&source, &ctx) {
            Ok(value) => (VALUE, value),
            Err(why) => (ERROR, why),
        };
        write_frame(&mut to, &[&[kind], text.as_bytes()].concat())?;
    }
    Ok(())
}

fn answer(source: &[u8], ctx: &[u8]) -> Result<String, String> {
    let source = str::from_utf8(source).map_err(|_| "it is no UTF-8".to_owned())?;
    if ctx.is_empty() {
        return evaluate(source, None);
    }
    let ctx: Value = serde_json::from_slice(ctx)
        .map_err(|_| "what it is called with nests too deeply".to_owned())?;
    evaluate(source, Some(&ctx))
}

/// A length of four bytes, then so many. `None`: the parent has gone.
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
