//! Running `mirror digest`.

use std::borrow::Cow;
use std::fmt;

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_argument::{self, ImageArgument};
use crate::registries::client;
use crate::registries::image_reader::ImageReader;
use crate::session::Session;

/// The arguments of `digest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror digest quay.io/coreos/etcd:v3.5.17
  mirror digest busybox --output json")]
pub(crate) struct DigestArgs {
    /// Image, as NAME, NAME:TAG, NAME@DIGEST or oci:DIR:NAME [default tag: latest]
    #[arg(value_name = "REF", value_parser = image_argument::image_or_file)]
    image: ImageArgument,
}

/// The result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ImageDigest {
    /// The repository with its host, or the file.
    repository: String,
    /// The tag or the digest of the argument, or the name in the file.
    tag: String,
    /// The digest of the manifest or index.
    digest: String,
    /// The media type of the manifest; `null` if the registry does not send it.
    media_type: Option<String>,
}

impl fmt::Display for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.digest)
    }
}

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if the image does not exist or cannot be read.
pub(crate) async fn run(session: &Session, args: &DigestArgs) -> Result<Exit, Failure> {
    let client = client::build(&session.common, &session.environment)?;
    let _waiting = session.progress_display.show_requests(&client);
    let reader = ImageReader::open(&client, &args.image).await?;
    let head = reader.head().await?;
    let result = ImageDigest {
        repository: reader.image.repository(),
        tag: reader.image.tag().to_owned(),
        digest: head.digest.to_string(),
        media_type: head.media_type.map(Cow::into_owned),
    };
    session.output.write(&result, &result)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<ImageDigest>("digest");
    }
}
