//! The database: whether it can be used, its tables, and what endangers what is written to it.

use std::net::IpAddr;

use super::diagnosis::Diagnosis;
use super::disk;
use crate::config::Config;
use crate::domain::audit::logins;
use crate::domain::identity::operator;
use crate::error::Error;
use crate::format::count;
use crate::http::public_url::PublicUrl;
use crate::store::{Conn, Inspection, SchemaState, inspect};

/// How many of the last logins are looked at.
const LOGINS: i64 = 20;
/// From this many logins on, one private address that all share is taken for a proxy's.
const SEVERAL_LOGINS: usize = 5;

/// What is read from a database whose tables are up to date.
struct People {
    has_operators: bool,
    login_addresses: Vec<String>,
}

fn read(conn: &mut Conn) -> Result<People, Error> {
    Ok(People { has_operators: operator::exists(conn)?, login_addresses: logins::last_addresses(conn, LOGINS)? })
}

pub(super) async fn check(config: &Config) -> Result<Vec<Diagnosis>, Error> {
    let (url, is_pooled) = (config.database_url.clone(), config.database.is_pooled);
    let inspected =
        tokio::task::spawn_blocking(move || inspect(&url, is_pooled, read)).await.map_err(Error::internal)?;
    let (inspection, people) = match inspected {
        Ok(inspected) => inspected,
        Err(problem) => return Ok(vec![Diagnosis::failure("database", problem, None)]),
    };
    let size = inspection.bytes as f64 / 1e6;
    let mut findings =
        vec![Diagnosis::fine("database", format!("{} answers, {size:.1} MB", inspection.engine)), schema(&inspection)];
    findings.extend(inspection.unwritable.iter().map(|problem| Diagnosis::failure("rights", problem.clone(), None)));
    findings.extend(
        inspection
            .dangers
            .iter()
            .map(|danger| Diagnosis::warning("durability", danger.clone(), "set it back to its default")),
    );
    findings.extend(inspection.connections.map(|(used, most)| connections(config, used, most)));
    findings.extend(disk::check(&inspection));
    if let Some(people) = people {
        findings.push(operators(people.has_operators));
        findings.extend(untrusted_proxy(config, &people.login_addresses));
    }
    Ok(findings)
}

fn schema(inspection: &Inspection) -> Diagnosis {
    const CHECK: &str = "tables";
    match &inspection.schema {
        SchemaState::Current => Diagnosis::fine(CHECK, "up to date"),
        SchemaState::Missing => {
            Diagnosis::warning(CHECK, "there are none yet", "start Keyfob once, or run: keyfob migrate")
        }
        SchemaState::Older(missing) => Diagnosis::warning(
            CHECK,
            format!("they are of an older version, {} behind", count(*missing as i64, "migration")),
            "the next start brings them up to date, and then no older version works with them",
        ),
        SchemaState::Later(versions) => Diagnosis::failure(
            CHECK,
            format!("a later version of Keyfob has changed them ({})", versions.join(", ")),
            Some("use that version, or restore a backup from before it"),
        ),
    }
}

fn connections(config: &Config, used: i64, most: i64) -> Diagnosis {
    const CHECK: &str = "connections";
    let wanted = i64::from(config.database.connections);
    let told = format!("{used} of {most} are in use, and this instance takes up to {wanted}");
    if most - used < wanted {
        let advice = "raise max_connections of the server, or take fewer with --database-connections; \
                      those of a running instance are counted already";
        return Diagnosis::warning(CHECK, told, advice);
    }
    Diagnosis::fine(CHECK, told)
}

fn operators(exist: bool) -> Diagnosis {
    if exist {
        return Diagnosis::fine("people", "somebody can log in");
    }
    let advice = "open /setup with the code that the start prints, or run: keyfob operator add EMAIL";
    Diagnosis::warning("people", "nobody can log in yet", advice)
}

/// Behind a proxy that is not trusted, everybody seems to come from its address.
fn untrusted_proxy(config: &Config, addresses: &[String]) -> Option<Diagnosis> {
    let address: IpAddr = addresses.first()?.parse().ok()?;
    let is_private = match address {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let is_public = config.public_url.as_ref().is_some_and(PublicUrl::is_https);
    let is_alone = addresses.len() >= SEVERAL_LOGINS && addresses.iter().all(|other| *other == addresses[0]);
    (is_private && is_public && is_alone).then(|| {
        Diagnosis::warning(
            "trusted proxies",
            format!("the last {} logins all come from {address}", addresses.len()),
            "if that is your proxy, name it with --trusted-proxy, or all people share one address and one throttle",
        )
    })
}
