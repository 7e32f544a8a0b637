//! A real Chromium, driven through chromedriver: started headless on a free port, stopped when dropped.

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction},
    elements::Element,
    key::Key,
};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How long a page may take to show what a test waits for.
const WAIT: Duration = Duration::from_secs(20);

/// One browser window.
pub(crate) struct Browser {
    driver: Child,
    /// The window.
    pub(crate) client: Client,
    address: String,
}

impl Browser {
    /// Starts a browser for the pages at `address`; without scripts if told so.
    pub(crate) async fn start(address: &str, scripts: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed (apt-get install chromium-driver)");
        let port = BufReader::new(driver.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("started successfully on port ").map(|(_, port)| port.to_owned())
            })
            .expect("chromedriver says its port");
        let port = port.trim_end_matches('.').to_owned();
        let mut capabilities = fantoccini::wd::Capabilities::new();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--force-color-profile=srgb",
            "--hide-scrollbars",
            "--window-size=1366,900",
        ];
        let mut options = json!({ "args": arguments });
        if !scripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium starts");
        Self { driver, client, address: address.to_owned() }
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.address)).await.unwrap();
    }

    /// The element, once it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        match self.client.wait().at_most(WAIT).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("no {css} on {}: {error}\n{}", self.path().await, self.text().await),
        }
    }

    /// Clicks on an element, once it is there.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        let middle = "arguments[0].scrollIntoView({ block: 'center' })";
        let argument = serde_json::to_value(&element).unwrap();
        self.client.execute(middle, vec![argument]).await.unwrap();
        element.click().await.unwrap();
    }

    /// Clicks on what leads to another page, and waits until that page is there.
    pub(crate) async fn send(&self, css: &str) {
        self.run("window.isBefore = true").await;
        self.click(css).await;
        let there = "return !window.isBefore && document.readyState === 'complete'";
        let arrives = async {
            // while pages change there is none to ask
            while !self.client.execute(there, Vec::new()).await.is_ok_and(|there| there == true) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(WAIT, arrives).await.unwrap_or_else(|_| panic!("{css} leads nowhere"));
    }

    /// Clicks on the link with that text.
    pub(crate) async fn follow(&self, text: &str) {
        let link = self.client.wait().at_most(WAIT).for_element(Locator::LinkText(text)).await;
        link.unwrap_or_else(|_| panic!("no link {text}")).click().await.unwrap();
    }

    /// Replaces what stands in a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a key in whatever has the focus.
    pub(crate) async fn press(&self, key: Key) {
        self.client.active_element().await.unwrap().send_keys(&String::from(char::from(key))).await.unwrap();
    }

    /// Drags the mouse from one point of the window to another, in pixels.
    pub(crate) async fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let at =
            |(x, y): (f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y };
        let mouse = MouseActions::new("mouse".to_owned())
            .then(at(from))
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(at((f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1))))
            .then(at(to))
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(mouse).await.unwrap();
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str) -> serde_json::Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// What stands in a field.
    pub(crate) async fn value(&self, css: &str) -> String {
        self.find(css).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Id of what has the focus.
    pub(crate) async fn focus(&self) -> String {
        self.client.active_element().await.unwrap().attr("id").await.unwrap().unwrap_or_default()
    }

    /// Path of the page.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// All text that the page shows.
    pub(crate) async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Keeps a picture of the page in `target/screenshots`.
    pub(crate) async fn screenshot(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }

    /// Closes the window.
    pub(crate) async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    /// Stops the driver and its browser, also after a test that failed.
    fn drop(&mut self) {
        let group = Pid::from_child(&self.driver);
        let _already_gone = kill_process_group(group, Signal::KILL);
        drop(self.driver.wait());
    }
}
