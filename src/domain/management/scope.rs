//! What management keys can be allowed to do.

use crate::store::types::text_enum;

text_enum! {
    /// A scope of a management key.
    ManagementScope {
        /// See keys, their rules and their last uses, and find them by secret or digest.
        KeysRead = "keys.read",
        /// Create keys, and import those of other systems.
        KeysCreate = "keys.create",
        /// Change names, descriptions, metadata, scopes, addresses and ends.
        KeysUpdate = "keys.update",
        /// Switch keys off.
        KeysDisable = "keys.disable",
        /// Switch keys on.
        KeysEnable = "keys.enable",
        /// Give keys a new secret, and end the previous one.
        KeysRotate = "keys.rotate",
        /// Delete keys, and bring them back.
        KeysDelete = "keys.delete",
        /// See how often keys were used.
        UsageRead = "usage.read",
        /// Read the record of changes.
        AuditRead = "audit.read",
        /// Ask whether a key is active (RFC 7662).
        Introspect = "introspect",
    }
}

impl ManagementScope {
    /// What it allows, in a sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::KeysRead => "See keys, their rules and when they were last used",
            Self::KeysCreate => "Create and import keys",
            Self::KeysUpdate => "Change names, metadata, scopes, addresses and ends of keys",
            Self::KeysDisable => "Switch off keys",
            Self::KeysEnable => "Switch on keys",
            Self::KeysRotate => "Rotate keys",
            Self::KeysDelete => "Delete keys and bring them back",
            Self::UsageRead => "See how often keys are used",
            Self::AuditRead => "Read the record of changes",
            Self::Introspect => "Ask whether a key is active (RFC 7662)",
        }
    }
}
