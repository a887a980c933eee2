//! The wire rules from the server's side: what clients may send to the authorization server, and what it answers.
//!
//! Pure like everything in `oauth`: what is known, remembered or looked up is given. The use cases are in
//! `engine::issuer`.
