//! Looking after the authorization server: at the keyboard, and over the line.

mod clients;
mod data_keys;
mod described;
mod events;
mod first_administrator;
mod grants_and_keys;
mod help;
mod housekeeping;
mod over_http;
mod refusals;
mod resources;
mod sandboxes;
mod users;
mod world;
