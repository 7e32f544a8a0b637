//! Signs outgoing mail so that receivers can tell that it comes from the domain in `From` (DKIM, RFC 6376 and 8463).
//!
//! The signature stands in the bytes that are kept: every attempt sends the same one. Header and body are signed in
//! their relaxed form, because servers on the way fold and trim. The same mail, key and time give the same bytes.
//! Does not: ask the DNS. [`Signer::record`] says what should stand there.

use super::mailer::SendError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{fmt, path::PathBuf};

/// Fields that are signed where they are there; `From` once more than it is there, so that nobody adds another.
const SIGNED: [&str; 12] = [
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "auto-submitted",
];

/// Characters of base64 on one line of the field.
const LINE_CHARS: usize = 70;

/// What stands before the key in a SubjectPublicKeyInfo: the algorithm rsaEncryption without parameters (RFC 3279, 2.3.1).
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// One entry of `[[mail_out.dkim]]`: how the mail of a domain is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The domain that answers for the mail: that of `from`, or one above it.
    pub domain: String,
    /// Name of the key in the DNS: the record stands at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    /// PEM file with the private key: RSA of 2048 bits or more (PKCS#1 or PKCS#8), or Ed25519 (PKCS#8).
    pub key_file: PathBuf,
}

/// Signs the mail of one domain.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

/// A TXT record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Signer {
    /// Reads the key; what is wrong with the settings is said in words.
    pub fn open(config: &Config) -> Result<Self, SendError> {
        for (key, value) in [("domain", &config.domain), ("selector", &config.selector)] {
            if !is_name(value) {
                return Err(wrong(&format!("`{key}` is {value:?}: write a name of the DNS, as example.com")));
            }
        }
        let path = config.key_file.display();
        let pem = std::fs::read(&config.key_file)
            .map_err(|error| wrong(&format!("`key_file` {path} cannot be read: {error}")))?;
        let key = read_key(&pem).map_err(|why| wrong(&format!("`key_file` {path} cannot be used: {why}")))?;
        Ok(Self { domain: config.domain.to_lowercase(), selector: config.selector.clone(), key })
    }

    /// The domain that it signs for.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether it can sign mail from that domain: its own, or one below it.
    pub fn is_for(&self, domain: &str) -> bool {
        domain.strip_suffix(&self.domain).is_some_and(|below| below.is_empty() || below.ends_with('.'))
    }

    /// What should stand in the DNS, so that receivers can check the signatures.
    pub fn record(&self) -> Record {
        let (kind, key) = match &self.key {
            Key::Rsa(key) => ("rsa", public_key_info(key.public_key().as_ref())),
            Key::Ed25519(key) => ("ed25519", key.public_key().as_ref().to_vec()),
        };
        Record {
            name: format!("{}._domainkey.{}", self.selector, self.domain),
            text: format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(key)),
        }
    }

    /// The mail with its signature in front. `at_ms` is the time of signing, milliseconds UTC.
    pub fn sign(&self, mail: &[u8], at_ms: i64) -> Result<Vec<u8>, SendError> {
        let (head, body) = split(mail);
        let fields = fields(head);
        let mut names = Vec::new();
        let mut signed = Vec::new();
        for name in SIGNED {
            if let Some((_, value)) = fields.iter().find(|(found, _)| found == name) {
                names.push(name);
                signed.extend(relaxed_field(name, value));
                signed.extend(b"\r\n");
            }
        }
        names.push("from");
        let algorithm = match &self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let value = format!(
            " v=1; a={algorithm}; c=relaxed/relaxed; d={}; s={};\r\n\tt={}; h={};\r\n\tbh={};\r\n\tb=",
            self.domain,
            self.selector,
            at_ms / 1000,
            names.join(":"),
            STANDARD.encode(Sha256::digest(relaxed_body(body)))
        );
        signed.extend(relaxed_field("dkim-signature", value.as_bytes()));
        let signature = STANDARD.encode(self.key.sign(&signed)?);
        let lines: Vec<&str> = signature
            .as_bytes()
            .chunks(LINE_CHARS)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        let mut out = format!("DKIM-Signature:{value}{}\r\n", lines.join("\r\n\t ")).into_bytes();
        out.extend(mail);
        Ok(out)
    }
}

impl Key {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SendError> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature)
                    .map_err(|_unspecified| wrong("the key does not sign"))?;
                Ok(signature)
            }
            // RFC 8463, 3: the hash is signed, not the text.
            Self::Ed25519(key) => Ok(key.sign(&Sha256::digest(bytes)).as_ref().to_vec()),
        }
    }
}

fn wrong(text: &str) -> SendError {
    SendError::Settings { text: format!("mail_out.dkim: {text}") }
}

/// Letters, digits and hyphens in parts with dots between them.
fn is_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

fn read_key(pem: &[u8]) -> Result<Key, String> {
    let der = PrivateKeyDer::from_pem_slice(pem).map_err(
        |_none| "it holds no private key in PEM: it should begin with -----BEGIN PRIVATE KEY-----",
    )?;
    let rsa = |key: Result<RsaKeyPair, ring::error::KeyRejected>| {
        key.map(|key| Key::Rsa(Box::new(key))).map_err(|error| {
            format!("it is no RSA key of 2048 to 4096 bits ({error}): make one with `openssl genrsa -out FILE 2048`")
        })
    };
    match &der {
        PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                Ok(key) => Ok(Key::Ed25519(Box::new(key))),
                Err(_other) => rsa(RsaKeyPair::from_pkcs8(der)),
            }
        }
        _ => Err("it is a key of another kind: DKIM takes RSA and Ed25519".to_owned()),
    }
}

/// The public key as receivers expect it (RFC 5280, 4.1.2.7).
fn public_key_info(key: &[u8]) -> Vec<u8> {
    let bits = element(0x03, &[&[0], key].concat());
    element(0x30, &[&RSA_ALGORITHM, bits.as_slice()].concat())
}

/// One element of DER: tag, length, content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        out.push(0x80 | length.len() as u8);
    }
    out.extend(length);
    out.extend(content);
    out
}

/// Head and body; the empty line between them belongs to neither.
fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    let end = mail.windows(4).position(|four| four == b"\r\n\r\n");
    let at = end.map_or(mail.len(), |end| end + 2);
    let (head, rest) = mail.split_at_checked(at).unwrap_or((mail, &[]));
    (head, rest.get(2..).unwrap_or_default())
}

/// The fields of a head in their order: name in small letters, value with its folds.
fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        match fields.last_mut() {
            Some((_, value)) if line.starts_with(b" ") || line.starts_with(b"\t") => value.extend(line),
            _ => {
                let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
                let (name, value) = line.split_at_checked(colon).unwrap_or((line, &[]));
                let name = String::from_utf8_lossy(name).trim().to_lowercase();
                fields.push((name, value.get(1..).unwrap_or_default().to_vec()));
            }
        }
    }
    fields
}

/// RFC 6376, 3.4.2, without the line end.
fn relaxed_field(name: &str, value: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = words(value).collect();
    [name.as_bytes(), b":", &words.join(&b' ')].concat()
}

/// RFC 6376, 3.4.4.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut empty = 0;
    let whole = body.strip_suffix(b"\n").unwrap_or(body);
    for line in whole.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let indented = line.first().is_some_and(|byte| is_blank(*byte));
        let words: Vec<&[u8]> = words(line).collect();
        if words.is_empty() {
            empty += 1;
            continue;
        }
        out.extend(b"\r\n".repeat(empty));
        empty = 0;
        if indented {
            out.push(b' ');
        }
        out.extend(words.join(&b' '));
        out.extend(b"\r\n");
    }
    out
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| is_blank(*byte) || matches!(byte, b'\r' | b'\n')).filter(|word| !word.is_empty())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    const MAIL: &[u8] =
        b"From: Desk <desk@orders.site.example>\r\nTo: a@b.example\r\nSubject: Your  order\r\n 4711\r\n\
        X-Other: x\r\n\r\nHello,\r\n\r\n 20  bolts \t\r\nare on\ttheir way.  \r\n\r\n\r\n";

    fn signer(pem: &str) -> Result<Signer, SendError> {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key.pem");
        std::fs::write(&key_file, pem).unwrap();
        Signer::open(&Config { domain: "Site.example".into(), selector: "s1".into(), key_file })
    }

    fn ed25519() -> Signer {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let text = STANDARD.encode(key.as_ref());
        signer(&format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).unwrap()
    }

    /// Checks a signed mail as a receiver does, by the text of the DNS record.
    fn verify(signed: &[u8], record: &str) -> Result<(), String> {
        let text = String::from_utf8(signed.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let unfolded = head.replace("\r\n\t", " ").replace("\r\n ", " ");
        let one_space = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fields: Vec<(String, String)> = unfolded
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), one_space(value)))
            .collect();
        let (name, signature) = fields.first().unwrap();
        assert_eq!(name, "dkim-signature");
        let tag = |name: &str, text: &str| -> String {
            let tags = text.split("; ").filter_map(|tag| tag.split_once('='));
            tags.filter(|(found, _)| *found == name).map(|(_, value)| value.replace(' ', "")).collect()
        };
        let mut lines: Vec<String> = body
            .split("\r\n")
            .map(|line| {
                let start = if line.starts_with([' ', '\t']) && !line.trim().is_empty() { " " } else { "" };
                format!("{start}{}\r\n", one_space(line))
            })
            .collect();
        while lines.last().is_some_and(|line| line == "\r\n") {
            lines.pop();
        }
        if STANDARD.encode(Sha256::digest(lines.concat())) != tag("bh", signature) {
            return Err("the body is another".to_owned());
        }
        let mut rest = fields[1..].to_vec();
        let mut input = String::new();
        for name in tag("h", signature).split(':') {
            if let Some(at) = rest.iter().rposition(|(found, _)| found == name) {
                let (name, value) = rest.remove(at);
                input.push_str(&format!("{name}:{value}\r\n"));
            }
        }
        let (start, _) = signature.rsplit_once("b=").unwrap();
        input.push_str(&format!("dkim-signature:{start}b="));
        let key = STANDARD.decode(tag("p", record)).unwrap();
        let bytes = STANDARD.decode(tag("b", signature)).unwrap();
        let hash = Sha256::digest(&input);
        let verified = if tag("k", record) == "rsa" {
            // the key itself, behind the head of 24 bytes that RSA of 2048 bits has
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key[24..]).verify(input.as_bytes(), &bytes)
        } else {
            UnparsedPublicKey::new(&ED25519, key).verify(&hash, &bytes)
        };
        verified.map_err(|_unspecified| "the signature is wrong".to_owned())
    }

    fn check(signer: &Signer) {
        let signed = signer.sign(MAIL, 1_700_000_000_000).unwrap();
        assert!(signed.ends_with(MAIL), "the mail stays as it is");
        let record = signer.record();
        assert_eq!(record.name, "s1._domainkey.site.example");
        assert_eq!(verify(&signed, &record.text), Ok(()));
        for (from, to, expected) in [
            ("20  bolts", "200 bolts", "the body is another"),
            ("Your  order", "Their order", "the signature is wrong"),
            ("To: a@b.example\r\n", "To: a@b.example\r\nFrom: evil@x.example\r\n", "the signature is wrong"),
        ] {
            let text = String::from_utf8(signed.clone()).unwrap();
            let changed = text.replacen(from, to, 1);
            assert_ne!(text, changed);
            assert_eq!(verify(changed.as_bytes(), &record.text), Err(expected.to_owned()), "{from}");
        }
        // What servers do on the way changes nothing.
        let text = String::from_utf8(signed).unwrap();
        let folded = text.replace("Subject: Your  order\r\n 4711", "SUBJECT:  Your order 4711 ");
        assert_eq!(verify(folded.as_bytes(), &record.text), Ok(()));
    }

    #[test]
    fn signatures_verify_by_the_record_and_changes_show() {
        check(&ed25519());
        for kind in [&["genrsa", "-traditional", "2048"][..], &["genrsa", "2048"]] {
            let made = std::process::Command::new("openssl").args(kind).output().unwrap();
            check(&signer(&String::from_utf8(made.stdout).unwrap()).unwrap());
        }
    }

    #[test]
    fn bodies_hash_as_in_the_standards() {
        // RFC 8463, appendix A
        let body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
        let hash = STANDARD.encode(Sha256::digest(relaxed_body(body)));
        assert_eq!(hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
        assert!(relaxed_body(b"\r\n\r\n").is_empty());
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_field("b", b" Y\t\r\n\tZ  \r\n"), b"b:Y Z");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_said() {
        let made = std::process::Command::new("openssl").args(["genrsa", "1024"]).output().unwrap();
        let short = String::from_utf8(made.stdout).unwrap();
        for (pem, expected) in [("hello", "holds no private key in PEM"), (&*short, "no RSA key of 2048")] {
            let text = signer(pem).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
        let missing =
            Config { domain: "a.example".into(), selector: "s".into(), key_file: "/nowhere".into() };
        for (config, expected) in [
            (missing.clone(), "/nowhere cannot be read"),
            (Config { domain: "a b".into(), ..missing.clone() }, "`domain` is \"a b\""),
            (Config { selector: String::new(), ..missing }, "`selector` is \"\""),
        ] {
            let text = Signer::open(&config).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn a_domain_signs_for_those_below_it() {
        let signer = ed25519();
        for (domain, expected) in [
            ("site.example", true),
            ("orders.site.example", true),
            ("website.example", false),
            ("example", false),
        ] {
            assert_eq!(signer.is_for(domain), expected, "{domain}");
        }
    }
}
