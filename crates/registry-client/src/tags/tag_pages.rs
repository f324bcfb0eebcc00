//! The pages of a tag list.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use http::StatusCode;
use image_name::Tag;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use url::Url;

use super::tag_list::TagList;
use crate::document_memory::BodyMemory;
use crate::error::Error;
use crate::exact_keys::ExactKeys;
use crate::paging::{NextLink, VisitedPages, next_list_page};
use crate::served::Availability;
use crate::transport::{BufferedResponse, Host, ListBudget, Request};

/// The requested number of tags per page. Registries that serve fewer send a `Link`.
const PAGE_SIZE: usize = 1000;
/// The maximum number of pages.
const MAX_PAGES: usize = 1000;
/// The maximum number of entries in all pages.
const MAX_TAGS: usize = 1_000_000;

/// The largest page in bytes. Google's registries send all tags in one page, with their manifests.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// The requests for the pages of one list.
#[derive(Debug)]
pub(super) struct TagPages<'a> {
    host: &'a Arc<Host>,
    request: Request,
    /// The URL of the first page.
    first: Url,
    /// The URL of the first page without a page size.
    unsized_first: Url,
    /// True if a page had a `Link`, so that a page without one is the last.
    is_linked: bool,
    budget: ListBudget,
}

/// The end of a list.
#[derive(Debug)]
pub(super) enum ListEnd<T> {
    /// The repository does not exist.
    Missing,
    /// The registry refuses the page size: distribution 3 does so above its `maxtags`.
    PageSizeRefused,
    /// The last page has been read.
    Complete(TagList<T>),
    /// A page was sent twice, so the next page is unknown. The list has its entries once.
    Repeating(TagList<T>),
}

/// A page that was received.
#[derive(serde::Deserialize)]
struct Page<'a> {
    /// distribution sends `null` for a repository without tags.
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
}

/// The entries of a page, without their texts.
#[derive(Debug, Default)]
struct Entries {
    count: usize,
    hash: u64,
    last: Option<String>,
}

impl<'a> TagPages<'a> {
    pub(super) fn new(host: &'a Arc<Host>, mut request: Request) -> Self {
        request.limit = MAX_BODY;
        request.body = BodyMemory::Page;
        let unsized_first = request.url.clone();
        let first = with_parameter(&unsized_first, "n", &PAGE_SIZE.to_string());
        request.url = first.clone();
        Self {
            host,
            request,
            first,
            unsized_first,
            is_linked: false,
            budget: host.list_budget(),
        }
    }

    /// Leaves the page size to the registry.
    pub(super) fn without_page_size(&mut self) {
        self.first = self.unsized_first.clone();
    }

    /// Requests the first page.
    pub(super) async fn first_page(&mut self) -> Result<BufferedResponse, Error> {
        let response = self.page().await?;
        if response.status == StatusCode::BAD_REQUEST && self.first != self.unsized_first {
            self.without_page_size();
            self.request.url = self.first.clone();
            return self.page().await;
        }
        Ok(response)
    }

    async fn page(&mut self) -> Result<BufferedResponse, Error> {
        self.host.send_page(&self.request, &mut self.budget).await
    }

    /// Reads all pages from the first on, and adds their entries to `list`.
    pub(super) async fn walk<T>(
        &mut self,
        mut list: TagList<T>,
        keep: &impl Fn(&mut T, Tag),
    ) -> Result<ListEnd<T>, Error> {
        self.request.url = self.first.clone();
        self.is_linked = false;
        let mut visited = VisitedPages::new(&self.first);
        let mut contents = HashSet::new();
        let mut last: Option<String> = None;
        let mut turn = None;
        for number in 1..=MAX_PAGES {
            if number > 1 && turn.is_none() {
                let lists = &self.host.shared.long_lists;
                turn = lists.acquire(self.host.name().to_owned()).await;
            }
            let response = self.page().await?;
            if let Some(end) = self.end(&response, number)? {
                return Ok(end);
            }
            let tags = entries_text(&response)?;
            self.host.capabilities.tags_listed();
            let entries = Entries::read(tags, &response)?;
            // A registry that ignores `last` sends the same page again.
            if entries.count > 0 && !contents.insert(entries.hash) {
                return Ok(ListEnd::Repeating(list));
            }
            if list.listing.listed + list.listing.invalid + entries.count > MAX_TAGS {
                let what = format!("the tag list has more than {MAX_TAGS} entries");
                return Err(response.protocol_error(what));
            }
            let mut is_first = true;
            for_each_entry(tags, &response, |text| {
                // Some registries begin a page with the last tag of the previous page.
                let is_repeated = std::mem::take(&mut is_first) && last.as_deref() == Some(text);
                if !is_repeated {
                    list.add(text, keep);
                }
            })?;
            last = entries.last.or(last);
            let Some(next) = self.next(&response, entries.count, last.as_deref())? else {
                return Ok(ListEnd::Complete(list));
            };
            if !visited.insert(&next) {
                return Ok(ListEnd::Repeating(list));
            }
            self.request.url = next;
        }
        Err(Error::protocol(
            &self.request.method,
            &self.request.url,
            format!("the tag list has more than {MAX_PAGES} pages"),
        ))
    }

    /// Returns the end of the list if the response is not a page.
    fn end<T>(
        &self,
        response: &BufferedResponse,
        number: usize,
    ) -> Result<Option<ListEnd<T>>, Error> {
        let is_size_refused =
            response.status == StatusCode::BAD_REQUEST && self.first != self.unsized_first;
        match Availability::of(response) {
            Availability::Available => Ok(None),
            Availability::Missing if number == 1 => Ok(Some(ListEnd::Missing)),
            Availability::NotServed if number == 1 && is_size_refused => {
                Ok(Some(ListEnd::PageSizeRefused))
            }
            Availability::NotServed if number == 1 => Err(response.status_error()),
            Availability::Missing | Availability::NotServed => Err(response.missing_page(number)),
        }
    }

    /// Returns the URL of the page after one with `count` entries. `last` is the last entry so far.
    fn next(
        &mut self,
        response: &BufferedResponse,
        count: usize,
        last: Option<&str>,
    ) -> Result<Option<Url>, Error> {
        let link = next_list_page(response, &self.request.url)?;
        self.is_linked |= matches!(link, NextLink::Page(_));
        Ok(match (link, last) {
            (NextLink::Page(next), _) => Some(next),
            (NextLink::None, Some(last)) if count == PAGE_SIZE && !self.is_linked => {
                Some(self.after(last))
            }
            // The page may have a successor, so the next one is requested.
            (NextLink::Unreadable, Some(last)) if count > 0 => Some(self.after(last)),
            _ => None,
        })
    }

    fn after(&self, last: &str) -> Url {
        with_parameter(&self.first, "last", last)
    }
}

impl Entries {
    fn read(tags: Option<&RawValue>, response: &BufferedResponse) -> Result<Self, Error> {
        let mut entries = Self::default();
        let mut hasher = DefaultHasher::new();
        for_each_entry(tags, response, |text| {
            entries.count += 1;
            text.hash(&mut hasher);
            match &mut entries.last {
                Some(last) => text.clone_into(last),
                last @ None => *last = Some(text.to_owned()),
            }
        })?;
        entries.hash = hasher.finish();
        Ok(entries)
    }
}

/// Returns the JSON text of the entries of a page.
fn entries_text(response: &BufferedResponse) -> Result<Option<&RawValue>, Error> {
    let page = serde_json::from_slice::<ExactKeys<Page<'_>>>(&response.body);
    let ExactKeys(page) = page.map_err(|error| invalid(response, &error))?;
    Ok(page.tags)
}

/// Calls `entry` with each entry of a page, without a list of them in memory.
fn for_each_entry(
    tags: Option<&RawValue>,
    response: &BufferedResponse,
    entry: impl FnMut(&str),
) -> Result<(), Error> {
    let Some(tags) = tags else {
        return Ok(());
    };
    let mut json = serde_json::Deserializer::from_str(tags.get());
    let read = EachEntry(entry).deserialize(&mut json);
    read.map_err(|error| invalid(response, &error))
}

fn invalid(response: &BufferedResponse, error: &serde_json::Error) -> Error {
    response.protocol_error(format!("the tag list is invalid: {error}"))
}

struct EachEntry<F>(F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for EachEntry<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str)> Visitor<'de> for EachEntry<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of tags")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Cow<'de, str>>()? {
            (self.0)(&entry);
        }
        Ok(())
    }
}

fn with_parameter(url: &Url, key: &str, value: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair(key, value);
    url
}
