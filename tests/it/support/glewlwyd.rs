//! A real provider of OpenID Connect on a loopback port, Glewlwyd, with its own database, keys and users in a temporary folder.
//!
//! Its package would start a service, so it is unpacked beside the system by `.ci/beside`, and run from there.

use super::{
    http::{ask, leads_to},
    server::{beside, eventually, free_port, output, terminate, unpacked},
};
use mailroom::model::{openid, secret::SecretRef};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Stdio},
};

/// The administrator that its database begins with.
const ADMINISTRATOR: (&str, &str) = ("admin", "password");
const PASSWORD: &str = "a password at the provider";
const SECRET: &str = "the secret of mailroom";

/// A running provider. It ends with this value.
#[derive(Debug)]
pub(crate) struct Glewlwyd {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Glewlwyd {
    /// Starts a provider where mailroom, whose pages are at `pages`, is registered.
    pub(crate) async fn start(pages: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("glewlwyd").tempdir().unwrap();
        let (port, programs) = (free_port(), unpacked("mailroom-glewlwyd"));
        make_database(folder.path(), &programs).await;
        fs::create_dir(folder.path().join("empty")).unwrap();
        let settings = settings(folder.path(), &programs, port);
        fs::write(folder.path().join("glewlwyd.conf"), settings).unwrap();
        let mut command = beside(&programs, "usr/bin/glewlwyd");
        command.arg(format!("--config-file={}", folder.path().join("glewlwyd.conf").display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.process_group(0).spawn().unwrap();
        eventually("Glewlwyd listens", || {
            assert!(child.try_wait().unwrap().is_none(), "Glewlwyd ended");
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let provider = Self { child, port, folder };
        provider.register(pages);
        provider
    }

    /// As mailroom is configured for it.
    pub(crate) fn config(&self) -> openid::Config {
        let secret = self.folder.path().join("secret");
        fs::write(&secret, SECRET).unwrap();
        openid::Config {
            issuer: self.address("api/oidc"),
            label: "Glewlwyd".to_owned(),
            client_id: "mailroom".to_owned(),
            client_secret: Some(SecretRef::File(secret)),
            ..openid::Config::default()
        }
    }

    fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Registers the plugin that speaks OpenID Connect, and mailroom as its client.
    fn register(&self, pages: &str) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        output("openssl", &["genrsa", "-out", &path("key.pem"), "2048"]);
        output("openssl", &["rsa", "-in", &path("key.pem"), "-pubout", "-out", &path("key.pub")]);
        let key = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap();
        let cookie = self.sign_in(ADMINISTRATOR.0, ADMINISTRATOR.1);
        let verified = json!({
            "name": "email_verified", "user-property": "verified", "type": "boolean", "boolean-value-true": "1",
            "boolean-value-false": "0", "mandatory": true,
        });
        let plugin = json!({ "module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": {
            "iss": self.address("api/oidc"), "jwt-type": "rsa", "jwt-key-size": "256", "key": key("key.pem"),
            "cert": key("key.pub"), "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600,
            "refresh-token-rolling": false, "allow-non-oidc": false, "auth-type-code-enabled": true,
            "auth-type-token-enabled": false, "auth-type-id-token-enabled": true, "auth-type-none-enabled": false,
            "auth-type-password-enabled": false, "auth-type-client-enabled": false, "auth-type-device-enabled": false,
            "auth-type-refresh-enabled": true, "pkce-allowed": true, "pkce-method-plain-allowed": false, "jwks-show": true,
            "subject-type": "public", "name-claim": "mandatory", "email-claim": "mandatory", "claims": [verified],
            "request-parameter-allow": false,
        } });
        self.tell("POST", "api/mod/plugin/", &cookie, &plugin);
        let client = json!({
            "client_id": "mailroom", "name": "mailroom", "enabled": true, "confidential": true, "client_secret": SECRET,
            "password": SECRET, "redirect_uri": [format!("{pages}/sign-in/openid/back")], "authorization_type": ["code"],
            "token_endpoint_auth_method": ["client_secret_post"], "scope": ["openid"],
        });
        self.tell("POST", "api/client/", &cookie, &client);
    }

    /// Adds somebody who consents to mailroom; the browser's cookie.
    pub(crate) fn add(&self, name: &str, email: &str, verified: bool) -> String {
        let cookie = self.sign_in(ADMINISTRATOR.0, ADMINISTRATOR.1);
        let user = json!({
            "username": name, "name": name, "email": email, "password": PASSWORD, "enabled": true,
            "verified": if verified { "1" } else { "0" }, "scope": ["openid", "g_profile"],
        });
        self.tell("POST", "api/user/", &cookie, &user);
        let cookie = self.sign_in(name, PASSWORD);
        self.tell("PUT", "api/auth/grant/mailroom", &cookie, &json!({ "scope": "openid" }));
        cookie
    }

    fn sign_in(&self, name: &str, password: &str) -> String {
        let answer = self.tell("POST", "api/auth/", "", &json!({ "username": name, "password": password }));
        let cookie = answer.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    fn tell(&self, method: &str, path: &str, cookie: &str, value: &Value) -> String {
        let head = ["Content-Type: application/json", &format!("Cookie: {cookie}")];
        let answer = ask(method, &self.address(path), &head, &value.to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        answer
    }
}

/// Where a signed-in person's browser is led from the address of a sign-in: back to mailroom.
pub(crate) fn consent(address: &str, cookie: &str) -> String {
    // what its own page adds after the person went on
    let address = format!("{address}&g_continue");
    leads_to(&ask("GET", &address, &[&format!("Cookie: {cookie}")], "")).unwrap()
}

impl Drop for Glewlwyd {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

/// Makes the database from the package's script; users have a property that says whether their address is verified.
async fn make_database(folder: &Path, programs: &Path) {
    let script = programs.join("usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz");
    let script = output("gzip", &["-dc", script.to_str().unwrap()]);
    sqlx::any::install_default_drivers();
    let path = folder.join("glewlwyd.db");
    let address = format!("sqlite:{}?mode=rwc", path.display());
    let pool = sqlx::AnyPool::connect(&address).await.unwrap();
    let property = r#""data-format":{"verified":{"multiple":false,"read":true,"write":true},"#;
    let added = script.replacen(r#""data-format":{"#, property, 1);
    sqlx::raw_sql(sqlx::AssertSqlSafe(added)).execute(&pool).await.unwrap();
    pool.close().await;
}

fn settings(folder: &Path, programs: &Path, port: u16) -> String {
    let (here, modules) = (folder.display(), programs.join("usr/lib/glewlwyd"));
    let modules = modules.display();
    format!(
        "port={port}\nbind_address=\"127.0.0.1\"\nexternal_url=\"http://127.0.0.1:{port}\"\nlogin_url=\"login.html\"\n\
         api_prefix=\"api\"\nlog_mode=\"console\"\nlog_level=\"ERROR\"\ncookie_domain=\"127.0.0.1\"\ncookie_secure=0\n\
         session_expiration=3600\nsession_key=\"GLEWLWYD\"\nadmin_session_authentication=\"cookie\"\n\
         profile_session_authentication=\"cookie\"\nlogin_api_enabled=true\nadmin_scope=\"g_admin\"\n\
         profile_scope=\"g_profile\"\nuser_module_path=\"{modules}/user\"\n\
         user_middleware_module_path=\"{here}/empty\"\nclient_module_path=\"{modules}/client\"\n\
         user_auth_scheme_module_path=\"{modules}/scheme\"\nplugin_module_path=\"{modules}/plugin\"\n\
         use_secure_connection=false\nsecure_connection_key_file=\"none\"\nsecure_connection_pem_file=\"none\"\n\
         secure_connection_ca_file=\"none\"\nhash_algorithm=\"SHA512\"\n\
         database = {{ type=\"sqlite3\" path=\"{here}/glewlwyd.db\" }};\n"
    )
}
