//! The content that the far side of an air gap has: an inventory, and the bases of an export.

mod bundle_base;
mod far_side;
mod inventory;

pub use far_side::{FarSide, KnownIn};
pub use inventory::{Inventory, InventoryError, InventoryRepository, MAX_INVENTORY};
