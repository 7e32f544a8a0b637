//! Evidence bundles: what is in them, and that nobody changes one unnoticed.

use crate::support::rows::{NOW_MS, Site};
use mailroom::{
    evidence::{Made, Scope, Sources, make, verify::verify},
    model::{
        draft::{Content, Draft, DraftState, Kind, Proposal, Source},
        ledger::Outcome,
        page::Rect,
    },
    search::Index,
    store::{audit::Entry, draft::NewDraft, sighting::NewSighting},
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

struct Case {
    folder: tempfile::TempDir,
    site: Site,
    index: Index,
}

impl Case {
    /// Two tickets; the first one with a draft, a sighting and audit rows.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::open(folder.path()).await;
        let index = Index::open(&folder.path().join("index")).unwrap();
        let (ticket, message, document) =
            site.receive("Order <4711>", "Please send <b>it</b> & soon.", "PO 4711 HEX-1025").await;
        let proposal = Proposal {
            value: Content::Text("4711".into()),
            confidence: 0.97,
            source: Source::Page { page: 1, bbox: Rect::default() },
            printed: None,
        };
        let draft = Draft {
            kind: Kind::PurchaseOrder,
            kind_confidence: 0.9,
            language: "en".into(),
            standard: None,
            page_range: [1, 1],
            fields: BTreeMap::from([("po_number".to_owned(), proposal)]),
            lines: Vec::new(),
            findings: Vec::new(),
            precedents: Vec::new(),
        };
        let new = NewDraft {
            ticket_id: &ticket.id,
            message_id: &message,
            document_id: &document,
            position: 0,
            account_id: None,
            account_reason: "",
            draft: &draft,
        };
        let mut tx = site.store.begin().await.unwrap();
        let draft_id = tx.insert_draft(&new, NOW_MS).await.unwrap();
        let sighting = NewSighting {
            mailbox: "orders".into(),
            folder: "INBOX".into(),
            uidvalidity: 1,
            uid: 7,
            place: String::new(),
            size_bytes: 10,
        };
        let sighting = tx.insert_seen(&sighting, NOW_MS).await.unwrap();
        let sha256 = tx.find_message(&message).await.unwrap().unwrap().sha256;
        tx.mark_stored(&sighting.id, &sha256, &message, Outcome::Stored, NOW_MS).await.unwrap();
        for (action, kind, id) in [
            ("sign_in", "person", "anna"),
            ("open_draft", "draft", draft_id.as_str()),
            ("correct_draft", "draft", draft_id.as_str()),
            ("sign_in", "person", "bo"),
            ("close_ticket", "ticket", ticket.id.as_str()),
        ] {
            tx.audit(Entry {
                at_ms: NOW_MS,
                actor: "anna".into(),
                action: action.into(),
                subject_kind: kind.into(),
                subject_id: id.into(),
                detail: "{}".into(),
            });
        }
        let draft = tx.find_draft(&draft_id).await.unwrap().unwrap();
        tx.decide_draft(&draft_id, draft.revision, DraftState::Approved, "anna", "", NOW_MS).await.unwrap();
        tx.insert_record(&draft, "anna", NOW_MS).await.unwrap();
        tx.commit().await.unwrap();
        site.receive("Other matter", "Nothing to see.", "other").await;
        site.follow_all(&index).await;
        Self { folder, site, index }
    }

    async fn make(&self, scope: &Scope, name: &str) -> (PathBuf, Made) {
        let out = self.folder.path().join(name);
        let sources = Sources {
            store: &self.site.store,
            blob: &self.site.blob,
            index: &self.index,
            now: &jiff::Zoned::default(),
        };
        let made = make(sources, scope, "anna", NOW_MS, &out).await.unwrap();
        (out, made)
    }
}

fn unpack(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().to_string(), bytes);
    }
    files
}

fn pack(path: &Path, files: &BTreeMap<String, Vec<u8>>) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in files {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// Writes the manifest anew, as a careful forger would.
fn forge_manifest(files: &mut BTreeMap<String, Vec<u8>>) {
    let mut manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    for listed in manifest["files"].as_array_mut().unwrap() {
        let bytes = &files[listed["path"].as_str().unwrap()];
        listed["sha256"] = mailroom::blob::sha256_hex(bytes).into();
        listed["size_bytes"] = bytes.len().into();
    }
    files.insert("manifest.json".into(), serde_json::to_vec_pretty(&manifest).unwrap());
}

#[tokio::test]
async fn a_bundle_holds_the_matter_and_nothing_else_and_proves_itself() {
    let case = Case::open().await;
    let (path, made) = case.make(&Scope::Ticket(1001), "a.zip").await;
    assert_eq!((made.messages, made.missing.len()), (1, 0));
    let files = unpack(&path);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "audit.json",
            "index.html",
            "ledger.csv",
            "manifest.json",
            "messages/00001/documents/01-PO.pdf",
            "messages/00001/documents/01-PO.pdf.pages.json",
            "messages/00001/documents/01-PO.pdf.txt",
            "messages/00001/message.eml",
            "messages/00001/message.json",
            "tickets/MR-1001/drafts.json",
            "tickets/MR-1001/records.json",
            "tickets/MR-1001/ticket.json",
        ]
    );
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert!(text("messages/00001/message.eml").starts_with("Subject: Order <4711>"));
    assert!(
        text("index.html").contains("Please send &lt;b&gt;it&lt;&#x2f;b&gt; &amp; soon."),
        "{}",
        text("index.html")
    );
    assert!(text("tickets/MR-1001/drafts.json").contains("\"po_number\""));
    assert!(text("ledger.csv").contains("messages/00001,orders,INBOX,1,7,"));
    assert!(!text("audit.json").contains("sign_in"), "other people's rows stay out");
    let everything = files.values().flat_map(|bytes| bytes.iter().copied()).collect::<Vec<u8>>();
    assert!(!String::from_utf8_lossy(&everything).contains("Nothing to see"), "other tickets stay out");

    let report = verify(&path).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.files, report.messages), (11, 1));
    assert_eq!((report.audit_rows, report.audit_links), (3, 1));
    assert_eq!(report.audit_gaps, [(3, 5)]);
    assert_eq!(report.manifest_sha256, made.manifest_sha256);

    let mut db = case.site.store.read().await.unwrap();
    let noted = db.list_audit_of("evidence", &made.manifest_sha256, 10).await.unwrap();
    assert_eq!(noted.len(), 1, "the site's audit log names the manifest");
    let now = jiff::Zoned::default();
    let again = make(
        Sources { store: &case.site.store, blob: &case.site.blob, index: &case.index, now: &now },
        &Scope::Ticket(1001),
        "anna",
        NOW_MS,
        &path,
    );
    assert!(again.await.unwrap_err().to_string().contains("nothing is overwritten"));
}

#[tokio::test]
async fn the_same_question_gives_the_same_bytes() {
    let case = Case::open().await;
    let (first, _) = case.make(&Scope::Query("4711".into()), "a.zip").await;
    // The export itself lengthened the site's chain: that much differs.
    let (second, _) = case.make(&Scope::Query("4711".into()), "b.zip").await;
    let (mut first, mut second) = (unpack(&first), unpack(&second));
    first.remove("manifest.json");
    second.remove("manifest.json");
    assert_eq!(first, second);
    assert!(
        first.contains_key("messages/00001/message.eml") && !first.contains_key("messages/00002/message.eml")
    );
}

#[tokio::test]
async fn every_change_is_noticed() {
    let case = Case::open().await;
    let (path, _) = case.make(&Scope::Ticket(1001), "a.zip").await;
    let original = unpack(&path);
    let forged = case.folder.path().join("forged.zip");
    type Harm = fn(&mut BTreeMap<String, Vec<u8>>);
    let harms: &[(&str, Harm, &str)] = &[
        ("nothing but packed anew", |_| {}, ""),
        (
            "one byte",
            |files| files.get_mut("messages/00001/message.eml").unwrap()[9] ^= 1,
            "message.eml was changed",
        ),
        (
            "a file gone",
            |files| drop(files.remove("tickets/MR-1001/records.json")),
            "records.json is missing",
        ),
        (
            "a file more",
            |files| drop(files.insert("note.txt".into(), b"x".to_vec())),
            "note.txt does not belong",
        ),
        ("no manifest", |files| drop(files.remove("manifest.json")), "manifest.json cannot be read"),
        (
            "a message with a forged manifest",
            |files| {
                files.get_mut("messages/00001/message.eml").unwrap()[9] ^= 1;
                forge_manifest(files);
            },
            "message.eml is not the one that the rows speak of",
        ),
        (
            "a document with a forged manifest",
            |files| {
                files.get_mut("messages/00001/documents/01-PO.pdf").unwrap()[0] ^= 1;
                forge_manifest(files);
            },
            "01-PO.pdf is not the one",
        ),
        (
            "rows reordered",
            |files| rewrite_audit(files, |rows| rows.swap(0, 1)),
            "audit row 2 stands after row 3",
        ),
        (
            "a row changed",
            |files| rewrite_audit(files, |rows| rows[0]["actor"] = "bo".into()),
            "audit row 2 was changed",
        ),
        ("a row removed", |files| rewrite_audit(files, |rows| drop(rows.remove(1))), "has 2 rows"),
        (
            "a row rewritten with its hash",
            |files| {
                rewrite_audit(files, |rows| {
                    let entry = Entry {
                        at_ms: NOW_MS,
                        actor: "bo".into(),
                        action: "open_draft".into(),
                        subject_kind: "draft".into(),
                        subject_id: rows[0]["subject_id"].as_str().unwrap().into(),
                        detail: "{}".into(),
                    };
                    let previous = rows[0]["previous_hash"].as_str().unwrap().to_owned();
                    rows[0]["actor"] = "bo".into();
                    rows[0]["hash"] = mailroom::store::audit::chain_hash(&previous, 2, &entry).into();
                });
            },
            "audit row 3 does not continue row 2",
        ),
    ];
    for (name, harm, expected) in harms {
        let mut files = original.clone();
        harm(&mut files);
        pack(&forged, &files);
        let problems = verify(&forged).unwrap().problems;
        if expected.is_empty() {
            assert_eq!(problems, Vec::<String>::new(), "{name}");
        } else {
            assert!(problems.iter().any(|p| p.contains(expected)), "{name}: {problems:?}");
        }
    }
}

fn rewrite_audit(files: &mut BTreeMap<String, Vec<u8>>, change: impl FnOnce(&mut Vec<serde_json::Value>)) {
    let mut rows: Vec<serde_json::Value> = serde_json::from_slice(&files["audit.json"]).unwrap();
    change(&mut rows);
    files.insert("audit.json".into(), serde_json::to_vec_pretty(&rows).unwrap());
    forge_manifest(files);
}

/// A flipped byte anywhere is noticed, or changes nothing that can be read from the archive.
#[tokio::test]
async fn a_flipped_byte_anywhere_is_noticed() {
    let case = Case::open().await;
    let (path, made) = case.make(&Scope::Ticket(1001), "a.zip").await;
    let original = unpack(&path);
    let bytes = fs::read(&path).unwrap();
    let flipped = case.folder.path().join("flipped.zip");
    let mut noticed = 0;
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&flipped, &changed).unwrap();
        let report = verify(&flipped).unwrap();
        if report.is_sound() && report.manifest_sha256 == made.manifest_sha256 {
            assert_eq!(unpack(&flipped), original, "byte {at}");
        } else {
            noticed += 1;
        }
    }
    assert!(noticed > bytes.len() / 7 / 2, "{noticed} of {}", bytes.len() / 7);
    for length in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&flipped, &bytes[..length]).unwrap();
        assert!(!verify(&flipped).unwrap().is_sound(), "cut to {length} bytes");
    }
}

#[tokio::test]
async fn lost_bytes_are_named_and_the_rest_is_still_proof() {
    let case = Case::open().await;
    let blobs = walk(&case.folder.path().join("blob"));
    let message = blobs.iter().find(|path| fs::read(path).unwrap().starts_with(b"Subject: Order")).unwrap();
    fs::remove_file(message).unwrap();
    let (path, made) = case.make(&Scope::Ticket(1001), "a.zip").await;
    assert_eq!(made.missing.len(), 1);
    let report = verify(&path).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert!(report.missing[0].starts_with("messages/00001/message.eml: "), "{:?}", report.missing);
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
