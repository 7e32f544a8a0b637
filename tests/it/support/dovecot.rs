//! A real Dovecot on loopback ports, with its own configuration, users, certificate and mail in a temporary folder.
//!
//! It serves IMAP and, if there is a server to hand mail on to, submission with TLS and sign-in.
//! It runs without privileges: as the user who runs the tests, or as `nobody` if that is root. Dovecot 2.3 and 2.4.

use super::{
    certificates,
    server::{PATIENCE, eventually, free_port, is_root, output, program, terminate},
};
use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The mailbox's user.
pub(crate) const USER: &str = "orders";
/// And its password.
pub(crate) const PASSWORD: &str = "correct horse \"battery\" staple";
/// The name in the certificate.
pub(crate) const HOST: &str = "localhost";

/// A running server. It ends with this value.
#[derive(Debug)]
pub(crate) struct Dovecot {
    folder: tempfile::TempDir,
    child: Child,
    owner: Owner,
    /// IMAP, plain or STARTTLS.
    pub(crate) port: u16,
    /// IMAP over TLS.
    pub(crate) tls_port: u16,
    /// Submission with STARTTLS.
    pub(crate) submission_port: u16,
    /// Submission over TLS.
    pub(crate) submissions_port: u16,
    /// The authority that signed its certificate.
    pub(crate) ca: PathBuf,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    imap: u16,
    imaps: u16,
    submission: u16,
    submissions: u16,
    /// Where submitted mail goes.
    relay: Option<u16>,
    /// Where tokens are asked about.
    introspection: Option<u16>,
}

/// The user that a server runs as.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Its name.
    pub(crate) user: String,
    group: String,
    uid: u32,
    gid: u32,
}

impl Dovecot {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(None, None)
    }

    /// Starts a server that takes tokens too, and asks about them at this port.
    pub(crate) fn start_with_tokens(introspection: u16) -> Self {
        Self::start_with(None, Some(introspection))
    }

    /// Starts a server that also takes mail, and hands it on to this port.
    pub(crate) fn start_with_submission(relay: u16) -> Self {
        Self::start_with(Some(relay), None)
    }

    /// Starts a server that submits to one port and asks about tokens at another, if they are given.
    pub(crate) fn start_with(relay: Option<u16>, introspection: Option<u16>) -> Self {
        let folder = tempfile::Builder::new().prefix("dovecot").tempdir().unwrap();
        let owner = Owner::find();
        let ca = certificates::make(folder.path(), HOST);
        std::fs::write(folder.path().join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}::::::\n")).unwrap();
        for name in ["run", "state", "mail"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let ports = Ports {
            imap: free_port(),
            imaps: free_port(),
            submission: free_port(),
            submissions: free_port(),
            relay,
            introspection,
        };
        let path = folder.path().join("dovecot.conf");
        std::fs::write(&path, settings(folder.path(), &owner, ports)).unwrap();
        owner.own(folder.path());
        let child = launch(&path, &owner);
        let mut dovecot = Self {
            folder,
            child,
            owner,
            port: ports.imap,
            tls_port: ports.imaps,
            submission_port: ports.submission,
            submissions_port: ports.submissions,
            ca,
        };
        dovecot.wait_until_ready();
        dovecot
    }

    /// Stops the server and all its connections.
    pub(crate) fn stop(&mut self) {
        terminate(&mut self.child);
    }

    /// Starts it again with the same mail.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(&self.folder.path().join("dovecot.conf"), &self.owner);
        self.wait_until_ready();
    }

    /// A plain connection, signed in.
    pub(crate) fn client(&self) -> Client {
        Client::sign_in(self.port)
    }

    /// Delivers a message; the folder is made if it is not there.
    pub(crate) fn append(&self, folder: &str, bytes: &[u8]) {
        self.client().deliver(folder, bytes);
    }

    fn wait_until_ready(&mut self) {
        let (port, log) = (self.port, self.folder.path().join("log"));
        let child = &mut self.child;
        eventually("Dovecot answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("Dovecot ended ({status}): {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut greeting = String::new();
            BufReader::new(stream).read_line(&mut greeting).ok()?;
            greeting.starts_with("* OK").then_some(())
        });
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        terminate(&mut self.child);
    }
}

/// Another client, such as a person's Outlook: speaks IMAP by hand.
#[derive(Debug)]
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// A plain connection to a server on this machine, signed in.
    pub(crate) fn sign_in(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { reader: BufReader::new(stream) };
        client.read_line();
        client.command(&format!("LOGIN {USER} \"{}\"", PASSWORD.replace('"', "\\\"")));
        client
    }

    /// Delivers a message; the folder is made if it is not there.
    pub(crate) fn deliver(&mut self, folder: &str, bytes: &[u8]) {
        if !self.try_command(&format!("STATUS \"{folder}\" (MESSAGES)")).1 {
            self.command(&format!("CREATE \"{folder}\""));
        }
        self.append(folder, bytes);
    }

    /// Runs a command that must succeed, and returns what the server said.
    pub(crate) fn command(&mut self, command: &str) -> String {
        let (answer, succeeded) = self.try_command(command);
        assert!(succeeded, "{command}: {answer}");
        answer
    }

    /// Runs a command, and returns what the server said and whether it said OK.
    pub(crate) fn try_command(&mut self, command: &str) -> (String, bool) {
        write!(self.reader.get_mut(), "x {command}\r\n").unwrap();
        self.read_answer()
    }

    /// Delivers a message.
    pub(crate) fn append(&mut self, folder: &str, bytes: &[u8]) {
        write!(self.reader.get_mut(), "x APPEND \"{folder}\" {{{}+}}\r\n", bytes.len()).unwrap();
        self.reader.get_mut().write_all(bytes).unwrap();
        self.reader.get_mut().write_all(b"\r\n").unwrap();
        let (answer, succeeded) = self.read_answer();
        assert!(succeeded, "APPEND: {answer}");
    }

    /// The flags of a message in a folder, `(\Seen)`; empty if it is not there.
    pub(crate) fn flags(&mut self, folder: &str, uid: i64) -> String {
        self.command(&format!("EXAMINE \"{folder}\""));
        let answer = self.command(&format!("UID FETCH {uid} (FLAGS)"));
        let flags = answer.lines().find_map(|line| line.split_once("FLAGS (")?.1.split_once(')'));
        flags.map_or_else(String::new, |(flags, _)| flags.to_owned())
    }

    fn read_answer(&mut self) -> (String, bool) {
        let mut answer = String::new();
        loop {
            let line = self.read_line();
            answer.push_str(&line);
            if let Some(end) = line.strip_prefix("x ") {
                return (answer, end.starts_with("OK"));
            }
        }
    }

    fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).unwrap();
        assert!(!line.is_empty(), "the server closed the connection");
        let mut text = String::from_utf8_lossy(&line).into_owned();
        // A literal follows: take it as it is.
        if let Some(size) =
            text.trim_end().rsplit_once('{').and_then(|(_, size)| size.strip_suffix('}')?.parse().ok())
        {
            let mut literal = vec![0; size];
            self.reader.read_exact(&mut literal).unwrap();
            text.push_str(&String::from_utf8_lossy(&literal));
            text.push_str(&self.read_line());
        }
        text
    }
}

impl Owner {
    /// Whoever runs the tests, or `nobody` if that is root.
    pub(crate) fn find() -> Self {
        let name = if is_root() { "nobody".to_owned() } else { output("id", &["-un"]) };
        Self {
            uid: output("id", &["-u", &name]).parse().unwrap(),
            gid: output("id", &["-g", &name]).parse().unwrap(),
            group: output("id", &["-gn", &name]),
            user: name,
        }
    }

    /// Gives a folder and all in it to the user that the server runs as.
    pub(crate) fn own(&self, folder: &Path) {
        if is_root() {
            output("chown", &["-R", &format!("{}:{}", self.user, self.group), folder.to_str().unwrap()]);
        }
    }
}

fn launch(path: &Path, owner: &Owner) -> Child {
    let mut command = Command::new(program("dovecot"));
    command.arg("-F").arg("-c").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if is_root() {
        command.uid(owner.uid).gid(owner.gid);
    }
    // A group of its own, so that the processes that serve connections end with it.
    command.process_group(0).spawn().unwrap()
}

fn settings(folder: &Path, owner: &Owner, ports: Ports) -> String {
    let version = output(program("dovecot"), &["--version"]);
    let is_old = version.starts_with("2.3") || version.starts_with("2.2");
    let (folder, Owner { user, group, uid, gid }) = (folder.display(), owner);
    let mut text = String::new();
    if !is_old {
        let number = version.split([' ', '-']).next().unwrap();
        writeln!(text, "dovecot_config_version = {number}\ndovecot_storage_version = {number}").unwrap();
    }
    write!(
        text,
        "base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = {folder}/log\n\
        default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
        first_valid_uid = 1\nauth_failure_delay = 0\nmail_max_userip_connections = 100\nssl = yes\n"
    )
    .unwrap();
    let submission = if ports.relay.is_some() { "submission" } else { "" };
    let services = if is_old {
        format!(
            "protocols = imap {submission}\ndisable_plaintext_auth = no\nssl_cert = <{folder}/cert.pem\nssl_key = <{folder}/cert.key\n\
            mail_location = maildir:{folder}/mail/%u\n\
            passdb {{\n  driver = passwd-file\n  args = {folder}/users\n}}\n\
            userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={folder}/mail/%u\n}}\n"
        )
    } else {
        format!(
            "protocols {{\n  imap = yes\n  submission = {}\n}}\nauth_allow_cleartext = yes\n\
            ssl_server_cert_file = {folder}/cert.pem\nssl_server_key_file = {folder}/cert.key\n\
            mail_driver = maildir\nmail_path = {folder}/mail/%{{user}}\n\
            passdb passwd-file {{\n  passwd_file_path = {folder}/users\n}}\n\
            userdb static {{\n  fields {{\n    uid = {uid}\n    gid = {gid}\n    home = {folder}/mail/%{{user}}\n  }}\n}}\n",
            if ports.relay.is_some() { "yes" } else { "no" }
        )
    };
    text.push_str(&services);
    if let Some(port) = ports.introspection {
        let address = format!("http://127.0.0.1:{port}/introspect?token=");
        text.push_str("auth_mechanisms = plain login xoauth2 oauthbearer\n");
        if is_old {
            let settings = format!(
                "introspection_mode = get\nintrospection_url = {address}\nusername_attribute = username\n\
                 active_attribute = active\nactive_value = true\n"
            );
            std::fs::write(format!("{folder}/oauth2.conf"), settings).unwrap();
            writeln!(
                text,
                "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {folder}/oauth2.conf\n}}"
            )
            .unwrap();
        } else {
            write!(
                text,
                "oauth2 {{\n  introspection_mode = get\n  introspection_url = {address}\n\
                 \x20 username_attribute = username\n  active_attribute = active\n  active_value = true\n}}\n\
                 passdb oauth2 {{\n  mechanisms_filter = xoauth2 oauthbearer\n}}\n"
            )
            .unwrap();
        }
    }
    let address = if is_old { "address" } else { "listen" };
    let listeners = |service: &str, plain: (&str, u16), tls: (&str, u16)| {
        format!(
            "service {service} {{\n  chroot =\n\
            \x20 inet_listener {} {{\n    {address} = 127.0.0.1\n    port = {}\n  }}\n\
            \x20 inet_listener {} {{\n    {address} = 127.0.0.1\n    port = {}\n    ssl = yes\n  }}\n}}\n",
            plain.0, plain.1, tls.0, tls.1
        )
    };
    text.push_str(
        "namespace inbox {\n  inbox = yes\n  mailbox \"Sent Items\" {\n    special_use = \\Sent\n  }\n}\n",
    );
    // Without the penalty that otherwise grows with each wrong password.
    text.push_str(
        "service anvil {\n  chroot =\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n",
    );
    text.push_str(&listeners("imap-login", ("imap", ports.imap), ("imaps", ports.imaps)));
    if let Some(relay) = ports.relay {
        writeln!(
            text,
            "hostname = {HOST}\nsubmission_relay_host = 127.0.0.1\nsubmission_relay_port = {relay}"
        )
        .unwrap();
        let (plain, tls) = (("submission", ports.submission), ("submissions", ports.submissions));
        text.push_str(&listeners("submission-login", plain, tls));
    }
    text
}
