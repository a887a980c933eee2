//! The server's pages in a real browser: what a policy means is what browsers make of it.

mod browser;
mod driver;
mod every_page;
mod gallery;
mod place;
mod world;

use bursar::http::pages;
