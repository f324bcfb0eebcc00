//! The registration of version sources.

use crate::entry::{EntryParts, SourceKind};
use crate::source::ArgumentError;

/// A registered kind of version source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RegisteredSource<S> {
    /// The name and the keys.
    pub(crate) kind: SourceKind,
    /// Creates a source from the argument of `versionSource` and the other parts of an entry.
    pub(crate) parse: fn(&str, EntryParts) -> Result<S, ArgumentError>,
}

/// Defines the enum `Source` from the types of the version sources. Documentation and messages list
/// them in this order.
macro_rules! version_sources {
    ($($module:ident::$source:ident,)+) => {
        $(pub use $module::$source;)+

        /// A version source with its settings.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum Source {
            $(
                #[doc = concat!("The source [`", stringify!($source), "`].")]
                $source($source),
            )+
        }

        impl Source {
            /// All kinds of version sources.
            pub(crate) const ALL: &'static [RegisteredSource<Self>] = &[
                $(RegisteredSource {
                    kind: <$source as $crate::source::ConfiguredSource>::KIND,
                    parse: |argument, parts| {
                        let parsed =
                            <$source as $crate::source::ConfiguredSource>::parse(argument, parts);
                        parsed.map(Self::$source)
                    },
                },)+
            ];

            /// Returns the images that receive the versions: none for a source that announces images.
            #[must_use]
            pub fn images(&self) -> &[$crate::entry::EntryImage] {
                match self {
                    $(Self::$source(source) => $crate::source::ConfiguredSource::images(source),)+
                }
            }
        }

        impl $crate::source::VersionSource for Source {
            async fn retrieve(
                &self,
                upstreams: &$crate::source::Upstreams,
            ) -> Result<$crate::retrieved::Retrieved, $crate::error::RetrievalError> {
                match self {
                    $(Self::$source(source) => source.retrieve(upstreams).await,)+
                }
            }
        }
    };
}
