//! A relay that does what it is told: takes mail, or fails in one of the ways that relays fail. A script
//! that speaks SMTP, not a mail server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

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

struct Talk<'a, S> {
    line: BufReader<S>,
    shared: &'a Mutex<Shared>,
    encrypted: bool,
    certificate: Option<CertificateDer<'static>>,
    user: Option<String>,
    sender: String,
    call: usize,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    fn new(stream: S, shared: &'a Mutex<Shared>, encrypted: bool) -> Self {
        Self {
            line: BufReader::new(stream),
            shared,
            encrypted,
            certificate: None,
            user: None,
            sender: String::new(),
            call: lock(shared).calls,
        }
    }

    fn mood(&self) -> Mood {
        lock(self.shared).mood.clone()
    }

    async fn pass(&self, step: Step) {
        if self.mood() == Mood::StopsAt(step) {
            lock(self.shared).stopped += 1;
            std::future::pending::<()>().await;
        }
    }

    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.line
            .write_all(format!("{text}\r\n").as_bytes())
            .await?;
        self.line.flush().await
    }

    async fn hear(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.line.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// True: the other side wants TLS now.
    async fn run(&mut self, greet: bool, offers_tls: bool) -> std::io::Result<bool> {
        if greet {
            self.pass(Step::Greeting).await;
            match self.mood() {
                Mood::SaysNothing => std::future::pending().await,
                Mood::IsBusy => return self.say("421 too busy").await.map(|()| false),
                Mood::Chatters => loop {
                    self.say("220-and another thing").await?;
                },
                _ => self.say("220 relay.example ESMTP").await?,
            }
        }
        let mut to = String::new();
        loop {
            let line = self.hear().await?;
            let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.pass(Step::Hello).await;
                    lock(self.shared).hellos.push(rest.to_owned());
                    if offers_tls {
                        self.say("250-STARTTLS").await?;
                    }
                    if self.mood() == Mood::TakesUtf8 {
                        self.say("250-SMTPUTF8").await?;
                    }
                    let ways = match self.mood() {
                        Mood::WantsCramMd5 => "250-AUTH CRAM-MD5\r\n",
                        Mood::AsksForNoPassword => "",
                        _ => "250-AUTH PLAIN LOGIN\r\n",
                    };
                    self.say(&format!("250-relay.example\r\n{ways}250 8BITMIME"))
                        .await?;
                }
                "STARTTLS" => {
                    let more = if self.mood() == Mood::Injects {
                        "\r\n250 evil"
                    } else {
                        ""
                    };
                    self.say(&format!("220 go ahead{more}")).await?;
                    return Ok(true);
                }
                "AUTH" => self.sign_in(rest).await?,
                "MAIL" => {
                    self.pass(Step::Sender).await;
                    rest.clone_into(&mut self.sender);
                    match self.mood() {
                        Mood::WantsPasswords if self.user.is_none() => {
                            self.say("530 sign in first").await?;
                        }
                        Mood::RefusesSender => self.say("550 not your address").await?,
                        _ => self.say("250 ok").await?,
                    }
                }
                "RCPT" => {
                    self.pass(Step::Recipient).await;
                    to = rest
                        .trim_start_matches("TO:<")
                        .trim_end_matches('>')
                        .to_owned();
                    match self.mood() {
                        Mood::Refuses(who) if who == to => {
                            self.say("550 5.1.1 nobody here").await?;
                        }
                        Mood::Greylists => self.say("451 4.7.1 later").await?,
                        _ => self.say("250 ok").await?,
                    }
                }
                "DATA" => self.take(&to).await?,
                "QUIT" => return self.say("221 bye").await.map(|()| false),
                _ => self.say("250 ok").await?,
            }
        }
    }

    async fn sign_in(&mut self, how: &str) -> std::io::Result<()> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let given = how.split_once(' ').map(|(_, given)| given.to_owned());
        let decoded = STANDARD
            .decode(given.unwrap_or_default())
            .unwrap_or_default();
        match self.mood() {
            Mood::RefusesPasswords => return self.say("535 5.7.8 wrong").await,
            Mood::KnowsNobody => return self.say("454 4.7.0 later").await,
            Mood::HangsUpOnPasswords => return self.say("421 4.3.2 closing").await,
            _ => {}
        }
        self.user = Some(String::from_utf8_lossy(&decoded).replace('\0', ":"));
        self.say("235 hello").await
    }

    async fn take(&mut self, to: &str) -> std::io::Result<()> {
        self.pass(Step::Data).await;
        self.say("354 go").await?;
        match self.mood() {
            Mood::HangsInTheMail => std::future::pending().await,
            Mood::StopsAt(Step::Mail) => {
                let mut some = [0; 100];
                self.line.read_exact(&mut some).await?;
                self.pass(Step::Mail).await;
            }
            Mood::DiesInTheMail => {
                let mut some = [0; 100];
                self.line.read_exact(&mut some).await?;
                return Err(std::io::ErrorKind::ConnectionReset.into());
            }
            _ => {}
        }
        let mut text = String::new();
        loop {
            let line = self.hear().await?;
            if line == "." {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
        }
        if self.mood() == Mood::RefusesContent {
            return self.say("554 5.6.0 not that").await;
        }
        lock(self.shared).taken.push(Taken {
            to: to.to_owned(),
            text,
            encrypted: self.encrypted,
            certificate: self.certificate.clone(),
            user: self.user.clone(),
            sender: self.sender.clone(),
            call: self.call,
        });
        if self.mood() == Mood::DiesAfterTheMail {
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        self.pass(Step::Taken).await;
        self.say("250 taken").await?;
        self.pass(Step::Said).await;
        if self.mood() == Mood::HangsUpAfterwards {
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}
