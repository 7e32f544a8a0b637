//! A sign-in service of OAuth 2.0 on a loopback port: gives tokens, replaces them, and fails on demand.
//!
//! Access tokens are asked about by the mail server (RFC 7662); a refresh token is good for one use (RFC 9700, 4.14.2).

use super::http;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
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
        let state = Arc::new(Mutex::new(State { seconds: 3_600, ..State::default() }));
        let own = Self { port: 0, state: Arc::clone(&state) };
        let port = http::listen(move |path, fields| own.answer(path, fields));
        Self { port, state }
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

    fn answer(&self, path: &str, fields: &HashMap<String, String>) -> Option<(u16, String)> {
        match path {
            "/token" => self.token(fields),
            "/device" => Some((
                200,
                r#"{"device_code":"dc","user_code":"ABCD-EFGH","verification_uri":"https://signin.example/device","expires_in":60,"interval":1}"#.to_owned(),
            )),
            "/authorise" => Some(self.authorise(fields)),
            "/introspect" => Some(self.introspect(fields)),
            _ => Some((404, String::new())),
        }
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
