//! The parent's side: a child for each thread, warm while there is work, replaced after a thousand snippets
//! and after each that ran away.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::ExitStatusExt as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    JsonnetError, Program,
    child::{VALUE, read_frame, write_frame},
};
use crate::fair::Workbench;

/// A child limits its own processor time; this is for one that does not get any.
const SECONDS_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1 << 20;
const SNIPPETS_MAX: u32 = 1000;
const SIGXCPU: i32 = 24;

/// The child of one thread, if it has one.
#[derive(Default)]
pub(super) struct Warm(Option<Running>);

impl Workbench for Warm {
    const IDLE: Duration = Duration::from_mins(5);

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}

struct Running {
    child: Child,
    line: UnixStream,
    snippets: u32,
}

impl Warm {
    /// What the child says to that snippet.
    pub(super) fn evaluate(
        &mut self,
        program: &Program,
        source: &str,
        ctx: Option<&Value>,
    ) -> Result<Value, JsonnetError> {
        let mut running = match self.0.take() {
            Some(running) => running,
            None => Running::start(program).map_err(JsonnetError::NoSandbox)?,
        };
        let said = match running.ask(source, ctx) {
            Ok(said) => said,
            Err(error) => return Err(running.fell(&error)),
        };
        if running.snippets < SNIPPETS_MAX {
            self.0 = Some(running);
        }
        match said.split_first() {
            Some((&VALUE, json)) => serde_json::from_slice(json).map_err(|_| {
                JsonnetError::Wrong("what comes out of it nests too deeply".to_owned())
            }),
            Some((_, why)) => Err(JsonnetError::Wrong(
                String::from_utf8_lossy(why).into_owned(),
            )),
            None => Err(JsonnetError::TooMuch),
        }
    }
}

impl Running {
    fn start(program: &Program) -> io::Result<Self> {
        let (line, of_child) = UnixStream::pair()?;
        let (from, to) = (
            OwnedFd::from(of_child.try_clone()?),
            OwnedFd::from(of_child),
        );
        let child = Command::new(&program.path)
            .args(&program.args)
            .env_clear()
            // A heap of its own for each thread would count as memory.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::from(from))
            .stdout(Stdio::from(to))
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            line,
            snippets: 0,
        })
    }

    fn ask(&mut self, source: &str, ctx: Option<&Value>) -> io::Result<Vec<u8>> {
        self.snippets += 1;
        let ctx = ctx.map(Value::to_string).unwrap_or_default();
        self.line.set_write_timeout(Some(SECONDS_MAX))?;
        write_frame(&mut self.line, source.as_bytes())?;
        write_frame(&mut self.line, ctx.as_bytes())?;
        let mut until = Until {
            line: &self.line,
            end: Instant::now() + SECONDS_MAX,
        };
        let answer = read_frame(&mut until, ANSWER_BYTES_MAX)?;
        answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Why there was no answer; the child goes.
    fn fell(mut self, error: &io::Error) -> JsonnetError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return JsonnetError::TooLong,
            io::ErrorKind::FileTooLarge => return JsonnetError::TooLarge,
            _ => {}
        }
        // What ended it stays its end; and if it lives after all, it is not waited for.
        let _ = self.child.kill();
        let ended = self.child.wait();
        match ended.ok().and_then(|status| status.signal()) {
            Some(SIGXCPU) => JsonnetError::TooLong,
            _ => JsonnetError::TooMuch,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads up to a moment, whatever trickles in.
struct Until<'a> {
    line: &'a UnixStream,
    end: Instant,
}

impl io::Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.line.set_read_timeout(Some(left))?;
        io::Read::read(&mut &*self.line, into)
    }
}
