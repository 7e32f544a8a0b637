//! From a configured server to a session: greeting, TLS, password or token, capabilities.

use super::{
    ANSWER_BYTES_MAX, CONNECT_SECONDS, Imap, LOGIN_SECONDS, MailboxError,
    answer::{broken, denied, in_time, protocol, server_words},
};
use crate::{
    mailbox::{
        Tls,
        error::server_text,
        tls::{self, Metered, Wire},
    },
    model::secret::Secret,
};
use async_imap::{
    Client, Session,
    error::Error as ClientError,
    imap_proto::{Capability, Response, Status},
};
use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, time::timeout};

impl Imap {
    /// Connects and signs in, unless that is done.
    pub(super) async fn sign_in(&mut self) -> Result<(), MailboxError> {
        if self.session.is_some() {
            return Ok(());
        }
        self.opened = None;
        self.meter.allow(ANSWER_BYTES_MAX);
        let greeted = timeout(Duration::from_secs(CONNECT_SECONDS), self.greet());
        let client = in_time("connect", CONNECT_SECONDS, greeted).await??;
        let login = timeout(Duration::from_secs(LOGIN_SECONDS), self.login(client));
        self.session = Some(in_time("log in", LOGIN_SECONDS, login).await??);
        let mut capabilities = BTreeSet::new();
        self.run("ask for capabilities", LOGIN_SECONDS, "CAPABILITY", |response| {
            if let Response::Capabilities(list) = response {
                capabilities.extend(list.iter().filter_map(|capability| match capability {
                    Capability::Atom(atom) => Some(atom.to_ascii_uppercase()),
                    _ => None,
                }));
            }
        })
        .await?;
        self.capabilities = capabilities;
        Ok(())
    }

    /// A connection whose server has said hello, protected as configured.
    async fn greet(&self) -> Result<Client<Metered>, MailboxError> {
        let mut wire: Box<dyn Wire> = Box::new(tls::dial(&self.config).await?);
        if let (Tls::Implicit, Some(settings)) = (self.config.tls, &self.tls_settings) {
            wire = tls::secure(&self.config, settings, wire).await?;
        }
        let mut client = Client::new(Metered::new(wire, &self.meter));
        let greeting = client.read_response().await.map_err(|error| self.not_imap(error))?;
        match greeting.as_ref().map(|response| response.parsed()) {
            Some(Response::Data { status: Status::Ok, .. }) => {}
            Some(Response::Data { status: Status::Bye, outcome, .. }) => {
                return Err(denied("connect", outcome));
            }
            Some(_) => return Err(protocol("connect", "the greeting is not one")),
            None => return Err(broken("connect")),
        }
        let (Tls::Starttls, Some(settings)) = (self.config.tls, &self.tls_settings) else {
            return Ok(client);
        };
        match client.run_command_and_check_ok("STARTTLS", None).await {
            Ok(()) => {}
            Err(ClientError::No(_) | ClientError::Bad(_)) => {
                return Err(MailboxError::NoStarttls {
                    host: self.config.host.clone(),
                    port: self.config.port(),
                });
            }
            Err(error) => return Err(self.failed("connect", error)),
        }
        // Whatever came unprotected after the answer is thrown away with the old client.
        let wire = tls::secure(&self.config, settings, client.into_inner().into_wire()).await?;
        Ok(Client::new(Metered::new(wire, &self.meter)))
    }

    async fn login(&self, client: Client<Metered>) -> Result<Session<Metered>, MailboxError> {
        let user = &self.config.user;
        let password = self.password.as_ref().map_or("", Secret::reveal);
        if self.config.oauth.is_some() {
            return self.login_by_token(client, user, password).await;
        }
        let signed_in = if user.is_ascii() && password.is_ascii() {
            client.login(user, password).await
        } else {
            let plain = Plain(format!("\0{user}\0{password}"));
            client.authenticate("PLAIN", plain).await
        };
        signed_in.map_err(|(error, _client)| match error {
            ClientError::No(text) if text.contains("UNAVAILABLE") => {
                MailboxError::Denied { verb: "log in", text: server_words(&text) }
            }
            ClientError::No(text) | ClientError::Bad(text) => {
                MailboxError::LoginRejected { host: self.config.host.clone(), text: server_words(&text) }
            }
            other => self.failed("log in", other),
        })
    }

    /// OAUTHBEARER (RFC 7628), or XOAUTH2 where the server has only that.
    async fn login_by_token(
        &self,
        mut client: Client<Metered>,
        user: &str,
        token: &str,
    ) -> Result<Session<Metered>, MailboxError> {
        let (mut standard, mut elder) = (false, false);
        let asked = async {
            client.get_mut().write_all(b"c CAPABILITY\r\n").await?;
            client.get_mut().flush().await
        };
        asked.await.map_err(|error| self.failed("log in", ClientError::Io(error)))?;
        loop {
            let answer = client.read_response().await;
            let answer = answer.map_err(|error| self.failed("log in", ClientError::Io(error)))?;
            let answer = answer.ok_or_else(|| broken("log in"))?;
            match answer.parsed() {
                Response::Capabilities(list) => {
                    let has = |name: &str| {
                        list.iter().any(|capability| {
                            matches!(capability, Capability::Auth(auth) if auth.eq_ignore_ascii_case(name))
                        })
                    };
                    (standard, elder) = (has("OAUTHBEARER"), has("XOAUTH2"));
                }
                Response::Done { tag, .. } if tag.0 == "c" => break,
                _ => {}
            }
        }
        let host = self.config.host.clone();
        let (mechanism, answer) = match (standard, elder) {
            (true, _) => {
                let name = user.replace('=', "=3D").replace(',', "=2C");
                ("OAUTHBEARER", format!("n,a={name},\x01auth=Bearer {token}\x01\x01"))
            }
            (false, true) => ("XOAUTH2", format!("user={user}\x01auth=Bearer {token}\x01\x01")),
            (false, false) => {
                let text =
                    "it offers neither OAUTHBEARER nor XOAUTH2: set `password` instead of `oauth`".to_owned();
                return Err(MailboxError::LoginRejected { host, text });
            }
        };
        let said = Arc::new(Mutex::new(String::new()));
        let bearer = Bearer { answer: Some(answer), said: Arc::clone(&said) };
        client.authenticate(mechanism, bearer).await.map_err(|(error, _client)| match error {
            ClientError::No(text) | ClientError::Bad(text) => {
                let said = said.lock().unwrap_or_else(PoisonError::into_inner);
                MailboxError::TokenRejected {
                    host,
                    text: server_text(&format!("{} {said}", server_words(&text))),
                }
            }
            other => self.failed("log in", other),
        })
    }

    /// Nothing sensible came as a greeting: most likely TLS is spoken at one end only.
    fn not_imap(&self, error: io::Error) -> MailboxError {
        match self.failed("connect", ClientError::Io(error)) {
            MailboxError::Protocol { .. } => MailboxError::Tls {
                host: self.config.host.clone(),
                port: self.config.port(),
                source: io::ErrorKind::InvalidData.into(),
            },
            other => other,
        }
    }
}

/// The one answer of SASL PLAIN (RFC 4616).
struct Plain(String);

impl async_imap::Authenticator for Plain {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.0.clone()
    }
}

/// The answer of OAUTHBEARER and XOAUTH2, then an empty one to a refusal that comes with its reason.
struct Bearer {
    answer: Option<String>,
    /// The server's reason, in JSON.
    said: Arc<Mutex<String>>,
}

impl async_imap::Authenticator for Bearer {
    type Response = String;

    fn process(&mut self, challenge: &[u8]) -> String {
        self.answer.take().unwrap_or_else(|| {
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) =
                String::from_utf8_lossy(challenge).into_owned();
            "\x01".to_owned()
        })
    }
}
