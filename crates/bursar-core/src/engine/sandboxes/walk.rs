//! All sandboxes, one after the other, for work that takes its time with each of them.

use std::collections::VecDeque;

use super::{Sandbox, SandboxName, Sandboxes};
use crate::ports::store::StoreError;

/// A walk through all sandboxes in the order of their names.
#[derive(Debug)]
pub struct Walk {
    sandboxes: Sandboxes,
    names: VecDeque<SandboxName>,
    /// After which name the next page begins; `None`: at the first.
    after: Option<String>,
    /// No page comes after this one.
    is_last: bool,
}

impl Sandboxes {
    /// Begins a walk.
    pub fn walk(&self) -> Walk {
        Walk { sandboxes: self.clone(), names: VecDeque::new(), after: None, is_last: false }
    }
}

impl Walk {
    /// The next sandbox, as it is now: its key may have changed since its page was read, and what is sealed with a key that
    /// is gone is lost. `None`: that was all of them.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn next(&mut self) -> Result<Option<Sandbox>, StoreError> {
        loop {
            while let Some(name) = self.names.pop_front() {
                if let Some(sandbox) = self.sandboxes.named(name.as_str()).await? {
                    return Ok(Some(sandbox));
                }
            }
            if self.is_last {
                return Ok(None);
            }
            let (page, next) = self.sandboxes.page(self.after.as_deref(), PAGE).await?;
            self.names = page.into_iter().map(|sandbox| sandbox.name).collect();
            self.is_last = next.is_none();
            self.after = next;
        }
    }
}

const PAGE: usize = 256;
