//! What the store on disk guarantees beyond the contract.

mod files;
mod salvage;
