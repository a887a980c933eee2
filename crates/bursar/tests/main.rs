//! bursar against the real world.
//!
//! `cfg(test)` is always true here; it tells the lints that this is test code.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod agent;
#[cfg(test)]
mod api_logins;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod context;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod database;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hand_out;
#[cfg(test)]
mod issuing;
#[cfg(test)]
mod issuing_peers;
#[cfg(test)]
mod jwt;
#[cfg(test)]
mod login;
#[cfg(test)]
mod login_by_url;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod race;
#[cfg(test)]
mod screens;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod server;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod service;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shells;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod vault;
