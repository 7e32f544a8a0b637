//! The goods of a site, each found by our number or the customer's without a walk through all of them.

use super::{account::CatalogueItem, text::squeeze};
use std::{
    collections::{BTreeSet, HashMap},
    ops::Deref,
    sync::Arc,
};

/// All goods, in the order given. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(Arc<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    items: Vec<CatalogueItem>,
    ours: Numbers,
    theirs: Numbers,
    units: BTreeSet<String>,
}

/// Numbers by their letters and digits, and by how they look to a reader of pixels.
#[derive(Debug, Default)]
struct Numbers {
    places: HashMap<String, Vec<usize>>,
    /// The only number that looks so, as it is written; none if there are several.
    looks: HashMap<String, Option<String>>,
}

/// Letters that are taken for one another on paper become one.
fn look(squeezed: &str) -> String {
    let same = |letter| match letter {
        'o' | 'q' | 'd' => '0',
        'i' | 'l' | 'j' => '1',
        's' => '5',
        'b' => '8',
        'z' => '2',
        'g' => '6',
        other => other,
    };
    squeezed.chars().map(same).collect()
}

impl Numbers {
    fn add(&mut self, number: &str, place: usize) {
        let squeezed = squeeze(number);
        if squeezed.is_empty() {
            return;
        }
        let looks = look(&squeezed);
        let places = self.places.entry(squeezed).or_default();
        if places.is_empty() {
            let only = self.looks.entry(looks);
            only.and_modify(|only| *only = None).or_insert_with(|| Some(number.to_owned()));
        }
        places.push(place);
    }

    fn knows(&self, number: &str) -> bool {
        self.places.contains_key(&squeeze(number))
    }

    fn alike(&self, number: &str) -> Option<&str> {
        self.looks.get(&look(&squeeze(number)))?.as_deref()
    }
}

impl Catalogue {
    /// The item of one of our numbers, however its parts are set apart.
    pub fn find(&self, sku: &str) -> Option<&CatalogueItem> {
        let place = self.0.ours.places.get(&squeeze(sku))?.first()?;
        self.0.items.get(*place)
    }

    /// The item of a number of one customer's.
    pub fn find_for_customer(&self, number: &str, account_no: &str) -> Option<&CatalogueItem> {
        let wanted = squeeze(number);
        let mut items =
            self.0.theirs.places.get(&wanted)?.iter().filter_map(|place| self.0.items.get(*place));
        items.find(|item| item.customer_skus.get(account_no).is_some_and(|own| squeeze(own) == wanted))
    }

    /// Whether a number is one of ours.
    pub fn has_sku(&self, number: &str) -> bool {
        self.0.ours.knows(number)
    }

    /// Whether a number is one of any customer's.
    pub fn has_customer_sku(&self, number: &str) -> bool {
        self.0.theirs.knows(number)
    }

    /// The only number of ours that a misread one can be, as it is written in the catalogue.
    pub fn sku_alike(&self, number: &str) -> Option<&str> {
        self.0.ours.alike(number)
    }

    /// The only number of any customer's that a misread one can be.
    pub fn customer_sku_alike(&self, number: &str) -> Option<&str> {
        self.0.theirs.alike(number)
    }

    /// Whether any item is sold by a unit.
    pub fn has_unit(&self, unit: &str) -> bool {
        self.0.units.contains(&squeeze(unit))
    }
}

impl From<Vec<CatalogueItem>> for Catalogue {
    fn from(items: Vec<CatalogueItem>) -> Self {
        let mut shelf = Shelf::default();
        for (place, item) in items.iter().enumerate() {
            shelf.ours.add(&item.sku, place);
            for number in item.customer_skus.values() {
                shelf.theirs.add(number, place);
            }
            shelf.units.insert(squeeze(&item.unit));
        }
        shelf.items = items;
        Self(Arc::new(shelf))
    }
}

impl<const N: usize> From<[CatalogueItem; N]> for Catalogue {
    fn from(items: [CatalogueItem; N]) -> Self {
        Self::from(Vec::from(items))
    }
}

impl Deref for Catalogue {
    type Target = [CatalogueItem];

    fn deref(&self) -> &[CatalogueItem] {
        &self.0.items
    }
}

impl PartialEq for Catalogue {
    fn eq(&self, other: &Self) -> bool {
        self.0.items == other.0.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(sku: &str, theirs: &[(&str, &str)]) -> CatalogueItem {
        let owned = |(account, number): &(&str, &str)| ((*account).to_owned(), (*number).to_owned());
        CatalogueItem {
            sku: sku.to_owned(),
            customer_skus: theirs.iter().map(owned).collect(),
            ..CatalogueItem::default()
        }
    }

    #[test]
    fn numbers_find_their_item() {
        let all = Catalogue::from([
            item("A-1312/B", &[("C1", "77 10"), ("C2", "90")]),
            item("S-50", &[("C2", "77 10")]),
            item("5-5O", &[]),
        ]);
        let sku = |found: Option<&CatalogueItem>| found.map(|item| item.sku.clone());
        assert_eq!(sku(all.find("a1312 b")).as_deref(), Some("A-1312/B"));
        assert_eq!(sku(all.find("A-1312")), None);
        assert_eq!(sku(all.find_for_customer("7710", "C1")).as_deref(), Some("A-1312/B"));
        assert_eq!(sku(all.find_for_customer("7710", "C2")).as_deref(), Some("S-50"));
        assert_eq!(sku(all.find_for_customer("7710", "C3")), None);
        assert!(all.has_sku("S 50") && !all.has_sku("") && all.has_customer_sku("90"));
        assert_eq!(all.sku_alike("AI3l2B"), Some("A-1312/B"));
        assert_eq!(all.sku_alike("SSO"), None, "two items look so");
        assert_eq!(all.customer_sku_alike("771O"), Some("77 10"));
    }
}
