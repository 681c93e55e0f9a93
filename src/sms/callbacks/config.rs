//! The settings of callbacks.

use super::resolver::LookUp;
use crate::networks::Networks;

/// Where callbacks may go, and how their hosts are resolved.
#[derive(Debug, Clone, Default)]
pub struct CallbackConfig {
    /// The private networks that callbacks may go to.
    pub allowed: Networks,
    /// How host names are resolved.
    pub look_up: LookUp,
}
