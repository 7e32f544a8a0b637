//! Sign-in of people by OpenID Connect, as the administrator configures it.

use super::secret::SecretRef;
use serde::Deserialize;

/// `[sign_in.openid]`: people sign in with their account at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who vouches for people: the address whose `/.well-known/openid-configuration` says the rest.
    pub issuer: String,
    /// What people call the provider: stands on the sign-in page.
    pub label: String,
    /// The application as it is registered with the provider.
    pub client_id: String,
    /// Its secret, if it has one: `{ env = "NAME" }` or `{ file = "/path" }`.
    pub client_secret: Option<SecretRef>,
    /// What is asked for, parted by blanks.
    pub scope: String,
    /// The claim with a person's mail address.
    pub email_claim: String,
    /// Take addresses as verified of which the provider says nothing: only where the organisation itself gives them out.
    pub emails_are_verified: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            label: "OpenID Connect".to_owned(),
            client_id: String::new(),
            client_secret: None,
            scope: "openid email profile".to_owned(),
            email_claim: "email".to_owned(),
            emails_are_verified: false,
        }
    }
}

impl Config {
    /// Says which key is wrong and what to write there.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |text: &str| Err(format!("sign_in.openid: {text}"));
        if self.issuer.is_empty() || self.client_id.is_empty() {
            return wrong(
                "`issuer` and `client_id` are needed: register mailroom with the provider, and write what it says",
            );
        }
        if !super::oauth::is_protected(&self.issuer) {
            return wrong("`issuer` is not protected: it begins with https://");
        }
        if !self.scope.split(' ').any(|word| word == "openid") {
            return wrong("`scope` must hold the word openid");
        }
        if self.email_claim.is_empty() || self.label.is_empty() {
            return wrong("`email_claim` and `label` must not be empty");
        }
        Ok(())
    }
}

/// Who somebody is, as a provider vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the provider knows the account by: never another's.
    pub subject: String,
    /// Mail address; empty if it says none.
    pub email: String,
    /// Whether the provider vouches that the address is that person's.
    pub email_verified: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_named() {
        let right =
            Config { issuer: "https://a.example".into(), client_id: "id".into(), ..Config::default() };
        assert_eq!(right.check(), Ok(()));
        for (config, expected) in [
            (Config::default(), "`issuer` and `client_id`"),
            (Config { issuer: "http://a.example".into(), ..right.clone() }, "https://"),
            (Config { scope: "email".into(), ..right.clone() }, "openid"),
            (Config { email_claim: String::new(), ..right.clone() }, "`email_claim`"),
        ] {
            assert!(config.check().unwrap_err().contains(expected), "{config:?}");
        }
    }
}
