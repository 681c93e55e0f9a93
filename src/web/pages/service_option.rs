//! A service in a list to choose from.

use crate::domain::service::Service;

/// What the list shows.
#[derive(Clone)]
pub(super) struct ServiceOption {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) selected: bool,
}

impl ServiceOption {
    /// Every service, with the one that is chosen marked.
    pub(super) fn list(services: Vec<Service>, chosen: Option<&str>) -> Vec<Self> {
        let option = |Service { slug, name, .. }| Self { selected: chosen == Some(&*slug), slug, name };
        services.into_iter().map(option).collect()
    }
}
