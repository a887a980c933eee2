//! What administrators do: clients, users, resources, keys and grants, added, changed and removed; and what they ask when
//! something was refused. Every change is an event that names who did it.

mod actor;
pub mod admission;
mod client_secrets;
pub mod clients;
mod data_keys;
pub mod first_code;
pub mod grants;
pub mod quotas;
pub mod refusals;
pub mod resources;
pub mod users;
