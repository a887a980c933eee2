//! bursar against the real world.

#[cfg(test)]
mod platform;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod support;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod race;
#[cfg(test)]
mod exec;
#[cfg(test)]
mod login;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod screens;
#[cfg(test)]
mod secrets;
