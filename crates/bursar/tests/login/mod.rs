//! `bursar login` against a provider that can be told to misbehave.

mod assertion;
mod bad_input;
mod ways;
