//! The private PostgreSQL of a data folder: beside `serve --dev`, or alone in the foreground.

use std::path::{Path, PathBuf};

use private_postgres::{Error, Options, Server, ensure_database};

use crate::{Failure, shutdown};

const DATABASE: &str = "insula";
const OWNER: &str = "insula_owner";
const GATE: &str = "insula_gate";
/// For a server, a worker, `insula migrate` and a few curious psql.
const CONNECTIONS_MAX: u32 = 100;

/// A running server and how to reach it.
pub(crate) struct Private {
    server: Server,
    pub(crate) gate_url: String,
    pub(crate) owner_url: String,
}

impl Private {
    /// Before anything else is begun: a port that is taken says less than a folder that is.
    pub(crate) async fn check_free(data: &Path) -> Result<(), Failure> {
        let folder = data.join("postgres");
        blocking(move || private_postgres::check_free(&folder).map_err(told)).await
    }

    /// Start it, with the owner's login and the database; `insula migrate` makes the gate's.
    pub(crate) async fn start(data: &Path) -> Result<Self, Failure> {
        let folder = data.join("postgres");
        blocking(move || Self::start_blocking(folder)).await
    }

    fn start_blocking(folder: PathBuf) -> Result<Self, Failure> {
        let options = Options {
            data: folder,
            durable: true,
            max_connections: CONNECTIONS_MAX,
            settings: Vec::new(),
        };
        let server = private_postgres::start(&options).map_err(told)?;
        ensure_database(&server, DATABASE, OWNER)?;
        Ok(Self {
            gate_url: server.url(GATE, DATABASE),
            owner_url: server.url(OWNER, DATABASE),
            server,
        })
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Stop it in good order.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        blocking(move || Ok(self.server.stop()?)).await
    }
}

fn told(error: Error) -> Failure {
    match error {
        Error::Running { pid, data } => Failure::Failed(format!(
            "one already runs on {}: process {pid}; stop it, or take another folder with --data",
            data.parent().unwrap_or(&data).display()
        )),
        other => other.into(),
    }
}

/// `insula dev postgres`.
pub(crate) async fn run(data: PathBuf) -> Result<(), Failure> {
    let stop = shutdown::listen()?;
    let private = Private::start(&data).await?;
    let server = private.server();
    if let Some(note) = server.note() {
        println!("# {note}");
    }
    println!(
        "# PostgreSQL {} runs until Ctrl-C. `insula migrate` makes the gate login.\nexport DATABASE_URL='{}'\nexport INSULA_OWNER_DATABASE_URL='{}'\n# as superuser: {}",
        server.version(),
        private.gate_url,
        private.owner_url,
        server.url("postgres", DATABASE)
    );
    shutdown::requested(stop).await;
    private.stop().await
}

/// Starting and stopping waits for processes.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::of(&error))?
}
