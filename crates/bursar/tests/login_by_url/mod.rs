//! `bursar login https://host/mcp`: everything but the URL is found out, and nothing that is found out is believed unchecked.

mod bad_input;
mod bound;
mod resource;
mod ways;
