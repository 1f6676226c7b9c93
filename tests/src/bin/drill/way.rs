//! The way of one process to its database: a port on this machine from which bytes are carried to the socket of a
//! PostgreSQL. It can lead elsewhere, be cut as a network is cut, or refuse as a dead host refuses.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::JoinHandle,
};

use crate::Done;

const CHUNK_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    /// The socket it leads to; `None` refuses.
    target: Option<PathBuf>,
    /// Nothing arrives any more, and nobody is told.
    held: bool,
    /// How much later everything arrives.
    delay: Duration,
}

/// See the head of the file.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    _server: Arc<Server>,
}

#[derive(Debug)]
struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Way {
    /// One that leads nowhere yet.
    pub(crate) async fn new() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(watch::Sender::new(State {
            target: None,
            held: false,
            delay: Duration::ZERO,
        }));
        let told = state.subscribe();
        let server = tokio::spawn(async move {
            // It ends when nobody is left who could lead it.
            let _ = listen(address, listener, told).await;
        });
        Ok(Self {
            address,
            state,
            _server: Arc::new(Server(server)),
        })
    }

    /// `postgres://…` for a login with a password.
    pub(crate) fn url(&self, login: &str, database: &str) -> String {
        let port = self.address.port();
        format!("postgres://{login}:{login}@127.0.0.1:{port}/{database}?sslmode=disable")
    }

    /// Lead to that socket from now on. Connections to another one break.
    pub(crate) fn lead_to(&self, socket: &Path) {
        self.state.send_modify(|state| {
            state.target = Some(socket.to_owned());
            state.held = false;
        });
    }

    /// As a host on which nothing listens. Connections break.
    pub(crate) fn refuse(&self) {
        self.state.send_modify(|state| {
            state.target = None;
            state.held = false;
        });
    }

    /// As a cable that is pulled out; [`Way::lead_to`] plugs it in again.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.held = true);
    }

    /// Everything arrives so much later.
    pub(crate) fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }
}

async fn listen(
    address: SocketAddr,
    first: TcpListener,
    mut told: watch::Receiver<State>,
) -> Result<(), watch::error::RecvError> {
    let mut listener = Some(first);
    loop {
        told.wait_for(|state| state.target.is_some()).await?;
        let open = match listener.take() {
            Some(open) => open,
            None => match TcpListener::bind(address).await {
                Ok(open) => open,
                Err(error) => {
                    eprintln!("drill: the way at {address}: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let mut until = told.clone();
        tokio::select! {
            refuses = until.wait_for(|state| state.target.is_none()) => drop(refuses?),
            () = accept(&open, &told) => {}
        }
    }
}

async fn accept(listener: &TcpListener, told: &watch::Receiver<State>) {
    while let Ok((caller, _)) = listener.accept().await {
        let told = told.clone();
        tokio::spawn(async move {
            // A line that breaks is what is being tried.
            let _ = carry(caller, told).await;
        });
    }
}

async fn carry(caller: TcpStream, mut told: watch::Receiver<State>) -> io::Result<()> {
    let Some(target) = told.borrow().target.clone() else {
        return Ok(());
    };
    caller.set_nodelay(true)?;
    let server = UnixStream::connect(&target).await?;
    let (from_caller, to_caller) = caller.into_split();
    let (from_server, to_server) = server.into_split();
    let (there, back) = (told.clone(), told.clone());
    tokio::select! {
        _ = told.wait_for(|state| state.target.as_ref() != Some(&target)) => Ok(()),
        ended = pump(from_caller, to_server, there) => ended,
        ended = pump(from_server, to_caller, back) => ended,
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut told: watch::Receiver<State>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await;
        let delay = match told.wait_for(|state| !state.held).await {
            Ok(state) => state.delay,
            Err(_) => return Ok(()),
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match read? {
            0 => return Ok(()),
            count => to.write_all(&chunk[..count]).await?,
        }
    }
}
