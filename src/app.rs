//! [`App`] owns the handles of all effects, and what they were opened with.
//!
//! Does not: do anything itself. [`crate::pipeline`] and [`crate::jobs`] do, with these handles.

use crate::{
    blob::Blob,
    classify::{Example, Experience},
    clock,
    config::{self, Config, settings},
    model::{
        account::{Account, AccountRow, CatalogueItem},
        catalogue::Catalogue,
        ids::AccountId,
        secret::{Secret, SecretRef},
        ticket::reference,
    },
    reader::Reader,
    reply::{
        Mailer, Signer,
        template::{Name, Templates},
    },
    screen::Site,
    search::Index,
    store::{Store, item_reference::ItemReferenceRow},
    vault::Vault,
};
use anyhow::Context as _;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Everything that surfaces and jobs work with.
#[derive(Debug)]
pub struct App {
    /// As configured: databases, folders, servers. What pages may change is asked of [`App::settings`].
    pub config: Config,
    /// Rows.
    pub store: Store,
    /// Bytes.
    pub blob: Blob,
    /// The full-text index of this node.
    pub index: Index,
    /// Reader processes.
    pub reader: Reader,
    /// The way out for mail.
    pub mailer: Mailer,
    /// What signs outgoing mail, for each domain.
    pub signers: Vec<Signer>,
    /// Key of our signed Message-IDs.
    pub signing_key: Vec<u8>,
    /// Secrets at rest.
    pub vault: Vault,
    /// Which node this process is.
    pub node: Node,
    due: Notify,
    master_data: Mutex<Option<Arc<MasterData>>>,
    /// Letters as the program and the site's folder have them.
    templates: Templates,
    settings: Mutex<Option<Arc<Settings>>>,
    /// With the version of the examples that it was learnt from.
    experience: Mutex<Option<(i64, Arc<Experience>)>>,
}

/// What administrators set, read once and kept until they change it.
#[derive(Debug)]
pub struct Settings {
    /// Rises with each change.
    version: i64,
    /// What counts: the file's configuration with what the pages changed.
    pub config: Config,
    /// Who we are, for screening.
    pub site: Site,
    /// Letters, those with a text of the pages included.
    pub templates: Templates,
    /// Settings, mailboxes and letters of the pages that cannot count any more, and why; the file's count instead.
    pub wrong: Vec<(String, String)>,
}

/// Accounts and catalogue, read once and kept until they change.
#[derive(Debug, Default)]
pub struct MasterData {
    /// Rises with each change of either.
    version: i64,
    /// Row ids, in the order of `accounts`.
    pub account_ids: Vec<AccountId>,
    /// Customers.
    pub accounts: Arc<[Account]>,
    /// Goods.
    pub catalogue: Catalogue,
}

impl MasterData {
    /// The customer of a row.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        let place = self.account_ids.iter().position(|known| known == id)?;
        self.accounts.get(place)
    }
}

impl App {
    /// Opens every effect of a configured site; makes what does not exist yet.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let config = config.with_places();
        let data = &config.site.data_dir;
        std::fs::create_dir_all(data)
            .with_context(|| format!("failed to make the folder {}", data.display()))?;
        let password = config.database.password.as_ref().map(config::resolve).transpose()?;
        let store = Store::open_with(&config.database, password.as_ref())
            .await
            .context("failed to open the database")?;
        let secret = config.blob.secret_access_key.as_ref().map(config::resolve).transpose()?;
        let blob = Blob::open_with(&config.blob, secret.as_ref()).context("failed to open the blob store")?;
        let index = Index::open_with(&config.search).context("failed to open the search index")?;
        let reader = Reader::start(config.reader.clone());
        let password = config.mail_out.password.as_ref().map(config::resolve).transpose()?;
        let mailer =
            Mailer::open(&config.mail_out, password.as_ref()).context("failed to set up outgoing mail")?;
        let signers = config.mail_out.dkim.iter().map(Signer::open).collect::<Result<Vec<_>, _>>()?;
        let templates = Templates::open(config.mail_out.templates.as_deref())
            .context("failed to read the letter templates")?;
        let signing_key = match &config.site.signing_key {
            Some(secret) => config::resolve(secret)?.reveal().as_bytes().to_vec(),
            None => open_signing_key(&data.join("signing.key"))?,
        };
        let vault = Vault::new(&signing_key);
        let node = Node::claim(data)?;
        let app = Self {
            config,
            store,
            blob,
            index,
            reader,
            mailer,
            signers,
            signing_key,
            vault,
            node,
            due: Notify::new(),
            templates,
            settings: Mutex::new(None),
            master_data: Mutex::new(None),
            experience: Mutex::new(None),
        };
        app.settings().await?.config.check_mail_out()?;
        Ok(app)
    }

    /// The time where the site is.
    pub fn now(&self) -> Zoned {
        let zone = TimeZone::get(&self.config.web.time_zone).unwrap_or(TimeZone::UTC);
        Timestamp::from_millisecond(clock::now_ms()).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone)
    }

    /// Wakes whoever waits for work.
    pub fn announce_work(&self) {
        self.due.notify_waiters();
    }

    /// Returns when work was announced.
    pub async fn work_is_due(&self) {
        self.due.notified().await;
    }

    /// What counts now of everything that administrators may change.
    pub async fn settings(&self) -> anyhow::Result<Arc<Settings>> {
        let mut db = self.store.read().await?;
        let version = db.find_setting_version().await?;
        let kept = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.version == version) {
            return Ok(kept);
        }
        let rows = db.list_settings().await.context("failed to read the settings")?;
        let mailboxes = db.list_mailboxes().await.context("failed to read the mailboxes")?;
        let letters = db.list_templates().await.context("failed to read the letter templates")?;
        drop(db);
        let (config, mut wrong) = settings::effective(&self.config, &rows, &mailboxes);
        let mut templates = self.templates.clone();
        for row in letters.iter().filter(|row| !row.source.is_empty()) {
            let name = Name::parse(&row.name).context("this version of the program has no such letter");
            let replaced = name.and_then(|name| Ok(templates.with(name, &row.language, &row.source)?));
            match replaced {
                Ok(replaced) => templates = replaced,
                Err(error) => wrong.push((format!("{}/{}", row.name, row.language), format!("{error:#}"))),
            }
        }
        for (name, reason) in &wrong {
            tracing::warn!(name, reason, "a setting of the pages cannot count; the file's counts");
        }
        let site = Site {
            addresses: config.own_addresses(),
            domains: Vec::new(),
            signing_key: self.signing_key.clone(),
        };
        let fresh = Arc::new(Settings { version, config, site, templates, wrong });
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// A secret, from wherever it is kept.
    pub fn secret(&self, secret: &SecretRef) -> anyhow::Result<Secret> {
        match secret {
            SecretRef::Sealed { text, purpose } => self.vault.open(text, purpose).context(
                "the secret that was typed on the page cannot be opened: the site's signing key was changed; type it again",
            ),
            elsewhere => config::resolve(elsewhere),
        }
    }

    /// The letters without those of the pages.
    pub fn built_in_templates(&self) -> &Templates {
        &self.templates
    }

    /// Accounts and catalogue as they are now.
    pub async fn master_data(&self) -> anyhow::Result<Arc<MasterData>> {
        let version = self.store.read().await?.find_known_version().await?;
        let kept = self.master_data.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.version == version) {
            return Ok(kept);
        }
        let rows =
            self.store.read().await?.list_all_accounts().await.context("failed to read the accounts")?;
        let (account_ids, accounts): (Vec<_>, Vec<_>) =
            rows.into_iter().map(|AccountRow { id, account }| (id, account)).unzip();
        let mut catalogue = self
            .store
            .read()
            .await?
            .list_all_catalogue_items()
            .await
            .context("failed to read the catalogue")?;
        let learnt = self.store.read().await?.list_all_item_references().await;
        let learnt = learnt.context("failed to read what customers call our items")?;
        let merged = self.store.read().await?.list_merged_accounts().await;
        let merged = merged.context("failed to read which customers stand for others")?;
        let mut numbers: HashMap<&AccountId, &str> = account_ids
            .iter()
            .zip(&accounts)
            .map(|(id, account)| (id, account.account_no.as_str()))
            .collect();
        for (id, _, standing) in &merged {
            if let Some(number) = numbers.get(standing).copied() {
                numbers.insert(id, number);
            }
        }
        add_references(&mut catalogue, &numbers, learnt);
        let fresh = Arc::new(MasterData {
            version,
            account_ids,
            accounts: accounts.into(),
            catalogue: catalogue.into(),
        });
        *self.master_data.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// What people taught of the queues, as it is now.
    pub async fn experience(&self) -> anyhow::Result<Arc<Experience>> {
        let mut db = self.store.read().await?;
        let version = db.find_queue_example_version().await?;
        let kept = self.experience.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, kept)) = kept.filter(|(of, _)| *of == version) {
            return Ok(kept);
        }
        let rows = db.list_queue_examples().await.context("failed to read what people taught of queues")?;
        drop(db);
        let fresh = tokio::task::spawn_blocking(move || {
            Experience::learn(rows.iter().map(|row| Example {
                queue: row.queue,
                message: &row.message,
                place: format!("{}, put here by {}", reference(row.ticket_number), row.taught_by),
            }))
        });
        let fresh = Arc::new(fresh.await.context("learning of queues panicked")?);
        *self.experience.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, Arc::clone(&fresh)));
        Ok(fresh)
    }
}

/// Puts what people taught of customers' item numbers into the catalogue, where it says nothing itself.
fn add_references(
    catalogue: &mut [CatalogueItem],
    numbers: &HashMap<&AccountId, &str>,
    learnt: Vec<ItemReferenceRow>,
) {
    if learnt.is_empty() {
        return;
    }
    let places: HashMap<String, usize> =
        catalogue.iter().enumerate().map(|(at, item)| (item.sku.clone(), at)).collect();
    for ItemReferenceRow { reference, .. } in learnt {
        let number = numbers.get(&reference.account_id);
        let item = places.get(&reference.sku).and_then(|at| catalogue.get_mut(*at));
        if let (Some(number), Some(item)) = (number, item) {
            item.customer_skus.entry((*number).to_owned()).or_insert(reference.customer_sku);
        }
    }
}

/// Which node this process is: its name in leases.
///
/// One process at a time holds the node's own name, by a lock on a file in the data folder. It frees at its start what
/// the process before it held when it died. Others (a command beside a running service) have names of their own.
#[derive(Debug)]
pub struct Node {
    /// Name in leases.
    pub name: String,
    /// Whether it is the node's own name.
    pub is_sole: bool,
    _lock: Option<File>,
}

impl Node {
    fn claim(data: &Path) -> anyhow::Result<Self> {
        let path = data.join("node");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("failed to open {}", path.display()))?;
        if file.try_lock().is_err() {
            return Ok(Self { name: clock::fresh_id(), is_sole: false, _lock: None });
        }
        let mut name = std::fs::read_to_string(&path).context("failed to read the node's name")?;
        if name.is_empty() {
            name = clock::fresh_id();
            file.write_all(name.as_bytes()).context("failed to keep the node's name")?;
            file.sync_all().context("failed to keep the node's name")?;
        }
        Ok(Self { name, is_sole: true, _lock: Some(file) })
    }
}

/// The key that signs our Message-IDs: read from its file, or made once, readable by its owner only.
fn open_signing_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    if let Ok(text) = std::fs::read_to_string(path) {
        return hex::decode(text.trim())
            .with_context(|| format!("{} is not a key in hexadecimal", path.display()));
    }
    let key = clock::random_bytes::<32>().to_vec();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file =
        options.open(path).with_context(|| format!("failed to make the key {}", path.display()))?;
    file.write_all(hex::encode(&key).as_bytes()).context("failed to write the signing key")?;
    file.sync_all().context("failed to keep the signing key")?;
    Ok(key)
}
