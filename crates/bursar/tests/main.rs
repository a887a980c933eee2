//! bursar against the real world.

mod command_line;
mod doctor;
mod exec;
mod faults;
mod hand_out;
mod login;
mod logout;
mod peers;
mod platform;
mod race;
mod screens;
mod secrets;
mod support;
