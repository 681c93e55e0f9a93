//! Hand-overs: links that show a key once, to whoever opens them first, so that no key
//! has to be copied into a chat. Until then the key is stored encrypted with a secret
//! that is only in the link.

mod creation;
mod ending;
mod opening;
mod record;
mod token;

pub use creation::{NewHandover, create};
pub use ending::{end, end_unopened, withdraw};
pub use opening::{OpenedHandover, find_unopened, open};
pub use record::{HandoverState, StoredHandover, state_of};
pub use token::HandoverToken;
