//! A sign-in service of OAuth 2.0 on a loopback port: gives tokens, replaces them, and fails on demand.
//!
//! Access tokens are asked about by the mail server (RFC 7662); a refresh token is good for one use (RFC 9700, 4.14.2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How the next question for a token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// With an error of its own.
    ServerError,
    /// Not at all: the connection ends.
    Silence,
    /// Not at all: the connection stays open for so many seconds.
    Hang(u64),
    /// The token is replaced, and the answer is lost on the way.
    Lost,
    /// With words that are no JSON.
    Nonsense,
    /// The client is not known.
    UnknownClient,
}

#[derive(Debug, Default)]
struct State {
    moods: VecDeque<Mood>,
    /// Access tokens that open the mailbox.
    good: BTreeSet<String>,
    refresh_token: Option<String>,
    /// The refresh token before the last is taken once more.
    grace: Option<String>,
    has_grace: bool,
    seconds: i64,
    given: u32,
    asked: u32,
    device_questions: u32,
    /// Challenges by code.
    challenges: HashMap<String, String>,
}

/// A running service. Clones are the same service.
#[derive(Clone, Debug)]
pub(crate) struct TokenServer {
    /// Where it listens.
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl TokenServer {
    /// Starts a service whose access tokens live for an hour.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(Mutex::new(State { seconds: 3_600, ..State::default() }));
        let server = Self { port: listener.local_addr().unwrap().port(), state };
        let own = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = own.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        server
    }

    /// Its section of a mailbox in `mailroom.toml`.
    pub(crate) fn section(&self) -> String {
        let base = format!("http://127.0.0.1:{}", self.port);
        format!(
            "[mailbox.oauth]\nclient_id = 'mailroom'\nauthorise_url = '{base}/authorise'\ntoken_url = '{base}/token'\n\
             device_url = '{base}/device'\nscope = 'mail offline_access'\n"
        )
    }

    /// How the next questions for a token are answered.
    pub(crate) fn expect(&self, moods: &[Mood]) {
        self.state.lock().unwrap().moods.extend(moods);
    }

    /// How long access tokens live from now on, as the service says.
    pub(crate) fn give_for(&self, seconds: i64) {
        self.state.lock().unwrap().seconds = seconds;
    }

    /// Takes the refresh token before the last once more from now on.
    pub(crate) fn allow_grace(&self) {
        self.state.lock().unwrap().has_grace = true;
    }

    /// The mail server takes none of the access tokens that were given so far.
    pub(crate) fn withdraw_access(&self) {
        self.state.lock().unwrap().good.clear();
    }

    /// Consent is withdrawn: nothing that was given is good any more.
    pub(crate) fn withdraw_consent(&self) {
        let mut state = self.state.lock().unwrap();
        state.good.clear();
        state.refresh_token = None;
        state.grace = None;
    }

    /// How often a token was asked for.
    pub(crate) fn asked(&self) -> u32 {
        self.state.lock().unwrap().asked
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        if reader.read_line(&mut first).is_err() {
            return;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = String::from_utf8_lossy(&body);
        let fields = fields(if query.is_empty() { &body } else { query });
        let answer = match path {
            "/token" => self.token(&fields),
            "/device" => Some((
                200,
                r#"{"device_code":"dc","user_code":"ABCD-EFGH","verification_uri":"https://signin.example/device","expires_in":60,"interval":1}"#.to_owned(),
            )),
            "/authorise" => Some(self.authorise(&fields)),
            "/introspect" => Some(self.introspect(&fields)),
            _ => Some((404, String::new())),
        };
        let Some((status, text)) = answer else { return };
        let more = if status == 302 { format!("Location: {text}\r\n") } else { String::new() };
        let text = if status == 302 { "" } else { &text };
        let _gone = write!(
            reader.get_mut(),
            "HTTP/1.1 {status} Word\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
    }

    fn token(&self, fields: &HashMap<String, String>) -> Option<(u16, String)> {
        let mut state = self.state.lock().unwrap();
        state.asked += 1;
        assert_eq!(fields.get("client_id").map(String::as_str), Some("mailroom"));
        let refuse =
            |error: &str| Some((400, format!(r#"{{"error":"{error}","error_description":"this is why"}}"#)));
        let mood = state.moods.pop_front();
        match mood {
            Some(Mood::ServerError) => return Some((503, "try later".to_owned())),
            Some(Mood::Silence) => return None,
            Some(Mood::Hang(seconds)) => {
                drop(state);
                thread::sleep(std::time::Duration::from_secs(seconds));
                return None;
            }
            Some(Mood::Nonsense) => return Some((200, "<html>maintenance</html>".to_owned())),
            Some(Mood::UnknownClient) => return refuse("invalid_client"),
            Some(Mood::Lost) | None => {}
        }
        let value = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        match value("grant_type") {
            "refresh_token" => {
                let shown = Some(value("refresh_token").to_owned());
                if shown != state.refresh_token && (!state.has_grace || shown != state.grace) {
                    return refuse("invalid_grant");
                }
                state.grace = shown;
            }
            "authorization_code" => {
                let challenge = state.challenges.remove(value("code"));
                if challenge != Some(URL_SAFE_NO_PAD.encode(Sha256::digest(value("code_verifier")))) {
                    return refuse("invalid_grant");
                }
            }
            _ => {
                state.device_questions += 1;
                match state.device_questions {
                    1 => return refuse("authorization_pending"),
                    2 => return Some((503, String::new())),
                    _ => {}
                }
            }
        }
        state.given += 1;
        let (access, refresh) = (format!("access-{}", state.given), format!("refresh-{}", state.given));
        state.good.insert(access.clone());
        state.refresh_token = Some(refresh.clone());
        if mood == Some(Mood::Lost) {
            return None;
        }
        let seconds = state.seconds;
        Some((
            200,
            format!(
                r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{seconds},"refresh_token":"{refresh}"}}"#
            ),
        ))
    }

    fn authorise(&self, fields: &HashMap<String, String>) -> (u16, String) {
        assert_eq!(fields["code_challenge_method"], "S256");
        let mut state = self.state.lock().unwrap();
        let code = format!("code-{}", state.challenges.len());
        state.challenges.insert(code.clone(), fields["code_challenge"].clone());
        let encoded = fields["state"].replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        (302, format!("{}?code={code}&state={encoded}", fields["redirect_uri"]))
    }

    fn introspect(&self, fields: &HashMap<String, String>) -> (u16, String) {
        let active = self.state.lock().unwrap().good.contains(&fields["token"]);
        (200, format!(r#"{{"active":{active},"username":"{}"}}"#, super::dovecot::USER))
    }
}

fn fields(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            bytes.extend(hex::decode(digits).unwrap());
        } else {
            bytes.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// What a browser does with an address: asks for it, and follows where it leads, to the end.
pub(crate) fn browse(address: &str) -> String {
    let mut address = address.to_owned();
    loop {
        let answer = ask(&address);
        match leads_to(&answer) {
            Some(next) => address = next,
            None => return answer,
        }
    }
}

/// Where a page leads a browser, which is not followed.
pub(crate) fn redirected(address: &str) -> String {
    leads_to(&ask(address)).unwrap()
}

fn leads_to(answer: &str) -> Option<String> {
    answer.lines().find_map(|line| line.strip_prefix("Location: ")).map(str::to_owned)
}

fn ask(address: &str) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
