//! What administrators may change on the pages, and how it meets the configuration file.
//!
//! A setting has one name everywhere: `site.name` in the file, in the database and in the log. What a page keeps counts
//! before the environment and the file; without it they count. [`effective`] puts the two together into one [`Config`],
//! which is what the program goes by ([`crate::app::App::settings`]).
//!
//! What only whoever runs the machine can judge is no setting: databases, folders, servers. Mailboxes are a page of their
//! own ([`super::mailboxes`]).

use super::{Config, QueueRules, mailboxes};
use crate::{
    model::{
        draft::{Kind, named},
        ticket::Queue,
    },
    store::{mailbox::MailboxRow, setting::SettingRow},
};
use anyhow::{Context as _, bail};
use std::str::FromStr;

/// Most characters of a value.
const VALUE_CHARS_MAX: usize = 4_000;

named! {
    /// The page that a setting stands on.
    Group {
        /// Who writes: name, address, signature.
        Letterhead = "letterhead",
        /// How mail is sorted and what is approved without a person.
        Rules = "rules",
        /// How much is too much.
        Limits = "limits",
        /// What a queue is called, what goes there, how soon it is answered.
        Queues = "queues",
    }
}

/// How a value is typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// One line.
    Line,
    /// Several lines.
    Lines,
    /// `true` or `false`.
    Switch,
    /// Between two bounds, with decimals.
    Share(f64, f64),
    /// A whole number between two bounds.
    Whole(i64, i64),
    /// Names of [`Kind`], one a line.
    Kinds,
    /// A name of [`Queue`].
    Queue,
}

/// Something that can be changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Its page.
    pub group: Group,
    /// Of the setting without its queue: `site.name`, `queue.answer_hours`.
    pub key: &'static str,
    /// Of which queue, if it is one of those.
    pub queue: Option<Queue>,
    /// How it is typed.
    pub form: Form,
}

/// The settings of the program.
const PLAIN: &[(Group, &str, Form)] = &[
    (Group::Letterhead, "site.name", Form::Line),
    (Group::Letterhead, "site.names", Form::Lines),
    (Group::Letterhead, "site.address", Form::Lines),
    (Group::Letterhead, "site.signature", Form::Lines),
    (Group::Letterhead, "mail_out.from_name", Form::Line),
    (Group::Rules, "classify.threshold", Form::Share(0.0, 1.0)),
    (Group::Rules, "classify.unclear", Form::Queue),
    (Group::Rules, "straight_through.enabled", Form::Switch),
    (Group::Rules, "straight_through.threshold", Form::Share(0.5, 1.0)),
    (Group::Rules, "straight_through.audit_share", Form::Share(0.0, 1.0)),
    (Group::Rules, "straight_through.kinds", Form::Kinds),
    (Group::Limits, "limits.attempts", Form::Whole(1, 20)),
    (Group::Limits, "limits.message_seconds", Form::Whole(10, 86_400)),
    (Group::Limits, "limits.archive_depth", Form::Whole(0, 10)),
    (Group::Limits, "limits.documents_per_message", Form::Whole(1, 10_000)),
    (Group::Limits, "mail_out.breaker_per_hour", Form::Whole(1, 1_000_000)),
];

/// The settings that every queue has.
const OF_QUEUE: &[(&str, Form)] = &[
    ("queue.label", Form::Line),
    ("queue.addresses", Form::Lines),
    ("queue.answer_hours", Form::Whole(0, super::ANSWER_HOURS_MAX)),
];

impl Setting {
    /// Every setting, in the order of the pages.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = PLAIN.iter().map(|&(group, key, form)| Self { group, key, queue: None, form });
        let queues = Queue::ALL.iter().flat_map(|queue| {
            OF_QUEUE.iter().map(|&(key, form)| Self { group: Group::Queues, key, queue: Some(*queue), form })
        });
        plain.chain(queues)
    }

    /// By its name.
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|setting| setting.name() == name)
    }

    /// As it is kept and logged: `site.name`, `queue.returns.addresses`.
    pub fn name(&self) -> String {
        match (self.queue, self.key.split_once('.')) {
            (Some(queue), Some((section, field))) => format!("{section}.{}.{field}", queue.as_str()),
            _ => self.key.to_owned(),
        }
    }

    /// The value as it would be typed.
    pub fn read(&self, config: &Config) -> String {
        let none = QueueRules::default();
        let of = self.queue.and_then(|queue| config.queue(queue)).unwrap_or(&none);
        match self.key {
            "site.name" => config.site.name.clone(),
            "site.names" => config.site.names.join("\n"),
            "site.address" => config.site.address.clone(),
            "site.signature" => config.site.signature.clone(),
            "mail_out.from_name" => config.mail_out.from_name.clone(),
            "classify.threshold" => config.classify.threshold.to_string(),
            "classify.unclear" => config.classify.unclear.as_str().to_owned(),
            "straight_through.enabled" => config.straight_through.enabled.to_string(),
            "straight_through.threshold" => config.straight_through.threshold.to_string(),
            "straight_through.audit_share" => config.straight_through.audit_share.to_string(),
            "straight_through.kinds" => {
                let kinds: Vec<&str> =
                    config.straight_through.kinds.iter().map(|kind| kind.as_str()).collect();
                kinds.join("\n")
            }
            "limits.attempts" => config.limits.attempts.to_string(),
            "limits.message_seconds" => config.limits.message_seconds.to_string(),
            "limits.archive_depth" => config.limits.archive_depth.to_string(),
            "limits.documents_per_message" => config.limits.documents_per_message.to_string(),
            "mail_out.breaker_per_hour" => config.mail_out.breaker_per_hour.to_string(),
            "queue.label" => of.label.clone(),
            "queue.addresses" => of.addresses.join("\n"),
            "queue.answer_hours" => of.answer_hours.to_string(),
            _ => String::new(),
        }
    }

    /// Puts a typed value into a configuration, or says what is wrong with it.
    pub fn write(&self, config: &mut Config, value: &str) -> anyhow::Result<()> {
        let value = value.replace("\r\n", "\n");
        let value = value.trim();
        self.check(value)?;
        let lines =
            || value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        match self.key {
            "site.name" if value.is_empty() => bail!("a site needs a name"),
            "site.name" => value.clone_into(&mut config.site.name),
            "site.names" => config.site.names = lines(),
            "site.address" => value.clone_into(&mut config.site.address),
            "site.signature" => value.clone_into(&mut config.site.signature),
            "mail_out.from_name" => value.clone_into(&mut config.mail_out.from_name),
            "classify.threshold" => config.classify.threshold = number(value)?,
            "classify.unclear" => config.classify.unclear = Queue::parse(value).context("no such queue")?,
            "straight_through.enabled" => config.straight_through.enabled = number(value)?,
            "straight_through.threshold" => config.straight_through.threshold = number(value)?,
            "straight_through.audit_share" => config.straight_through.audit_share = number(value)?,
            "straight_through.kinds" => {
                let kinds: Option<Vec<Kind>> = value.lines().map(|name| Kind::parse(name.trim())).collect();
                config.straight_through.kinds = kinds.context("no such kind of document")?;
            }
            "limits.attempts" => config.limits.attempts = number(value)?,
            "limits.message_seconds" => config.limits.message_seconds = number(value)?,
            "limits.archive_depth" => config.limits.archive_depth = number(value)?,
            "limits.documents_per_message" => config.limits.documents_per_message = number(value)?,
            "mail_out.breaker_per_hour" => config.mail_out.breaker_per_hour = number(value)?,
            key => {
                let rules = rules(config, self.queue.with_context(|| format!("{key} has no place"))?);
                match key {
                    "queue.label" => value.clone_into(&mut rules.label),
                    "queue.addresses" => rules.addresses = lines(),
                    "queue.answer_hours" => rules.answer_hours = number(value)?,
                    _ => bail!("{key} is no setting"),
                }
            }
        }
        Ok(())
    }

    fn check(&self, value: &str) -> anyhow::Result<()> {
        if value.chars().count() > VALUE_CHARS_MAX {
            bail!("more than {VALUE_CHARS_MAX} characters");
        }
        let hidden = |c: char| c.is_control() && c != '\n';
        if value.chars().any(hidden) || (self.form == Form::Line && value.contains('\n')) {
            bail!("it holds characters that nobody sees");
        }
        match self.form {
            Form::Share(low, high) if !(low..=high).contains(&number::<f64>(value)?) => {
                bail!("it must lie between {low} and {high}")
            }
            Form::Whole(low, high) if !(low..=high).contains(&number::<i64>(value)?) => {
                bail!("it must lie between {low} and {high}")
            }
            _ => Ok(()),
        }
    }
}

fn number<T: FromStr>(value: &str) -> anyhow::Result<T> {
    value.parse().ok().with_context(|| format!("{value:?} is not a value that fits here"))
}

fn rules(config: &mut Config, queue: Queue) -> &mut QueueRules {
    let at = config.queue.iter().position(|rules| rules.name == queue).unwrap_or_else(|| {
        config.queue.push(QueueRules { name: queue, ..QueueRules::default() });
        config.queue.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "the place was just found or made")]
    &mut config.queue[at]
}

/// The file's configuration with what the pages keep, and what of that cannot count any more, with the reason.
pub fn effective(
    file: &Config,
    rows: &[SettingRow],
    mailboxes: &[MailboxRow],
) -> (Config, Vec<(String, String)>) {
    let mut config = file.clone();
    let mut wrong = Vec::new();
    for row in rows {
        let mut changed = config.clone();
        let written = Setting::find(&row.name)
            .context("this version of the program has no such setting")
            .and_then(|setting| setting.write(&mut changed, &row.value))
            .and_then(|()| changed.check());
        match written {
            Ok(()) => config = changed,
            Err(error) => wrong.push((row.name.clone(), format!("{error:#}"))),
        }
    }
    wrong.extend(mailboxes::add(&mut config, mailboxes));
    (config, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: &str) -> SettingRow {
        SettingRow { name: name.into(), value: value.into(), changed_by: "ann".into(), changed_ms: 1 }
    }

    #[test]
    fn every_setting_is_read_as_it_was_written() {
        let mut names = std::collections::BTreeSet::new();
        for setting in Setting::all() {
            assert!(names.insert(setting.name()), "{} twice", setting.name());
            let value = match setting.form {
                Form::Line | Form::Lines if setting.key == "queue.addresses" => "a@b.example\nc@d.example",
                Form::Line | Form::Lines => "Text",
                Form::Switch => "true",
                Form::Share(..) => "0.75",
                Form::Whole(..) => "10",
                Form::Kinds => "purchase_order\ninvoice",
                Form::Queue => "other",
            };
            let (config, wrong) = effective(&Config::default(), &[row(&setting.name(), value)], &[]);
            assert_eq!(wrong, [], "{}", setting.name());
            assert_eq!(setting.read(&config), value, "{}", setting.name());
            assert_eq!(Setting::find(&setting.name()), Some(setting));
        }
    }

    #[test]
    fn what_cannot_count_leaves_it_to_the_file() {
        for (name, value, expected) in [
            ("site.name", "", "needs a name"),
            ("site.name", "two\nlines", "nobody sees"),
            ("limits.attempts", "0", "between 1 and 20"),
            ("classify.threshold", "much", "is not a value"),
            ("classify.threshold", "NaN", "between 0 and 1"),
            ("straight_through.kinds", "poem", "no such kind"),
            ("queue.returns.addresses", "nobody", "not a mail address"),
            ("queue.nowhere.label", "x", "no such setting"),
            ("database.url", "sqlite:x", "no such setting"),
        ] {
            let file = Config::default();
            let (config, wrong) = effective(&file, &[row(name, value), row("site.names", "Ours")], &[]);
            assert!(wrong.len() == 1 && wrong[0].1.contains(expected), "{name}: {wrong:?}");
            assert_eq!((config.site.name, config.site.names), (file.site.name, vec!["Ours".to_owned()]));
        }
        let twice =
            [row("queue.orders.addresses", "a@b.example"), row("queue.returns.addresses", "A@b.example")];
        assert!(effective(&Config::default(), &twice, &[]).1[0].1.contains("two queues"));
    }
}
