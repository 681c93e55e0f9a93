//! A service in a list to choose from.

use crate::domain::service::Service;

/// What the list shows.
#[derive(Clone)]
pub(in crate::dashboard) struct ServiceOption {
    pub(in crate::dashboard) slug: String,
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) selected: bool,
    /// Whether all its keys are refused.
    pub(in crate::dashboard) is_off: bool,
}

impl ServiceOption {
    /// Every service, with the one that is chosen marked.
    pub(in crate::dashboard) fn list(services: Vec<Service>, chosen: Option<&str>) -> Vec<Self> {
        let option = |service: Service| Self {
            selected: chosen == Some(&*service.slug),
            is_off: service.is_off(),
            slug: service.slug,
            name: service.name,
        };
        services.into_iter().map(option).collect()
    }
}
