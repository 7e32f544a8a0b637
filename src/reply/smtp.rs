//! One conversation with an SMTP server (RFC 5321) for each mail.
//!
//! Does: one attempt, step by step, so that the caller learns whether the mail can have left: only what breaks between the
//! last byte of the content and the server's answer is in doubt.
//! Does not: keep connections, retry, or fall back from TLS to plain text.

use super::{
    Config, Tls,
    mailer::{Envelope, Refusal, SendError, Sent, refused_by_all},
};
use crate::model::secret::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS, Mechanism},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
    commands::{Data, Mail, Rcpt},
    extension::{ClientId, Extension, MailParameter},
    response::{Response, Severity},
};
use std::{
    error::Error as _,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How much of a server's own words is kept.
const SERVER_TEXT_CHARS_MAX: usize = 300;

/// A server and how to speak to it.
pub struct Smtp {
    host: String,
    port: u16,
    tls: Tls,
    tls_parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    /// Who signs in by token.
    token_user: Option<String>,
    /// The token that is good now.
    token: Mutex<Option<Secret>>,
    hello: ClientId,
    timeout: Duration,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Smtp {
    pub(super) fn new(config: &Config, password: Option<&Secret>) -> Result<Self, SendError> {
        let by_token = !config.sign_in_of.is_empty();
        let credentials = match (config.user.as_str(), password) {
            ("", _) if by_token => {
                return Err(settings("`user` is empty: write the user whose token signs in"));
            }
            ("", _) => None,
            _ if by_token => None,
            (user, Some(password)) => Some(Credentials::new(user.to_owned(), password.reveal().to_owned())),
            (_, None) => return Err(settings("`user` is set but `password` is not: say where it is found")),
        };
        Ok(Self {
            host: config.host.clone(),
            port: config.port(),
            tls: config.tls,
            tls_parameters: if config.tls == Tls::Plain { None } else { Some(tls_parameters(config)?) },
            credentials,
            token_user: by_token.then(|| config.user.clone()),
            token: Mutex::default(),
            hello: ClientId::Domain(config.host_name()),
            timeout: config.timeout(),
        })
    }

    /// The token to sign in with from now on.
    pub(super) fn renew(&self, token: &Secret) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
    }

    /// Connects, signs in, says goodbye.
    pub(super) async fn check(&self) -> Result<(), SendError> {
        let mut connection = self.connect().await?;
        let _goodbye = tokio::time::timeout(self.timeout, connection.quit()).await;
        Ok(())
    }

    pub(super) async fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<Sent, SendError> {
        let sender = envelope.sender.as_deref().map(address).transpose()?;
        let everybody: Vec<&String> = std::iter::once(&envelope.recipient).chain(&envelope.copies).collect();
        let recipients = everybody.iter().map(|to| address(to)).collect::<Result<Vec<_>, _>>()?;
        let mut connection = self.connect().await?;
        let mut parameters = Vec::new();
        let international = sender.iter().chain(&recipients).any(|a| !is_ascii(a));
        if international {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let text = "the address has letters that the server does not take (no SMTPUTF8)".to_owned();
                return Err(SendError::Permanent { text });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        self.step("MAIL FROM", connection.command(Mail::new(sender, parameters))).await?;
        let mut refusals = Vec::new();
        for (email, recipient) in everybody.iter().zip(recipients) {
            let what = format!("RCPT TO <{recipient}>");
            let command = connection.command(Rcpt::new(recipient, Vec::new()));
            match tokio::time::timeout(self.timeout, command).await {
                // One who is refused costs the others nothing.
                Ok(Err(error)) if error.is_permanent() || error.is_transient() => refusals.push(Refusal {
                    email: (*email).clone(),
                    is_final: error.is_permanent(),
                    text: format!("{what}: {}", server_text(&chain(&error))),
                }),
                answer => self.stepped(&what, answer)?,
            }
        }
        if refusals.len() >= everybody.len() {
            return Err(refused_by_all(&refusals));
        }
        self.step("DATA", connection.command(Data)).await?;
        // The client ends the content with a line end of its own.
        let content = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let answer = tokio::time::timeout(self.timeout, connection.message(content)).await;
        let sent = match answer {
            Ok(Ok(response)) => Ok(Sent { receipt: server_text(&words(&response)), refusals }),
            Ok(Err(error)) => Err(after_content(&error)),
            Err(_elapsed) => Err(SendError::InDoubt {
                text: format!("no answer to the content within {} s", self.timeout.as_secs()),
            }),
        };
        if sent.is_ok() {
            let _goodbye = tokio::time::timeout(self.timeout, connection.quit()).await;
        }
        sent
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let implicit = if self.tls == Tls::Implicit { self.tls_parameters.clone() } else { None };
        let server = (self.host.as_str(), self.port);
        let dial =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, implicit, None);
        let mut connection = match tokio::time::timeout(self.timeout, dial).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(self.not_connected(&error)),
            Err(_elapsed) => {
                let text = format!(
                    "no greeting from {}:{} within {} s",
                    self.host,
                    self.port,
                    self.timeout.as_secs()
                );
                return Err(SendError::Transient { text });
            }
        };
        if let (Tls::Starttls, Some(parameters)) = (self.tls, self.tls_parameters.clone()) {
            if !connection.can_starttls() {
                return Err(settings(&format!(
                    "{} does not offer STARTTLS on port {}: set `tls = \"implicit\"` with port 465",
                    self.host, self.port
                )));
            }
            match tokio::time::timeout(self.timeout, connection.starttls(parameters, &self.hello)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.not_connected(&error)),
                Err(_elapsed) => {
                    return Err(SendError::Transient { text: "STARTTLS took too long".to_owned() });
                }
            }
        }
        if let Some(user) = &self.token_user {
            self.sign_in_by_token(&mut connection, user).await?;
        } else if let Some(credentials) = &self.credentials {
            let login = connection.auth(DEFAULT_MECHANISMS, credentials);
            match tokio::time::timeout(self.timeout, login).await {
                Ok(Ok(_welcome)) => {}
                Ok(Err(error)) if error.is_permanent() || error.is_client() => {
                    return Err(settings(&format!(
                        "{} rejected the login: check `user` and `password` (it says: {})",
                        self.host,
                        server_text(&error.to_string())
                    )));
                }
                Ok(Err(error)) => return Err(before_content("AUTH", &error)),
                Err(_elapsed) => return Err(SendError::Transient { text: "AUTH took too long".to_owned() }),
            }
        }
        Ok(connection)
    }

    /// XOAUTH2 where the server offers it, else OAUTHBEARER (RFC 7628).
    async fn sign_in_by_token(
        &self,
        connection: &mut AsyncSmtpConnection,
        user: &str,
    ) -> Result<(), SendError> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(token) = token else {
            return Err(SendError::Transient { text: "the mailbox is not signed in yet".to_owned() });
        };
        let token = token.reveal();
        let response = if connection.server_info().supports_auth_mechanism(Mechanism::Xoauth2) {
            format!("XOAUTH2 {}", STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01")))
        } else {
            let name = user.replace('=', "=3D").replace(',', "=2C");
            format!("OAUTHBEARER {}", STANDARD.encode(format!("n,a={name},\x01auth=Bearer {token}\x01\x01")))
        };
        let login = connection.command(format!("AUTH {response}\r\n"));
        match tokio::time::timeout(self.timeout, login).await {
            // 334 carries the reason of a refusal, which an empty answer ends.
            Ok(Ok(answer)) if answer.code().severity != Severity::PositiveIntermediate => Ok(()),
            Ok(Ok(answer)) => {
                let _refused = tokio::time::timeout(self.timeout, connection.command("\r\n")).await;
                Err(token_refused(&self.host, &words(&answer)))
            }
            Ok(Err(error)) if error.is_permanent() || error.is_client() => {
                Err(token_refused(&self.host, &error.to_string()))
            }
            Ok(Err(error)) => Err(before_content("AUTH", &error)),
            Err(_elapsed) => Err(SendError::Transient { text: "AUTH took too long".to_owned() }),
        }
    }

    async fn step(
        &self,
        what: &str,
        command: impl Future<Output = Result<Response, Error>>,
    ) -> Result<(), SendError> {
        self.stepped(what, tokio::time::timeout(self.timeout, command).await)
    }

    fn stepped(
        &self,
        what: &str,
        answer: Result<Result<Response, Error>, tokio::time::error::Elapsed>,
    ) -> Result<(), SendError> {
        match answer {
            Ok(Ok(_response)) => Ok(()),
            Ok(Err(error)) => Err(before_content(what, &error)),
            Err(_elapsed) => {
                let text = format!("no answer to {what} within {} s", self.timeout.as_secs());
                Err(SendError::Transient { text })
            }
        }
    }

    fn not_connected(&self, error: &Error) -> SendError {
        let (host, port) = (&self.host, self.port);
        let chain = chain(error);
        match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(_)) => {
                return settings(&format!(
                    "the certificate of {host} is not trusted ({}): set `ca_file` to the authority that signed it, or `host` to the name in the certificate",
                    server_text(&chain)
                ));
            }
            Some(rustls::Error::InvalidMessage(_)) => {
                return settings(&format!(
                    "{host} does not speak TLS on port {port} as configured: check `tls` and `port` (465 is implicit, 587 is starttls)"
                ));
            }
            Some(_) | None => {}
        }
        SendError::Transient { text: format!("cannot connect to {host}:{port} ({})", server_text(&chain)) }
    }
}

fn tls_parameters(config: &Config) -> Result<TlsParameters, SendError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let unreadable =
            |why: String| settings(&format!("`ca_file` {} cannot be used: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| unreadable(error.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| settings(&format!("TLS cannot be set up: {}", chain(&error))))
}

/// The next attempt has a fresh token.
fn token_refused(host: &str, said: &str) -> SendError {
    SendError::Transient { text: format!("{host} rejected the token (it says: {})", server_text(said)) }
}

fn settings(text: &str) -> SendError {
    SendError::Settings { text: format!("mail_out: {text}") }
}

fn address(text: &str) -> Result<lettre::Address, SendError> {
    text.parse().map_err(|_invalid| SendError::Permanent { text: "the address is not one".to_owned() })
}

fn is_ascii(address: &lettre::Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}

/// Before the content nothing can have left: only a clear refusal is final.
fn before_content(what: &str, error: &Error) -> SendError {
    let text = format!("{what}: {}", server_text(&chain(error)));
    if error.is_permanent() { SendError::Permanent { text } } else { SendError::Transient { text } }
}

/// After the content only a clear answer tells.
fn after_content(error: &Error) -> SendError {
    let text = server_text(&chain(error));
    if error.is_permanent() {
        SendError::Permanent { text }
    } else if error.is_transient() {
        SendError::Transient { text }
    } else {
        SendError::InDoubt { text }
    }
}

fn words(response: &Response) -> String {
    format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" "))
}

/// What TLS says, somewhere among the causes.
fn tls_error(error: &Error) -> Option<&rustls::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        let found = wrapped.and_then(|inner| inner.downcast_ref()).or_else(|| cause.downcast_ref());
        if found.is_some() {
            return found;
        }
        source = cause.source();
    }
    None
}

/// An error and its causes on one line, each once.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn server_text(text: &str) -> String {
    text.chars().take(SERVER_TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
