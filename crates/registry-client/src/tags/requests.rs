//! GET of tag lists.
//!
//! Source: distribution specification, "Listing Tags".

use http::Method;
use image_name::Tag;

use super::tag_list::TagList;
use super::tag_pages::{ListEnd, TagPages};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::repository::Repository;
use crate::served::{Availability, READ};

impl Repository {
    /// Returns all tags in the registry's order, or `None` if the repository does not exist.
    ///
    /// # Errors
    ///
    /// As [`Repository::fold_tags`].
    pub async fn tags(&self) -> Result<Option<TagList>, Error> {
        self.fold_tags(Vec::new, Vec::push).await
    }

    /// Folds the tags with `keep` and returns the result, or `None` if the repository does not exist. Each
    /// page is dropped before the next one is requested, so memory holds one page and what `keep` keeps.
    ///
    /// Pages are followed by `Link`, or by `last` after a full page without a `Link`. If a page
    /// repeats, the list is requested once more without a page size, and begins with `new` again. If
    /// the pages repeat again, `Listing::is_incomplete` returns true.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; one for which [`Error::is_not_served`] returns true if the registry does not list
    /// tags, not to this client, or lacks a later page; [`Error::Protocol`] for too many pages or tags.
    pub async fn fold_tags<T>(
        &self,
        new: impl Fn() -> T,
        keep: impl Fn(&mut T, Tag),
    ) -> Result<Option<TagList<T>>, Error> {
        let request = self.request(Method::GET, &Endpoint::Tags, READ)?;
        let mut pages = TagPages::new(&self.host, request);
        let repeating = match Box::pin(pages.walk(TagList::new(new()), &keep)).await? {
            ListEnd::Missing => return Ok(None),
            ListEnd::Complete(list) => return Ok(Some(list)),
            ListEnd::PageSizeRefused => None,
            ListEnd::Repeating(list) => Some(list),
        };
        pages.without_page_size();
        let walked = Box::pin(pages.walk(TagList::new(new()), &keep)).await;
        let Some(mut repeating) = repeating else {
            return match walked? {
                ListEnd::Missing | ListEnd::PageSizeRefused => Ok(None),
                ListEnd::Complete(list) => Ok(Some(list)),
                ListEnd::Repeating(list) => Ok(Some(list.incomplete())),
            };
        };
        let listed = repeating.listing.listed;
        match walked {
            Ok(ListEnd::Complete(list)) if list.listing.listed >= listed => return Ok(Some(list)),
            Ok(ListEnd::Complete(list) | ListEnd::Repeating(list))
                if list.listing.listed > listed =>
            {
                repeating = list;
            }
            _ => {}
        }
        Ok(Some(repeating.incomplete()))
    }

    /// Returns true if the registry lists tags of the repository, false if it does not exist. Only the
    /// first page is requested.
    ///
    /// # Errors
    ///
    /// As [`Repository::fold_tags`].
    pub async fn is_listed(&self) -> Result<bool, Error> {
        let request = self.request(Method::GET, &Endpoint::Tags, READ)?;
        let response = TagPages::new(&self.host, request).first_page().await?;
        match Availability::of(&response) {
            Availability::Available => Ok(true),
            Availability::Missing => Ok(false),
            Availability::NotServed => Err(response.status_error()),
        }
    }
}
