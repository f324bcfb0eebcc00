//! The hermetic environment of every test, and the helpers that test directories share.

mod canaries;
mod child_process;
mod command_output;
mod documents;
mod kills;
mod memory;
mod registries;
mod registry_content;
mod test_environment;

pub(crate) use canaries::assert_no_canary;
pub(crate) use child_process::{
    block, output_of, output_with_input, run_with_input, send_signal, spawn_piped, try_send_signal,
};
pub(crate) use command_output::CommandOutput;
pub(crate) use documents::{auth_file, column};
pub(crate) use kills::{kill_at_request, kills};
pub(crate) use memory::{MAX_MEMORY_KIB, measure_memory};
pub(crate) use registries::{
    max_in_flight, push_other_image, push_tags, registry_with, small_image,
};
pub(crate) use registry_content::{MANIFEST_TYPES, complete_tags, tags_of};
pub(crate) use test_environment::{TestEnvironment, file_mode, path_with_mirror, repository_root};
