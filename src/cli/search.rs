//! `mailroom search`: hits with highlighted snippets.

use crate::{
    app::App,
    jobs::index_search,
    search::{Coverage, Hit, Query, QueryError, Snippet, query, table},
};
use jiff::tz::TimeZone;
use serde_json::json;
use std::{
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
    sync::Arc,
};

/// Finds messages, and files by their text.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mailroom search 'HEX1025-B from:acme after:2025'
  mailroom search '\"delivery date\" -has:pdf queue:order_status sort:newest'
  mailroom search '4500 123 456' --json | jq .ticket

Words must all be there; a word with a digit is found inside codes too, with or without hyphens and blanks.
\"a phrase\"  -not  a OR b  (a b)  beginn*  from: to: subject: filename: account: ticket: queue: kind: lang:
po:4500-12*  sku:HEX1025  amount>1000  amount:100..200  is:open|waiting|closed|in|out|person|machine|historic
has:attachment|pdf|image|sheet|draft|order|unread  sort:newest|oldest|relevance
after: before: on:  2025, 2025-03, 2025-03-14, today, yesterday, lastmonth, 7d, 2w, 3m, 1y (in web.time_zone)")]
pub struct Args {
    /// What to look for.
    #[arg(required = true, value_name = "QUERY", allow_hyphen_values = true)]
    query: Vec<String>,

    /// Print one JSON object for each hit.
    #[arg(long)]
    json: bool,

    /// Print every hit as a line of CSV, however many there are.
    #[arg(long, conflicts_with_all = ["json", "limit", "offset"])]
    csv: bool,

    /// Most hits to print.
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: usize,

    /// Hits to leave out before the first one.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    offset: usize,
}

/// Searches and prints; on standard error, how many there are and how much is indexed.
pub async fn run(args: Args, app: &Arc<App>) -> anyhow::Result<ExitCode> {
    let typed = args.query.join(" ");
    let now = app.now();
    let query = query::parse(&typed, &now).map_err(|error| anyhow::anyhow!(pointed(&typed, &error)))?;
    let index = app.index.clone();
    if args.csv {
        return print_all(app, query, now.time_zone().clone()).await;
    }
    let hits = tokio::task::spawn_blocking(move || index.search(&query, args.limit, args.offset)).await??;
    let mut out = io::stdout().lock();
    let colour = out.is_terminal();
    for hit in &hits.hits {
        if args.json {
            writeln!(out, "{}", to_json(hit))?;
        } else {
            print(&mut out, hit, colour)?;
        }
    }
    out.flush()?;
    let coverage = index_search::coverage(&app.store, &app.index).await?;
    writeln!(io::stderr().lock(), "{}", summary(hits.total, hits.hits.len(), coverage))?;
    Ok(ExitCode::SUCCESS)
}

/// Every hit as CSV.
async fn print_all(app: &Arc<App>, query: Query, zone: TimeZone) -> anyhow::Result<ExitCode> {
    let index = app.index.clone();
    let print = move || -> anyhow::Result<usize> {
        let mut writer = csv::Writer::from_writer(io::stdout().lock());
        writer.write_record(table::HEAD)?;
        let mut count = 0;
        for hit in index.all(&query)? {
            writer.write_record(table::cells(&hit?, &zone))?;
            count += 1;
        }
        writer.flush()?;
        Ok(count)
    };
    let total = tokio::task::spawn_blocking(print).await??;
    let coverage = index_search::coverage(&app.store, &app.index).await?;
    writeln!(io::stderr().lock(), "{}", summary(total, total, coverage))?;
    Ok(ExitCode::SUCCESS)
}

/// A mistake with the query under which its place is marked, and what was perhaps meant.
fn pointed(typed: &str, error: &QueryError) -> String {
    let before = typed.get(..error.place.start).unwrap_or_default().chars().count();
    let length = typed.get(error.place.clone()).unwrap_or_default().chars().count().max(1);
    let mut text = format!("{error}\n  {typed}\n  {}{}", " ".repeat(before), "^".repeat(length));
    if let Some(suggestion) = &error.suggestion {
        text.push_str("\nDid you mean?  ");
        text.push_str(suggestion);
    }
    text
}

fn to_json(hit: &Hit) -> serde_json::Value {
    json!({
        "message": hit.message_id,
        "ticket": hit.ticket_number.map(|number| format!("MR-{number}")),
        "date": date(hit.date_ms),
        "from": hit.from.text,
        "subject": hit.subject.text,
        "snippet": hit.body.text,
        "highlights": hit.body.highlights.iter().map(|range| [range.start, range.end]).collect::<Vec<_>>(),
        "file": hit.file.as_ref().map(|file| &file.text),
        "page": hit.page,
        "score": hit.score,
    })
}

fn date(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| time.to_string())
}

/// Snippets hold no control characters, so nothing in a mail reaches the terminal as a command.
fn print(out: &mut impl Write, hit: &Hit, colour: bool) -> io::Result<()> {
    let ticket = hit.ticket_number.map_or_else(|| "no ticket".to_owned(), |number| format!("MR-{number}"));
    let day: String = date(hit.date_ms).chars().take(10).collect();
    writeln!(out, "{ticket}  {day}  {}", marked(&hit.from, colour))?;
    writeln!(out, "  {}", marked(&hit.subject, colour))?;
    if let Some(file) = &hit.file {
        writeln!(out, "  [{}]", marked(file, colour))?;
    }
    writeln!(out, "  {}\n", marked(&hit.body, colour))
}

fn marked(snippet: &Snippet, colour: bool) -> String {
    let parts = snippet.parts().map(|(part, highlighted)| match (highlighted, colour) {
        (true, true) => format!("\u{1b}[1;33m{part}\u{1b}[0m"),
        _ => part.to_owned(),
    });
    parts.collect()
}

fn summary(total: usize, shown: usize, coverage: Coverage) -> String {
    let found = match total {
        0 => "nothing found".to_owned(),
        1 => "1 message".to_owned(),
        _ if shown < total => format!("{total} messages, {shown} shown"),
        _ => format!("{total} messages"),
    };
    let Coverage { indexed, stored } = coverage;
    let hint = if coverage.is_complete() { "" } else { "; the others wait, or are in quarantine" };
    format!("{found}; {indexed} of {stored} messages are indexed{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_pointed_at() {
        let error = query::parse("ä frm:x", &jiff::Zoned::default()).unwrap_err();
        let told = pointed("ä frm:x", &error);
        assert!(told.ends_with("\n  ä frm:x\n    ^^^\nDid you mean?  ä from:x"), "{told}");
    }

    #[test]
    fn the_summary_says_how_much_is_indexed() {
        let complete = Coverage { indexed: 5, stored: 5 };
        assert_eq!(summary(0, 0, complete), "nothing found; 5 of 5 messages are indexed");
        assert_eq!(summary(1, 1, complete), "1 message; 5 of 5 messages are indexed");
        let partial = Coverage { indexed: 4, stored: 5 };
        assert_eq!(
            summary(30, 20, partial),
            "30 messages, 20 shown; 4 of 5 messages are indexed; the others wait, or are in quarantine"
        );
    }
}
