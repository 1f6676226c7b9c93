//! Development mode: a private PostgreSQL, keys that are made and kept, the project `demo`, a greeting.
//!
//! ```text
//! DIR/postgres/     the private PostgreSQL (elsewhere when its user cannot enter; it says so)
//! DIR/secrets.key   INSULA_SECRETS, mode 0600: without it the data cannot be read
//! DIR/root.key      an installation key of role OWNER, mode 0600
//! ```

use std::{
    fs::DirBuilder,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tenants::{ChangeError, Environment, Installation, NewProject, control::Actor, ids, migrate};
use tokio::net::TcpListener;
use url::Url;

use crate::{
    Failure,
    args::installation::ServeArgs,
    connect, database,
    keyfile::kept,
    migrate::seconds,
    postgres::Private,
    settings::{self, Known, NO_OWNER, given},
};

const DEMO: &str = "demo";
/// So that the user `postgres` can walk through, and no other user can look inside.
const FOLDER_MODE: u32 = 0o711;
const MIGRATE_AT_ONCE: usize = 4;

/// What development mode runs and must stop.
pub(crate) struct Dev {
    private: Option<Private>,
    root_key_file: PathBuf,
}

/// No server runs on that folder yet.
pub(crate) async fn check_free(args: &ServeArgs) -> Result<(), Failure> {
    if given(args.installation.database.database_url.as_ref()).is_some() {
        return Ok(());
    }
    Private::check_free(&args.data).await
}

/// Everything a server needs, made or found: database, keys, the newest schema.
pub(crate) async fn prepare(
    args: &ServeArgs,
    listener: &TcpListener,
) -> Result<(Known, Dev), Failure> {
    let (gate_url, owner_url, private) = database(args).await?;
    // After the database: the process that holds its folder is alone here.
    make_folder(&args.data)?;
    let secrets = match given(args.installation.secrets.secrets.as_ref()) {
        Some(secrets) => secrets.to_owned(),
        None => kept(&args.data.join("secrets.key"), || {
            URL_SAFE_NO_PAD.encode(ids::bytes::<32>())
        })?,
    };
    let root_key_file = args.data.join("root.key");
    let root_key = match settings::root_key(&args.installation)? {
        Some(key) => key,
        None => kept(&root_key_file, || {
            format!("ins_root_{}", ids::alphanumeric(43))
        })?,
    };
    connect::patiently("the database", async || {
        migrate::migrate(&owner_url, &gate_url, MIGRATE_AT_ONCE, &|_| {}).await
    })
    .await?;
    let known = Known {
        gate_url,
        owner_url: Some(owner_url),
        secrets,
        root_key: Some(root_key),
        public_url: public_url(args, listener)?,
        dev: true,
    };
    Ok((
        known,
        Dev {
            private,
            root_key_file,
        },
    ))
}

/// Gate, owner, and the private PostgreSQL unless `DATABASE_URL` names another.
async fn database(args: &ServeArgs) -> Result<(String, String, Option<Private>), Failure> {
    let database = &args.installation.database;
    if let Some(gate) = given(database.database_url.as_ref()) {
        let Some(owner) = given(database.owner_database_url.as_ref()) else {
            let (name, how) = NO_OWNER;
            return Err(Failure::Usage(format!(
                "DATABASE_URL is set, so development mode starts no PostgreSQL of its own:\n  \
                 DATABASE_URL: unset it, unless that database is meant\n  \
                 {name}: or {how}"
            )));
        };
        database::check(database, true)?;
        return Ok((gate.to_owned(), owner.to_owned(), None));
    }
    let private = Private::start(&args.data).await?;
    Ok((
        private.gate_url.clone(),
        private.owner_url.clone(),
        Some(private),
    ))
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder);
    made.map_err(|error| Failure::Failed(format!("cannot make {}: {error}", folder.display())))
}

/// The listening address, `localhost` as its host.
fn public_url(args: &ServeArgs, listener: &TcpListener) -> Result<Url, Failure> {
    if let Some(url) = &args.installation.public_url {
        return Ok(url.clone());
    }
    let address = listener.local_addr().map_err(|error| Failure::of(&error))?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "development mode can be reached from other machines");
    }
    Url::parse(&format!("http://localhost:{}", address.port())).map_err(|error| Failure::of(&error))
}

/// How it stands with the project `demo`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demo {
    /// Made now, or before.
    There,
    /// It was deleted; a slug is given out once.
    Deleted,
}

/// Make the project `demo` when there is none.
pub(crate) async fn make_demo(
    installation: &Installation,
    no_worker: bool,
) -> Result<Demo, Failure> {
    if installation.find_project(DEMO).await?.is_some() {
        return Ok(Demo::There);
    }
    if no_worker {
        // No other process makes the schema it will live in.
        installation.keep_slots().await?;
    }
    let new = NewProject {
        slug: DEMO.to_owned(),
        name: "Demo".to_owned(),
        environment: Environment::Development,
        config: demo_config(),
    };
    let actor = Actor::system();
    match installation.create_project(&actor, new).await {
        Ok((_, key)) => {
            // The root key opens it as well; one that was never shown is of no use.
            installation.revoke_key(&actor, key.id).await?;
            Ok(Demo::There)
        }
        Err(ChangeError::SlugTaken) => Ok(Demo::Deleted),
        Err(other) => Err(other.into()),
    }
}

/// What shows most of what is served: the identifier first, then a password or a code; addresses verified
/// right after sign-up; recovery; an account that can be downloaded and deleted. Mail is kept, not sent.
fn demo_config() -> Value {
    let hooks = json!([{"hook": "session"}, {"hook": "show_verification_ui"}]);
    json!({
        "selfservice": {
            "flows": {
                "login": {"style": "identifier_first"},
                "registration": {"after": {"password": {"hooks": hooks}, "code": {"hooks": hooks}}},
                "settings": {"after": {"profile": {"hooks": [{"hook": "show_verification_ui"}]}}},
                "verification": {"enabled": true},
                "recovery": {"enabled": true},
            },
            "methods": {"code": {"enabled": true, "passwordless_enabled": true}},
        },
        "insula": {"account": {"delete": true, "download": true}},
    })
}

impl Dev {
    /// Say what is where, on standard output.
    pub(crate) fn greet(
        &self,
        args: &ServeArgs,
        installation: &Installation,
        demo: Demo,
        (metrics, took): (SocketAddr, Duration),
    ) {
        // A closed pipe is no reason to stop.
        let _ = std::io::stdout().write_all(
            self.greeting(args, installation, demo, (metrics, took))
                .as_bytes(),
        );
    }

    fn greeting(
        &self,
        args: &ServeArgs,
        installation: &Installation,
        demo: Demo,
        (metrics, took): (SocketAddr, Duration),
    ) -> String {
        let origin = installation.origin();
        let base = format!("{origin}/p/{DEMO}");
        let database = self.private.as_ref().map_or_else(
            || "DATABASE_URL".to_owned(),
            |private| {
                let server = private.server();
                let folder = server.data_dir().display();
                format!("PostgreSQL {} in {folder}", server.version())
            },
        );
        let demo = match demo {
            Demo::There => format!(
                "  demo project  {base}\n  \
                 sign up       {base}/ui/registration\n  \
                 mail          {base}/ui/mail\n  \
                 for programs  curl -s {base}/self-service/registration/api\n"
            ),
            Demo::Deleted => {
                "  demo project  was deleted, and a slug is given out only once\n".to_owned()
            }
        };
        let key = match given(args.installation.root_key.as_ref()) {
            Some(_) => "INSULA_ROOT_KEY".to_owned(),
            None => self.root_key_file.display().to_string(),
        };
        format!(
            "\nInsula is ready after {}: {origin}\n{demo}  \
             GraphQL       POST {origin}/graphql\n  \
             API docs      {origin}/docs\n  \
             root key      {key}\n  \
             metrics       http://{metrics}/metrics\n  \
             database      {database}\n  \
             Ctrl-C stops it; the data stay in {}\n\n",
            seconds(took),
            args.data.display()
        )
    }

    /// Stop the private PostgreSQL, if it is ours.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        match self.private {
            Some(private) => private.stop().await,
            None => Ok(()),
        }
    }
}
