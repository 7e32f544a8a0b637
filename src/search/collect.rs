//! What is gathered while the matching messages go by: groups by ticket, counts of facets, the place of every one.

use super::{
    query::Order,
    schema::{DATE, TICKET},
};
use std::collections::{BTreeMap, HashMap};
use tantivy::{
    DocAddress, DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::{Column, StrColumn},
};

/// Rank of a message in an order: larger comes first.
pub(super) type Rank = i64;

/// The score that a rank by relevance stands for.
pub(super) fn score(rank: Rank) -> f32 {
    f32::from_bits(u32::try_from(rank).unwrap_or_default())
}

struct Ranker {
    order: Order,
    dates: Column<i64>,
}

impl Ranker {
    fn open(order: Order, segment: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { order, dates: segment.fast_fields().i64(DATE)? })
    }

    fn rank(&self, doc: DocId, score: Score) -> Rank {
        let date = || self.dates.first(doc).unwrap_or_default();
        match self.order {
            // The bits of positive numbers stand in their order.
            Order::Relevance => i64::from(score.max(0.0).to_bits()),
            Order::Newest => date(),
            Order::Oldest => date().saturating_neg(),
        }
    }
}

/// The best message of a group, and how many there are in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) rank: Rank,
    pub(super) best: DocAddress,
    pub(super) count: usize,
}

impl Group {
    /// The better one stands for both; of equals the one that is met first.
    fn join(&mut self, other: &Self) {
        if (other.rank, std::cmp::Reverse(other.best)) > (self.rank, std::cmp::Reverse(self.best)) {
            (self.rank, self.best) = (other.rank, other.best);
        }
        self.count += other.count;
    }
}

/// Groups by ticket, the first ones first; a message without a ticket stands for itself. Memory grows with the
/// tickets that match, about 64 bytes each.
pub(super) struct ByTicket(pub(super) Order);

/// The groups of one segment.
pub(super) struct SegmentGroups {
    segment: SegmentOrdinal,
    ranker: Ranker,
    tickets: Column<i64>,
    groups: HashMap<i64, Group>,
    alone: Vec<Group>,
}

impl Collector for ByTicket {
    type Fruit = Vec<Group>;
    type Child = SegmentGroups;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<SegmentGroups> {
        Ok(SegmentGroups {
            segment,
            ranker: Ranker::open(self.0, reader)?,
            tickets: reader.fast_fields().i64(TICKET)?,
            groups: HashMap::new(),
            alone: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.0 == Order::Relevance
    }

    fn merge_fruits(&self, segments: Vec<(Vec<(i64, Group)>, Vec<Group>)>) -> tantivy::Result<Vec<Group>> {
        let mut all: HashMap<i64, Group> = HashMap::new();
        let mut list = Vec::new();
        for (groups, alone) in segments {
            list.extend(alone);
            for (ticket, group) in groups {
                all.entry(ticket).and_modify(|known| known.join(&group)).or_insert(group);
            }
        }
        list.extend(all.into_values());
        list.sort_unstable_by_key(|group| (std::cmp::Reverse(group.rank), group.best));
        Ok(list)
    }
}

impl SegmentCollector for SegmentGroups {
    type Fruit = (Vec<(i64, Group)>, Vec<Group>);

    fn collect(&mut self, doc: DocId, score: Score) {
        let rank = self.ranker.rank(doc, score);
        let group = Group { rank, best: DocAddress::new(self.segment, doc), count: 1 };
        match self.tickets.first(doc) {
            Some(ticket) => {
                self.groups.entry(ticket).and_modify(|known| known.join(&group)).or_insert(group);
            }
            None => self.alone.push(group),
        }
    }

    fn harvest(self) -> Self::Fruit {
        (self.groups.into_iter().collect(), self.alone)
    }
}

/// The place of every match in its order: 24 bytes each.
pub(super) struct Everything(pub(super) Order);

/// The places of one segment.
pub(super) struct SegmentPlaces {
    segment: SegmentOrdinal,
    ranker: Ranker,
    places: Vec<(Rank, DocAddress)>,
}

impl Collector for Everything {
    type Fruit = Vec<(Rank, DocAddress)>;
    type Child = SegmentPlaces;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<SegmentPlaces> {
        Ok(SegmentPlaces { segment, ranker: Ranker::open(self.0, reader)?, places: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        self.0 == Order::Relevance
    }

    fn merge_fruits(&self, segments: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        let mut places = segments.concat();
        places.sort_unstable_by_key(|(rank, address)| (std::cmp::Reverse(*rank), *address));
        Ok(places)
    }
}

impl SegmentCollector for SegmentPlaces {
    type Fruit = Vec<(Rank, DocAddress)>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.places.push((self.ranker.rank(doc, score), DocAddress::new(self.segment, doc)));
    }

    fn harvest(self) -> Self::Fruit {
        self.places
    }
}

/// The facets by their names in the query language, each with the field that it counts.
const COUNTED: [(&str, &str); 5] =
    [("queue", "queue"), ("account", "account_no"), ("kind", "kind"), ("has", "has"), ("lang", "language")];

/// The name of the facet of years.
pub(super) const YEAR: &str = "on";

/// How often each value occurs among the matches; years begin at these milliseconds UTC, earliest first.
pub(super) struct Facets<'a> {
    pub(super) years: &'a [(i64, String)],
}

/// Values and how many messages have them, by facet.
pub(super) type Counts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// The counts of one segment.
pub(super) struct SegmentFacets {
    columns: Vec<(&'static str, StrColumn, Vec<u64>)>,
    dates: Column<i64>,
    years: Vec<(i64, String)>,
    of_years: Vec<u64>,
}

impl Collector for Facets<'_> {
    type Fruit = Counts;
    type Child = SegmentFacets;

    fn for_segment(&self, _: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<SegmentFacets> {
        let mut columns = Vec::new();
        for (facet, field) in COUNTED {
            if let Some(column) = reader.fast_fields().str(field)? {
                let counts = vec![0; column.num_terms()];
                columns.push((facet, column, counts));
            }
        }
        let dates = reader.fast_fields().i64(DATE)?;
        Ok(SegmentFacets { columns, dates, years: self.years.to_vec(), of_years: vec![0; self.years.len()] })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Counts>) -> tantivy::Result<Counts> {
        let mut all = Counts::new();
        for (facet, values) in segments.into_iter().flatten() {
            let known = all.entry(facet).or_default();
            for (value, count) in values {
                *known.entry(value).or_default() += count;
            }
        }
        Ok(all)
    }
}

impl SegmentCollector for SegmentFacets {
    type Fruit = Counts;

    fn collect(&mut self, doc: DocId, _: Score) {
        for (_, column, counts) in &mut self.columns {
            for ord in column.term_ords(doc) {
                if let Some(count) = usize::try_from(ord).ok().and_then(|ord| counts.get_mut(ord)) {
                    *count += 1;
                }
            }
        }
        let date = self.dates.first(doc).unwrap_or_default();
        let year = self.years.partition_point(|(start, _)| *start <= date);
        if let Some(count) = year.checked_sub(1).and_then(|year| self.of_years.get_mut(year)) {
            *count += 1;
        }
    }

    fn harvest(self) -> Counts {
        let mut all = Counts::new();
        for (facet, column, counts) in self.columns {
            let values = all.entry(facet).or_default();
            for (ord, count) in (0_u64..).zip(counts).filter(|(_, count)| *count > 0) {
                let mut value = String::new();
                // A value that cannot be read has no name to be shown under.
                if column.ord_to_str(ord, &mut value).unwrap_or(false) {
                    *values.entry(value).or_default() += count;
                }
            }
        }
        let years = self.years.into_iter().zip(self.of_years).filter(|(_, count)| *count > 0);
        all.insert(YEAR, years.map(|((_, year), count)| (year, count)).collect());
        all
    }
}
