//! Who makes a change, as its audit events record it.

use super::types::text_enum;

text_enum! {
    /// What kind of actor made a change.
    ActorKind {
        /// An operator who is logged in to the dashboard.
        Operator = "operator",
        /// A program that authenticates with a management key.
        ApiKey = "api_key",
        /// A person with a shell on the server.
        CommandLine = "command_line",
        /// Keyfob itself.
        System = "system",
    }
}

text_enum! {
    /// The interface that a change was made through.
    Via {
        /// A page of the dashboard.
        Dashboard = "dashboard",
        /// The management API.
        Api = "api",
        /// `keyfob …` in a terminal.
        CommandLine = "command_line",
        /// None: Keyfob acted by itself.
        System = "system",
    }
}

/// Who makes a change, as its audit events record it.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The id of the operator or key; `None` for the other kinds.
    pub id: Option<String>,
    /// The name at the moment of the change. Events store a copy, so that they
    /// can be read after the actor was deleted.
    pub name: String,
    /// The interface that the actor uses.
    pub via: Via,
    /// The client's IP address.
    pub address: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The request's id, by which its log lines are found.
    pub request_id: Option<String>,
}

impl Actor {
    /// A person at a terminal of the server, named by their system user.
    #[must_use]
    pub fn command_line(user: String) -> Self {
        Self { kind: ActorKind::CommandLine, via: Via::CommandLine, name: user, ..Self::system() }
    }

    /// The holder of a key, who authenticates with it.
    #[must_use]
    pub fn api_key(id: &str, name: String) -> Self {
        Self { kind: ActorKind::ApiKey, id: Some(id.to_owned()), name, via: Via::Api, ..Self::system() }
    }

    /// Keyfob itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            id: None,
            name: "Keyfob".to_owned(),
            via: Via::System,
            address: None,
            user_agent: None,
            request_id: None,
        }
    }
}
