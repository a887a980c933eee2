//! `bursar vault`: making the key to everything, changing it, and keeping it from those who should not have it.

mod agent;
mod kill;
mod making;
mod rotating;
mod world;
