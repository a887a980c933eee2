//! The program as it is typed: help, exit codes, pipes, and homes that are broken in every way.

mod broken_config;
mod broken_home;
mod broken_store;
mod exit_codes;
mod help;
mod locked_vault;
mod pipes;
mod reference;
