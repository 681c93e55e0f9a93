//! `keyfob operator list`.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::minute::minute;
use crate::cli::on_database::{open, print, say_aside};
use crate::config::Config;
use crate::domain::account;
use crate::domain::identity::operator::{self, Member};
use crate::error::{Error, Result};
use crate::store::{Conn, MayCreate};

pub(super) async fn list(config: &Config, json: bool) -> Result<()> {
    let read = |conn: &mut Conn| match account::first(conn) {
        Ok(account) => operator::list_members(conn, &account),
        Err(Error::NotFound) => Ok(Vec::new()), // before the first start
        Err(error) => Err(error),
    };
    let members = open(config, MayCreate::Nothing)?.read(read).await?;
    if members.is_empty() {
        say_aside(config, "No operators.");
        return Ok(());
    }
    print(&if json { json_lines(&members) } else { table(&members) }).map(drop)
}

fn json_lines(members: &[Member]) -> String {
    let object = |Member { operator, role, joined_at }: &Member| {
        json!({
            "id": operator.id.to_string(),
            "email": operator.email,
            "name": operator.name,
            "role": role.as_str(),
            "status": status(operator.disabled_at.is_some()),
            "joined_at": joined_at.rfc3339(),
            "disabled_at": operator.disabled_at.map(|time| time.rfc3339()),
            "last_seen_at": operator.last_seen_at.map(|time| time.rfc3339()),
        })
    };
    members.iter().map(|member| format!("{}\n", object(member))).collect()
}

const fn status(is_disabled: bool) -> &'static str {
    if is_disabled { "disabled" } else { "enabled" }
}

/// Columns under each other. The name is the last one, since its width is not known until the
/// terminal draws it.
fn table(members: &[Member]) -> String {
    let width = members.iter().map(|member| member.operator.email.chars().count()).max().unwrap_or_default();
    let width = width.max("EMAIL".len());
    let mut lines = String::new();
    let mut line = |[email, role, status, seen, name]: [&str; 5]| {
        // Writing to a string can't fail.
        let _ = writeln!(lines, "{email:<width$}  {role:<6}  {status:<8}  {seen:<16}  {name}");
    };
    line(["EMAIL", "ROLE", "STATUS", "LAST SEEN (UTC)", "NAME"]);
    for Member { operator, role, .. } in members {
        let seen = operator.last_seen_at.map_or_else(|| "never".to_owned(), minute);
        line([&operator.email, role.as_str(), status(operator.disabled_at.is_some()), &seen, &operator.name]);
    }
    lines
}
