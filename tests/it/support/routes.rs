//! The whole site, as `src/routes.rs` and the files of `src/routes/` have it: what walks it forgets no route.

const WRITTEN: &str = concat!(
    include_str!("../../../src/routes.rs"),
    include_str!("../../../src/routes/manage.rs"),
    include_str!("../../../src/routes/pages.rs"),
    include_str!("../../../src/routes/twilio.rs")
);

/// The token of a link that nobody made.
pub const UNKNOWN_TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The ids of a person and of an invitation that there never were.
pub const UNKNOWN_OPERATOR: &str = "op_00000000000000000000000000";
pub const UNKNOWN_INVITATION: &str = "inv_00000000000000000000000000";

/// Sids that there never were.
pub const UNKNOWN_ACCOUNT_SID: &str = "AC00000000000000000000000000000000";
pub const UNKNOWN_MESSAGE_SID: &str = "SM00000000000000000000000000000000";

/// An address, and what it takes.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    written: &'static str,
    pub takes_get: bool,
    pub takes_post: bool,
    pub takes_delete: bool,
    takes_put: bool,
    takes_patch: bool,
    /// Whatever the method, but TRACE; of the gate only.
    pub takes_any: bool,
}

impl Route {
    /// The address as it is written, with `{…}` for what differs.
    pub const fn pattern(&self) -> &'static str {
        self.written
    }

    /// The address, with `id` as the id of what it is about.
    pub fn path(&self, id: &str) -> String {
        self.written
            .replace("{id}", id)
            .replace("{slug}", "sms")
            .replace("{name}", "eve.read")
            .replace("{secret}", "SECRET")
            .replace("{token}", UNKNOWN_TOKEN)
            .replace("{operator}", if id.starts_with("op_") { id } else { UNKNOWN_OPERATOR })
            .replace("{invitation}", if id.starts_with("inv_") { id } else { UNKNOWN_INVITATION })
            .replace("{service}*", "sms")
            .replace("{file}", "nothing.css")
            .replace("{account_sid}", UNKNOWN_ACCOUNT_SID)
            .replace("{message_sid}", UNKNOWN_MESSAGE_SID)
            .replace("{rest}*", "Calls.json")
    }

    pub fn takes(&self, method: &str) -> bool {
        match method {
            "GET" => self.takes_get || self.takes_any,
            "POST" => self.takes_post || self.takes_any,
            "DELETE" => self.takes_delete || self.takes_any,
            "PUT" => self.takes_put || self.takes_any,
            "PATCH" => self.takes_patch || self.takes_any,
            "TRACE" => false,
            _ => self.takes_any,
        }
    }
}

/// Every route there is.
pub fn routes() -> Vec<Route> {
    let routes: Vec<Route> = WRITTEN.split("resource(").skip(1).map(read).collect();
    assert_eq!(WRITTEN.matches(".service(resource(").count() + WRITTEN.matches("  resource(").count(), routes.len());
    routes
}

fn read(rest: &'static str) -> Route {
    let mut parts = rest.splitn(3, '"').skip(1);
    let (written, definition) = (parts.next().unwrap(), parts.next().unwrap());
    // The gate has its routes below a base path too.
    let written = written.strip_prefix("{base_path}").unwrap_or(written);
    Route {
        written,
        takes_get: definition.contains(".get("),
        takes_post: definition.contains(".post("),
        takes_delete: definition.contains(".delete("),
        takes_put: definition.contains(".put("),
        takes_patch: definition.contains(".patch("),
        takes_any: definition.contains(".to("),
    }
}
