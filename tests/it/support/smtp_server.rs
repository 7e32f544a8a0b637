//! SMTP servers for tests: a real OpenSMTPD that delivers into a Maildir, and a peer that misbehaves on purpose.
//!
//! It speaks plain SMTP only: that of Debian 12 cannot do TLS with its OpenSSL. What is sent with TLS and sign-in goes
//! to Dovecot's submission server, which hands it on to this one.
//!
//! OpenSMTPD needs root: as another user it is started through `sudo -n`. It runs once on a machine, so the tests that
//! need it wait for one another.

use super::server::{PATIENCE, eventually, free_port, is_root, output, program};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

/// A running server. It ends with this value.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    folder: tempfile::TempDir,
    child: Child,
    /// Where to connect.
    pub(crate) port: u16,
    _alone: File,
}

impl SmtpServer {
    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let alone = File::create(std::env::temp_dir().join("mailroom-test-smtpd.lock")).unwrap();
        alone.lock().unwrap();
        let folder = tempfile::Builder::new().prefix("smtpd").tempdir().unwrap();
        let user = if is_root() { "nobody".to_owned() } else { output("id", &["-un"]) };
        let mail = folder.path().join("mail");
        std::fs::create_dir(&mail).unwrap();
        let port = free_port();
        let settings = format!(
            "listen on 127.0.0.1 port {port}\n\
            action \"keep\" maildir \"{}\" virtual {{ \"@\" = \"{user}\" }}\n\
            match from any for any rcpt-to \"refused@customer.example\" reject\n\
            match from any for any action \"keep\"\n",
            mail.display()
        );
        std::fs::write(folder.path().join("smtpd.conf"), settings).unwrap();
        privileged("chown", &[&user, mail.to_str().unwrap()]);
        privileged("chmod", &["755", folder.path().to_str().unwrap()]);
        let child = launch(&folder.path().join("smtpd.conf"), &folder.path().join("log"));
        let mut server = Self { folder, child, port, _alone: alone };
        server.wait_until_ready();
        server
    }

    /// Waits until so many mails have been delivered, and returns them in the order of their names.
    pub(crate) fn delivered(&self, count: usize) -> Vec<String> {
        let new = self.folder.path().join("mail/new");
        let paths = eventually("mail is delivered", || {
            let mut paths: Vec<_> =
                std::fs::read_dir(&new).ok()?.map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            (paths.len() >= count).then_some(paths)
        });
        paths.iter().map(|path| String::from_utf8(std::fs::read(path).unwrap()).unwrap()).collect()
    }

    fn wait_until_ready(&mut self) {
        let (port, log) = (self.port, self.folder.path().join("log"));
        let child = &mut self.child;
        eventually("OpenSMTPD answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("OpenSMTPD ended ({status}): {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut greeting = String::new();
            BufReader::new(stream).read_line(&mut greeting).ok()?;
            greeting.starts_with("220").then_some(())
        });
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        privileged("kill", &[&self.child.id().to_string()]);
        let _status = self.child.wait();
    }
}

fn launch(settings: &Path, log: &Path) -> Child {
    let mut command = if is_root() { Command::new(program("smtpd")) } else { Command::new("sudo") };
    if !is_root() {
        command.arg("-n").arg(program("smtpd"));
    }
    command.arg("-d").arg("-f").arg(settings);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(log).unwrap()).spawn().unwrap()
}

fn privileged(program: &str, arguments: &[&str]) {
    if is_root() {
        output(program, arguments);
    } else {
        output("sudo", &[&["-n", program], arguments].concat());
    }
}

/// What a misbehaving peer does when a line comes that begins with a word, or that is one: answer, or hang up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    /// Says this instead.
    Says(&'static str),
    /// Closes the connection without a word.
    HangsUp,
    /// Never answers.
    Sleeps,
}

/// A peer that speaks just enough SMTP, except where it was told otherwise. `CONTENT` stands for the end of the mail.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where to connect.
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Starts a peer that misbehaves in one place.
    pub(crate) fn start(at: &'static str, does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let _hung_up = converse(stream.unwrap(), at, does, &shared);
            }
        });
        Self { port, heard }
    }

    /// Every line that came, on all connections.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn converse(stream: TcpStream, at: &str, does: Does, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut in_content = false;
    let mut line = "GREETING".to_owned();
    loop {
        let word =
            if in_content { "CONTENT" } else { line.trim_end().split([' ', ':']).next().unwrap_or_default() };
        let usual = match word {
            "GREETING" => "220 peer ESMTP",
            "EHLO" => "250 peer",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let does = if word == at || line.trim_end() == at { does } else { Does::Says(usual) };
        match does {
            Does::HangsUp => return Ok(()),
            Does::Sleeps => {
                let mut rest = Vec::new();
                std::io::Read::read_to_end(&mut reader, &mut rest)?;
                return Ok(());
            }
            Does::Says(text) => write!(reader.get_mut(), "{text}\r\n")?,
        }
        if word == "QUIT" {
            return Ok(());
        }
        let goes_on = word == "DATA" && matches!(does, Does::Says(text) if text.starts_with('3'));
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        while goes_on && line.trim_end() != "." {
            heard.lock().unwrap().push(line.trim_end().to_owned());
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        in_content = goes_on;
        heard.lock().unwrap().push(line.trim_end().to_owned());
    }
}
