//! Looking after the authorization server: at the keyboard, and over the line.

mod clients;
mod grants_and_keys;
mod help;
mod over_http;
mod refusals;
mod resources;
mod users;
mod world;
