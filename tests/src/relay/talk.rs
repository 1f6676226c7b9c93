//! What a relay says and hears in one conversation.

use std::{sync::Mutex, time::Instant};

use rustls::pki_types::CertificateDer;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

use super::{Mood, Shared, Step, Taken, lock};

/// One conversation: the script that a mood changes.
pub(super) struct Talk<'a, S> {
    pub(super) line: BufReader<S>,
    shared: &'a Mutex<Shared>,
    encrypted: bool,
    pub(super) certificate: Option<CertificateDer<'static>>,
    user: Option<String>,
    sender: String,
    call: usize,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    pub(super) fn new(stream: S, shared: &'a Mutex<Shared>, encrypted: bool) -> Self {
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
    pub(super) async fn run(&mut self, greet: bool, offers_tls: bool) -> std::io::Result<bool> {
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
                "EHLO" => self.introduce_itself(rest, offers_tls).await?,
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

    async fn introduce_itself(&mut self, to: &str, offers_tls: bool) -> std::io::Result<()> {
        self.pass(Step::Hello).await;
        lock(self.shared).hellos.push(to.to_owned());
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
            .await
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
        if let Mood::TakesItsTime(time) = self.mood() {
            tokio::time::sleep(time).await;
        }
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
            at: Instant::now(),
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
