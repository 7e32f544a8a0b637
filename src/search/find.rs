//! Answers: the hits of a query with their snippets, grouped or flat, what they have in common, and all of them one
//! by one.

use super::{
    Error, Index, collect, compile, folder,
    query::{Order, Query},
    schema::{self, Fields, stored_text},
    snippet::{Highlighter, Snippet},
};
use crate::model::ids::{DocumentId, MessageId};
use serde::Serialize;
use tantivy::{
    DocAddress, Searcher, TantivyDocument,
    collector::{Count, MultiCollector, TopDocs},
    schema::Value,
};

/// Deepest hit that is listed: offset and limit together. [`Index::all`] goes on.
pub const HITS_MAX: usize = 10_000;

/// Which part of an answer, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Hits.
    pub limit: usize,
    /// Hits before the first one.
    pub offset: usize,
    /// One hit for each ticket: the best of it.
    pub by_ticket: bool,
    /// Count facets. Years begin at these milliseconds UTC, earliest first, and have these names.
    pub facets: Option<Vec<(i64, String)>>,
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hits {
    /// All messages that match.
    pub total: usize,
    /// All tickets and messages without one that match; as many as messages if they are not grouped.
    pub groups: usize,
    /// The ones that were asked for.
    pub hits: Vec<Hit>,
    /// What they have in common, if that was asked for.
    pub facets: Vec<Facet>,
}

/// How many of the matching messages have each value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facet {
    /// Name in the query language: `queue`, `account`, `kind`, `has`, `lang`, `on` for years.
    pub field: &'static str,
    /// Values with their messages, the most frequent first, years the latest first.
    pub values: Vec<(String, u64)>,
}

/// One message that matches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// The message.
    pub message_id: MessageId,
    /// Number of its ticket, if it has one.
    pub ticket_number: Option<i64>,
    /// Matching messages that it stands for, itself too; 1 if they are not grouped.
    pub in_group: usize,
    /// How well it matches: comparable within one answer only; 0 where the order is by date.
    pub score: f32,
    /// Date of the message, milliseconds UTC.
    pub date_ms: i64,
    /// The sender.
    pub from: Snippet,
    /// The subject.
    pub subject: Snippet,
    /// The piece of the body, or of a file, that matches best.
    pub body: Snippet,
    /// Name of a file, if the piece comes from files or a name matches.
    pub file: Option<Snippet>,
    /// That file.
    pub file_id: Option<DocumentId>,
    /// Page of the piece in that file, from 1; none if the piece is from the body.
    pub page: Option<usize>,
}

/// Every hit in its order, one by one, of the index as it was when the search began.
pub struct All {
    searcher: Searcher,
    fields: Fields,
    highlighter: Highlighter,
    places: std::vec::IntoIter<(collect::Rank, DocAddress)>,
}

impl std::fmt::Debug for All {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("All").field("left", &self.places.len()).finish_non_exhaustive()
    }
}

impl Iterator for All {
    type Item = Result<Hit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, address) = self.places.next()?;
        Some(folder::guarded(|| hit(&self.searcher, &self.fields, &self.highlighter, address)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl Index {
    /// The messages that match, `limit` of them from `offset` on.
    pub fn search(&self, query: &Query, limit: usize, offset: usize) -> Result<Hits, Error> {
        self.search_for(query, &Wanted { limit, offset, ..Wanted::default() })
    }

    /// The part of an answer that is wanted.
    pub fn search_for(&self, query: &Query, wanted: &Wanted) -> Result<Hits, Error> {
        folder::guarded(|| self.search_now(query, wanted))
    }

    /// All messages that match, however many.
    pub fn all(&self, query: &Query) -> Result<All, Error> {
        folder::guarded(|| {
            let searcher = self.reader.searcher();
            let compiled = compile::compile(&self.fields, &query.condition);
            let places = searcher.search(&compiled, &collect::Everything(query.order()))?;
            let highlighter = Highlighter::new(&query.condition);
            Ok(All { searcher, fields: self.fields, highlighter, places: places.into_iter() })
        })
    }

    fn search_now(&self, query: &Query, wanted: &Wanted) -> Result<Hits, Error> {
        let searcher = self.reader.searcher();
        let compiled = compile::compile(&self.fields, &query.condition);
        let order = query.order();
        let offset = wanted.offset.min(HITS_MAX);
        let limit = wanted.limit.min(HITS_MAX - offset);
        let mut collector = MultiCollector::new();
        let counted = collector.add_collector(Count);
        let facets = wanted.facets.as_deref().map(|years| collector.add_collector(collect::Facets { years }));
        let (mut hits, groups, mut fruits);
        if wanted.by_ticket {
            let grouped = collector.add_collector(collect::ByTicket(order));
            fruits = searcher.search(&compiled, &collector)?;
            let found = grouped.extract(&mut fruits);
            let page = found.iter().skip(offset).take(limit);
            hits = self.hits(&searcher, query, page.map(|group| (group.rank, group.best)))?;
            for (hit, group) in hits.iter_mut().zip(found.iter().skip(offset)) {
                hit.in_group = group.count;
            }
            groups = Some(found.len());
        } else if limit == 0 {
            fruits = searcher.search(&compiled, &collector)?;
            (hits, groups) = (Vec::new(), None);
        } else {
            let top = TopDocs::with_limit(limit).and_offset(offset);
            let found: Vec<(collect::Rank, DocAddress)> = if order == Order::Relevance {
                let top = collector.add_collector(top.order_by_score());
                fruits = searcher.search(&compiled, &collector)?;
                let found = top.extract(&mut fruits);
                found.into_iter().map(|(score, address)| (i64::from(score.to_bits()), address)).collect()
            } else {
                let direction =
                    if order == Order::Newest { tantivy::Order::Desc } else { tantivy::Order::Asc };
                let top = collector.add_collector(top.order_by_fast_field::<i64>(schema::DATE, direction));
                fruits = searcher.search(&compiled, &collector)?;
                let found = top.extract(&mut fruits);
                found.into_iter().map(|(_, address)| (0, address)).collect()
            };
            (hits, groups) = (self.hits(&searcher, query, found.into_iter())?, None);
        }
        let total = counted.extract(&mut fruits);
        let facets = match facets {
            Some(facets) => sorted(facets.extract(&mut fruits)),
            None => Vec::new(),
        };
        Ok(Hits { total, groups: groups.unwrap_or(total), hits, facets })
    }

    fn hits(
        &self,
        searcher: &Searcher,
        query: &Query,
        found: impl Iterator<Item = (collect::Rank, DocAddress)>,
    ) -> Result<Vec<Hit>, Error> {
        let highlighter = Highlighter::new(&query.condition);
        let scored = query.order() == Order::Relevance;
        let hits = found.map(|(rank, address)| {
            let score = if scored { collect::score(rank) } else { 0.0 };
            Ok(Hit { score, ..hit(searcher, &self.fields, &highlighter, address)? })
        });
        hits.collect()
    }
}

/// The most frequent values first, but the latest year first.
fn sorted(counts: collect::Counts) -> Vec<Facet> {
    let facets = counts.into_iter().map(|(field, values)| {
        let mut values: Vec<(String, u64)> = values.into_iter().collect();
        if field == collect::YEAR {
            values.reverse();
        } else {
            values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        }
        Facet { field, values }
    });
    facets.collect()
}

fn hit(
    searcher: &Searcher,
    fields: &Fields,
    highlighter: &Highlighter,
    address: DocAddress,
) -> Result<Hit, Error> {
    let document: TantivyDocument = searcher.doc(address)?;
    let number = |field| document.get_first(field).and_then(|value| value.as_i64());
    let list = |field| document.get_all(field).filter_map(|value| value.as_str()).enumerate();
    let matches = |text: &str| !text.is_empty() && highlighter.count(text) > 0;
    let body = stored_text(&document, fields.body);
    let text = if matches(body) { None } else { list(fields.file_text).find(|(_, text)| matches(text)) };
    let file = match text {
        Some((rank, _)) => list(fields.file).nth(rank),
        None => list(fields.file).find(|(_, name)| matches(name)),
    };
    let file_id =
        file.and_then(|(rank, _)| list(fields.file_id).nth(rank)).map(|(_, id)| DocumentId::new(id));
    Ok(Hit {
        message_id: MessageId::new(stored_text(&document, fields.message_id)),
        ticket_number: number(fields.ticket),
        in_group: 1,
        score: 0.0,
        date_ms: number(fields.date).unwrap_or_default(),
        from: highlighter.snippet(stored_text(&document, fields.from)),
        subject: highlighter.snippet(stored_text(&document, fields.subject)),
        body: highlighter.snippet(text.map_or(body, |(_, text)| text)),
        file: file.map(|(_, name)| highlighter.snippet(name)),
        file_id,
        page: text.map(|(_, text)| highlighter.page(text)),
    })
}
