//! `bursar jwt`: tokens signed, verified and read from the command line.

mod decode;
mod mint;
mod verify;
mod world;
