//! A relay that does what it is told: takes mail, or fails in one of the ways that relays fail. A script
//! that speaks SMTP, not a mail server.

mod talk;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use self::talk::Talk;

/// What it does with a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Mood {
    TakesAll,
    /// The same, addresses beyond ASCII included (SMTPUTF8).
    TakesUtf8,
    /// Hangs up once it said that it has the mail.
    HangsUpAfterwards,
    /// Accepts the connection and never says a word.
    SaysNothing,
    /// Is silent once the mail is on its way.
    HangsInTheMail,
    /// Hangs up in the middle of the mail.
    DiesInTheMail,
    /// Takes the mail and hangs up before it says so.
    DiesAfterTheMail,
    /// 421 instead of a greeting.
    IsBusy,
    /// 451 after the recipient.
    Greylists,
    /// 550 for this recipient; others are taken.
    Refuses(String),
    /// 554 after the mail.
    RefusesContent,
    /// 535 to every password.
    RefusesPasswords,
    /// 454 to every password: it cannot look them up.
    KnowsNobody,
    /// 421 to every password.
    HangsUpOnPasswords,
    /// Passwords by CRAM-MD5 alone.
    WantsCramMd5,
    /// Offers no way to sign in.
    AsksForNoPassword,
    /// 530 to a caller that did not sign in.
    WantsPasswords,
    /// 550 to our sender.
    RefusesSender,
    /// Talks without end.
    Chatters,
    /// Slips a line in behind its answer to STARTTLS.
    Injects,
    /// Lets the caller wait that long before it wants the mail.
    TakesItsTime(Duration),
    /// Comes to a stop there, so that the process that talks to it can be killed.
    StopsAt(Step),
}

/// Where a conversation can stop, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Step {
    Greeting,
    Hello,
    Sender,
    Recipient,
    Data,
    /// In the middle of the mail.
    Mail,
    /// It has the mail and does not say so.
    Taken,
    /// It says so.
    Said,
}

impl Step {
    /// Each.
    pub const ALL: [Self; 8] = [
        Self::Greeting,
        Self::Hello,
        Self::Sender,
        Self::Recipient,
        Self::Data,
        Self::Mail,
        Self::Taken,
        Self::Said,
    ];
}

/// How it is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Offer {
    Clear,
    StartTls,
    Tls,
}

/// One mail that it took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The recipient of the envelope.
    pub to: String,
    /// Everything between DATA and the dot.
    pub text: String,
    /// Did it come by TLS?
    pub encrypted: bool,
    /// The certificate that the caller showed.
    pub certificate: Option<CertificateDer<'static>>,
    /// Who signed in.
    pub user: Option<String>,
    /// What stood behind MAIL.
    pub sender: String,
    /// By which connection it came, counted from one.
    pub call: usize,
    /// When it was all there.
    pub at: Instant,
}

impl Taken {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.text.split_once("\r\n\r\n")?;
        let unfolded = head.replace("\r\n ", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let mut lines = unfolded.lines();
        let line = lines.find(|line| line.to_ascii_lowercase().starts_with(&prefix))?;
        Some(line[prefix.len()..].trim().to_owned())
    }
}

#[derive(Debug)]
struct Shared {
    mood: Mood,
    taken: Vec<Taken>,
    calls: usize,
    hellos: Vec<String>,
    stopped: usize,
}

/// See the head of the file.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

impl Relay {
    /// On a port of its own.
    pub async fn start(offer: Offer) -> Self {
        Self::with(offer, acceptor(None)).await
    }

    /// It wants a certificate that this one vouches for.
    pub async fn asking_for(root: &CertificateDer<'static>, offer: Offer) -> Self {
        Self::with(offer, acceptor(Some(root))).await
    }

    async fn with(offer: Offer, tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            mood: Mood::TakesAll,
            taken: Vec::new(),
            calls: 0,
            hellos: Vec::new(),
            stopped: 0,
        }));
        let of_server = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&of_server), tls.clone());
                tokio::spawn(async move {
                    // A line that breaks is the caller's or the script's doing.
                    let _ = serve(stream, offer, tls, &shared).await;
                });
            }
        });
        Self {
            address,
            shared,
            server,
        }
    }

    /// From the next step of every caller on.
    pub fn set(&self, mood: Mood) {
        lock(&self.shared).mood = mood;
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.shared).taken.clone()
    }

    /// What it took after the first so many.
    pub fn taken_after(&self, count: usize) -> Vec<Taken> {
        lock(&self.shared)
            .taken
            .get(count..)
            .unwrap_or_default()
            .to_vec()
    }

    /// How many those are.
    pub fn count(&self) -> usize {
        lock(&self.shared).taken.len()
    }

    /// How many conversations came to a stop.
    pub fn stopped(&self) -> usize {
        lock(&self.shared).stopped
    }

    /// How many connections it was asked for.
    pub fn calls(&self) -> usize {
        lock(&self.shared).calls
    }

    /// How the callers introduced themselves.
    pub fn hellos(&self) -> Vec<String> {
        lock(&self.shared).hellos.clone()
    }

    /// `smtp://127.0.0.1:port` and what follows.
    pub fn uri(&self, rest: &str) -> String {
        format!("smtp://{}/{rest}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With a certificate that no authority vouches for.
fn acceptor(asks_for: Option<&CertificateDer<'static>>) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
        .unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match asks_for {
        None => config.with_no_client_auth(),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root.clone()).unwrap();
            let provider = Arc::new(aws_lc_rs::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = config
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: TcpStream,
    offer: Offer,
    tls: TlsAcceptor,
    shared: &Mutex<Shared>,
) -> std::io::Result<()> {
    lock(shared).calls += 1;
    if offer == Offer::Tls {
        let stream = tls.accept(stream).await?;
        let shown = shown(&stream);
        let mut talk = Talk::new(stream, shared, true);
        talk.certificate = shown;
        return talk.run(true, false).await.map(drop);
    }
    let mut talk = Talk::new(stream, shared, false);
    if talk.run(true, offer == Offer::StartTls).await? {
        let stream = tls.accept(talk.line.into_inner()).await?;
        let shown = shown(&stream);
        let mut talk = Talk::new(stream, shared, true);
        talk.certificate = shown;
        talk.run(false, false).await?;
    }
    Ok(())
}

fn shown(stream: &TlsStream<TcpStream>) -> Option<CertificateDer<'static>> {
    let (_, tls) = stream.get_ref();
    tls.peer_certificates()?.first().cloned()
}
