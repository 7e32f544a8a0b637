//! HTTP without a library, as much as services of tests and their visitors need.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// Fields of a form or a query, by name.
pub(crate) type Fields = HashMap<String, String>;

/// Status and text.
type Answer = (u16, String);

/// Listens on a loopback port. `answer` gets a path and its fields, and gives a status and a text: for 302 the address
/// that it leads to; nothing ends the connection without an answer.
pub(crate) fn listen(answer: impl Fn(&str, &Fields) -> Option<Answer> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || serve(stream, &*answer));
        }
    });
    port
}

fn serve(stream: TcpStream, answer: &dyn Fn(&str, &Fields) -> Option<Answer>) {
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
    let Some((status, text)) = answer(path, &fields(if query.is_empty() { &body } else { query })) else {
        return;
    };
    let more = if status == 302 { format!("Location: {text}\r\n") } else { String::new() };
    let text = if status == 302 { "" } else { &text };
    let _gone = write!(
        reader.get_mut(),
        "HTTP/1.1 {status} Word\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
}

fn fields(text: &str) -> Fields {
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
        let answer = ask("GET", &address, &[], "");
        match leads_to(&answer) {
            Some(next) => address = next,
            None => return answer,
        }
    }
}

/// Where a page leads a browser, which is not followed.
pub(crate) fn redirected(address: &str) -> String {
    leads_to(&ask("GET", address, &[], "")).unwrap()
}

pub(crate) fn leads_to(answer: &str) -> Option<String> {
    answer.lines().find_map(|line| line.strip_prefix("Location: ")).map(str::to_owned)
}

/// Asks, and gives the whole answer, head included. `head` is lines of the request's head.
pub(crate) fn ask(method: &str, address: &str, head: &[&str], body: &str) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
