//! `keyfob key show`.

use serde::Serialize;

use super::found::{account_of, parse_id};
use crate::cli::minute::minute;
use crate::cli::on_database::{open, print};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::api_key::{self, ApiKeyEntry, KeyView, ManagementBounds, ManagementBoundsView, StatusReason};
use crate::domain::guard::{self, Limits};
use crate::error::{Error, Result};
use crate::format::count;
use crate::store::{MayCreate, UtcTime};

/// The JSON object of a key; of a management key with its bounds.
#[derive(Serialize)]
struct ShownKeyView<'a> {
    #[serde(flatten)]
    key: KeyView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bounds: Option<ManagementBoundsView<'a>>,
}

pub(super) async fn show(config: &Config, id: &str, json: bool) -> Result<()> {
    let id = parse_id(id)?;
    let store = open(config, MayCreate::Nothing)?;
    let read = store.read(move |conn| {
        let account = account_of(conn, &id)?;
        let entry = api_key::find(conn, &account, &id)?;
        let bounds = entry.key.is_for_management().then(|| api_key::bounds(conn, &id)).transpose()?;
        Ok((entry, guard::find(conn, &account, Some(&id))?, bounds))
    });
    let (entry, limits, bounds) = read.await?;
    let text = if json {
        let bounds = bounds.as_ref().map(ManagementBoundsView::from);
        let view = ShownKeyView { key: KeyView::from(&entry), bounds };
        serde_json::to_string(&view).map_err(Error::internal)? + "\n"
    } else {
        described(&entry, &limits, bounds.as_ref(), Clock::System.now())
    };
    print(&text).map(drop)
}

/// The bounds of a management key.
fn bounds_fields(bounds: &ManagementBounds) -> [(&'static str, String); 3] {
    let list = |names: Vec<&str>, all: &str| match names.as_slice() {
        ["*"] => all.to_owned(),
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    [
        ("Manages", list(bounds.services.slugs().collect(), "all services")),
        ("May give", list(bounds.grantable_scopes.names().collect(), "all scopes")),
        (
            "Keys last",
            bounds.max_lifetime_days.map_or_else(String::new, |days| format!("at most {}", count(days, "day"))),
        ),
    ]
}

fn described(entry: &ApiKeyEntry, limits: &Limits, bounds: Option<&ManagementBounds>, now: UtcTime) -> String {
    let key = &entry.key;
    let reason = key.status_reason.map_or_else(String::new, |reason: StatusReason| format!(" ({})", reason.as_str()));
    let ends = match key.expires_at {
        Some(end) if end <= now => format!("expired {} UTC", minute(end)),
        Some(end) => format!("{} UTC", minute(end)),
        None => "never".to_owned(),
    };
    let scopes = match key.scopes.names().collect::<Vec<_>>().join(", ") {
        _ if key.scopes.is_full() => "full access".to_owned(),
        names if names.is_empty() => "none".to_owned(),
        names => names,
    };
    let allowed = key.allowed_ips.entries().collect::<Vec<_>>().join(", ");
    let last_use = entry.last_use().map_or_else(
        || "never".to_owned(),
        |usage| format!("{} UTC, {} in all", minute(usage.last_used_at), count(entry.uses(), "use")),
    );
    // Quoted and escaped: these may hold characters that a terminal obeys.
    let metadata: Vec<_> = key.metadata.entries().iter().map(|(name, value)| format!("{name:?}: {value:?}")).collect();
    let mut fields = vec![
        ("Id", key.id.to_string()),
        ("Name", key.name.clone()),
        ("Description", key.description.replace('\n', "\n             ")),
        ("Service", key.service.clone()),
        ("Mode", key.mode.as_str().to_owned()),
        ("Secret", entry.secret.mask.clone()),
        ("External id", key.external_id.as_ref().map_or_else(String::new, |id| id.as_str().to_owned())),
        ("Metadata", metadata.join("\n             ")),
        ("Status", format!("{}{reason}", key.status.as_str())),
        ("Ends", ends),
        ("Scopes", scopes),
        ("Used from", if allowed.is_empty() { "anywhere".to_owned() } else { allowed }),
        ("Limits", limits.words().join(", ")),
        ("Created", format!("{} UTC", minute(key.created_at))),
        ("Last used", last_use),
    ];
    fields.extend(bounds.into_iter().flat_map(bounds_fields));
    if let Some(previous) = entry.rotating(now) {
        fields.push(("Old secret", format!("{}, works until {} UTC", previous.secret.mask, minute(previous.ends_at))));
    }
    let has_value = |(_, value): &(&str, String)| !value.is_empty();
    fields.into_iter().filter(has_value).map(|(name, value)| format!("{name:<11}  {value}\n")).collect()
}
