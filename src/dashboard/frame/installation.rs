//! The name of the installation on pages for people who are not logged in.

use crate::domain::installation;
use crate::http::State;
use crate::store::log_outage;

/// The name that was given to the installation. Such a page is drawn without it while the
/// database does not answer.
pub async fn installation_name(state: &State) -> Option<String> {
    state.store.read(installation::name).await.inspect_err(log_outage).ok().flatten()
}
