//! `mirror man-pages`: writes the manual pages.

mod run;

pub(crate) use run::{ManPagesArgs, run};
