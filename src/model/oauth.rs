//! Sign-in to mail servers by OAuth 2.0, as the administrator configures it.

use super::secret::SecretRef;
use serde::{Deserialize, Serialize};

/// `[mailbox.oauth]`: sign-in by tokens instead of a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `microsoft`, `google`, or `other` with addresses of its own. Default: `other`.
    pub provider: Provider,
    /// Microsoft: the organisation, by its id or domain. Default: `organizations`.
    pub tenant: String,
    /// The application as it is registered with the provider.
    pub client_id: String,
    /// Its secret, if it has one: `{ env = "NAME" }` or `{ file = "/path" }`.
    #[serde(skip_serializing)]
    pub client_secret: Option<SecretRef>,
    /// The day on which that secret expires, e.g. `2027-05-01`: told on the mailbox page weeks before.
    pub client_secret_expires: Option<String>,
    /// Where a person consents; empty: as the provider has it.
    pub authorise_url: String,
    /// Where tokens are had; empty: as the provider has it.
    pub token_url: String,
    /// Where a device asks for a code; empty: as the provider has it.
    pub device_url: String,
    /// What is asked for, parted by blanks; empty: as the provider has it.
    pub scope: String,
    /// Days that a refresh token lives without use; 0: as the provider has it.
    pub refresh_days: u32,
}

/// Who gives tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Microsoft 365.
    Microsoft,
    /// Google Workspace and Gmail.
    Google,
    /// Anybody else.
    #[default]
    Other,
}

/// Addresses and scope, with what the provider has filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Where a person consents.
    pub authorise: String,
    /// Where tokens are had.
    pub token: String,
    /// Where a device asks for a code; empty: not at all.
    pub device: String,
    /// What is asked for.
    pub scope: String,
}

impl Config {
    /// The days that a refresh token lives without use, if anybody says.
    pub fn refresh_days(&self) -> Option<i64> {
        match (self.refresh_days, self.provider) {
            (0, Provider::Microsoft) => Some(90),
            (0, Provider::Google | Provider::Other) => None,
            (days, _) => Some(i64::from(days)),
        }
    }

    /// The end of the application's secret, milliseconds UTC.
    pub fn client_secret_expires_ms(&self) -> Option<i64> {
        let day: jiff::civil::Date = self.client_secret_expires.as_ref()?.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
    }

    /// Says which key is wrong and what to write there.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |text: String| Err(format!("oauth: {text}"));
        if self.client_id.is_empty() {
            return wrong(
                "`client_id` is empty: register mailroom with the provider, and write the id it got"
                    .to_owned(),
            );
        }
        if self.client_secret_expires.is_some() && self.client_secret_expires_ms().is_none() {
            return wrong(
                "`client_secret_expires` is not a day: write one such as \"2027-05-01\"".to_owned(),
            );
        }
        if !self.tenant.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)) {
            return wrong("`tenant` is not the id or domain of an organisation".to_owned());
        }
        let Endpoints { authorise, token, device, .. } = self.endpoints();
        if token.is_empty() {
            return wrong("`token_url` is empty: write it, or name a `provider`".to_owned());
        }
        for address in [authorise, token, device].iter().filter(|address| !address.is_empty()) {
            if !is_protected(address) {
                return wrong(format!("{address} is not protected: addresses begin with https://"));
            }
        }
        Ok(())
    }

    /// The addresses that count.
    pub fn endpoints(&self) -> Endpoints {
        let or = |own: &str, preset: String| if own.is_empty() { preset } else { own.to_owned() };
        let tenant = if self.tenant.is_empty() { "organizations" } else { &self.tenant };
        let microsoft = |path: &str| format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/{path}");
        let (authorise, token, device, scope) = match self.provider {
            Provider::Microsoft => (
                microsoft("authorize"),
                microsoft("token"),
                microsoft("devicecode"),
                "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"
                    .to_owned(),
            ),
            Provider::Google => (
                "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
                "https://oauth2.googleapis.com/token".to_owned(),
                // Google grants devices no access to mail.
                String::new(),
                "https://mail.google.com/".to_owned(),
            ),
            Provider::Other => Default::default(),
        };
        Endpoints {
            authorise: or(&self.authorise_url, authorise),
            token: or(&self.token_url, token),
            device: or(&self.device_url, device),
            scope: or(&self.scope, scope),
        }
    }
}

/// Whether secrets may be sent to an address: it is protected, or on this machine.
pub fn is_protected(address: &str) -> bool {
    ["https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
        .iter()
        .any(|start| address.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(provider: Provider) -> Config {
        Config { provider, client_id: "id".to_owned(), ..Config::default() }
    }

    #[test]
    fn wrong_settings_are_named() {
        assert!(config(Provider::Microsoft).check().is_ok() && config(Provider::Google).check().is_ok());
        for (config, expected) in [
            (Config::default(), "`client_id` is empty"),
            (config(Provider::Other), "`token_url` is empty"),
            (Config { token_url: "http://a.example/token".into(), ..config(Provider::Other) }, "https://"),
            (Config { tenant: "a/b".into(), ..config(Provider::Microsoft) }, "`tenant`"),
            (Config { client_secret_expires: Some("soon".into()), ..config(Provider::Google) }, "not a day"),
        ] {
            let text = config.check().unwrap_err();
            assert!(text.contains(expected), "{text}");
        }
        let local = Config { token_url: "http://127.0.0.1:1/token".into(), ..config(Provider::Other) };
        assert!(local.check().is_ok());
    }
}
