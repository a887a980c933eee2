//! Typed records: what a record's content is, read and written through any [`Store`].

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use jiff::Timestamp;

use super::store::{
    Answer, Batch, Expected, Kind, NewRecord, Page, Record, Space, Store, StoreError, Version,
};

/// Content of one kind of record.
pub trait Document: Serialize + DeserializeOwned + Send {
    /// The kind it is stored as.
    const KIND: &'static Kind;

    /// Its identity.
    fn key(&self) -> String;

    /// Values for the kind's indexes.
    fn indexes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// When somebody should look at it.
    fn due_at(&self) -> Option<Timestamp> {
        None
    }

    /// When it ceases to exist.
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}

/// A document with the version it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The content.
    pub document: T,
    /// What a write based on it must expect.
    pub version: Version,
}

impl<T> Stored<T> {
    /// The same for several to look at.
    pub fn shared(self) -> Stored<Arc<T>> {
        Stored { document: Arc::new(self.document), version: self.version }
    }
}

/// Reads one document.
pub async fn get<T: Document>(
    store: &dyn Store,
    space: &Space,
    key: &str,
) -> Result<Answer<Option<Stored<T>>>, StoreError> {
    let answer = store.get(space, T::KIND, key).await?;
    Ok(Answer { value: answer.value.as_ref().map(decode).transpose()?, time: answer.time })
}

/// Reads all documents of a kind, page by page.
pub async fn list<T: Document>(store: &dyn Store, space: &Space) -> Result<Vec<Stored<T>>, StoreError> {
    let mut all = Vec::new();
    let mut page = Page::first(PAGE);
    loop {
        let records = store.list(space, T::KIND, page.clone()).await?.value;
        let full = records.len() == page.limit;
        page.after = records.last().map(|record| record.key.clone());
        for record in records {
            all.push(decode(&record)?);
        }
        if !full {
            return Ok(all);
        }
    }
}

/// Adds a write of `document` to a batch.
pub fn put<T: Document>(batch: Batch, document: &T, expected: Expected) -> Result<Batch, StoreError> {
    Ok(batch.put(encode(document)?, expected))
}

/// The record a document is stored as.
pub fn encode<T: Document>(document: &T) -> Result<NewRecord, StoreError> {
    let mut body = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut body, document)
        .map_err(|_| StoreError::Misuse("a document cannot be written as JSON"))?;
    Ok(NewRecord {
        kind: T::KIND,
        key: document.key(),
        body,
        indexes: document.indexes(),
        due_at: document.due_at(),
        expires_at: document.expires_at(),
    })
}

/// The document a record holds.
pub fn decode<T: Document>(record: &Record) -> Result<Stored<T>, StoreError> {
    let document = serde_json::from_slice(&record.body).map_err(|error| {
        // The key says which record; the content may be private and is not repeated.
        StoreError::Damaged(format!(
            "{} `{}` cannot be read ({:?})",
            T::KIND.name,
            record.key,
            error.classify()
        ))
    })?;
    Ok(Stored { document, version: record.version })
}

/// Most are shorter; a buffer that grows is moved.
const USUAL_BODY: usize = 1024;

/// Large enough that a thousand accounts take four reads, small enough to keep memory flat.
const PAGE: usize = 256;
