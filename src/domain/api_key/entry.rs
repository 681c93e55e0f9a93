//! A key as lists and pages show it.

use diesel::prelude::*;

use super::record::ApiKey;
use super::stored_secret::StoredSecret;
use super::usage::SecretUsage;
use crate::domain::service::Service;

/// A key with the rows that belong to it.
#[derive(Debug, Clone, Queryable, Selectable)]
pub struct ApiKeyEntry {
    /// The key.
    #[diesel(embed)]
    pub key: ApiKey,
    /// Its current secret.
    #[diesel(embed)]
    pub secret: StoredSecret,
    /// The service that it is for.
    #[diesel(embed)]
    pub service: Service,
    /// The uses of the current secret, after the first one.
    #[diesel(embed)]
    pub usage: Option<SecretUsage>,
}
