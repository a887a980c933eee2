//! Everything the use cases need from the world, as traits.
//!
//! A port returns boxed futures and knows no runtime; the real ones live in `bursar-store` and `bursar`, the ones for
//! tests are closures, maps and a clock that is moved by hand.

pub mod backup;
pub mod clock;
pub mod document;
pub mod event;
pub mod key_source;
pub mod passwords;
pub mod processes;
pub mod random;
pub mod refresh_lock;
pub mod store;
pub mod store_time;
pub mod tasks;
pub mod upstream;
