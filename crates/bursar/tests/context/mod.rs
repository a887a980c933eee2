//! Which account a provider's name means: by folder, Git remote and environment, and what `which` says of it.

mod expect;
mod git;
mod places;
mod repositories;
mod rules;
mod terminals;
mod world;
