//! `keyfob carriers`: whether the settings of the carriers are right, and by which one a
//! number goes.

use clap::Subcommand;

use super::on_database::print;
use crate::config::Config;
use crate::domain::carrier::{Route, SenderRule};
use crate::domain::message::phone_number::PhoneNumber;
use crate::error::Error;
use crate::format::count;
use crate::sms::carriers::{CarrierConfig, CarriersConfig};

#[derive(Debug, Subcommand)]
pub(super) enum CarriersCommand {
    /// Say by which carriers a phone number goes, and for how many credits
    Route {
        /// The number with its country code, such as +420777123456
        number: String,
    },
    /// Print the address that a carrier's receipts come to. It holds a secret
    Receipts {
        /// The carrier's name; it may be left out when there is only one
        name: Option<String>,
    },
}

/// The settings are right if this runs: `Config::parse` has read them.
pub(super) fn run(config: &Config, command: Option<CarriersCommand>) -> Result<(), Error> {
    let carriers = config.all_carriers();
    let lines = match command {
        None => overview(&carriers),
        Some(CarriersCommand::Route { number }) => route(&carriers, &PhoneNumber::parse("number", &number)?)?,
        Some(CarriersCommand::Receipts { name }) => receipts(config, &carriers, name.as_deref())?,
    };
    print(&lines).map(drop)
}

fn overview(carriers: &CarriersConfig) -> String {
    if carriers.carriers.is_empty() {
        return "There is no carrier: every message is rehearsed, and no phone gets it.\n".to_owned();
    }
    let mut text = String::from("Carriers\n");
    for carrier in &carriers.carriers {
        let state = if carrier.is_on { "on" } else { "off" };
        let sender = carrier.sender.as_ref().map(|sender| format!(", sender {sender}")).unwrap_or_default();
        text.push_str(&format!("  {}: {}, {state}{sender}\n", carrier.name, address(carrier)));
    }
    text.push_str("Routes\n");
    let routes = carriers.routes.list();
    for (prefix, route) in &routes {
        let numbers = match *prefix {
            "" if routes.len() == 1 => "every number".to_owned(),
            "" => "every other number".to_owned(),
            digits => format!("+{digits}"),
        };
        text.push_str(&format!("  {numbers}: {}\n", describe(carriers, route)));
    }
    text
}

fn address(carrier: &CarrierConfig) -> String {
    format!("{} {}", carrier.transport.kind(), carrier.transport.host())
}

fn route(carriers: &CarriersConfig, number: &PhoneNumber) -> Result<String, Error> {
    if carriers.carriers.is_empty() {
        return Ok(overview(carriers));
    }
    let no_carrier = |why: &str| Error::invalid("number", format!("No carrier serves {number}: {why}."));
    let found = carriers.routes.find_with_prefix(number);
    let (prefix, route) = found.ok_or_else(|| no_carrier("no route begins like this number"))?;
    if !route.carriers.iter().any(|name| is_on(carriers, name.as_str())) {
        return Err(no_carrier("every carrier of its route is switched off"));
    }
    let name = if prefix.is_empty() { "for every other number".to_owned() } else { format!("for +{prefix}") };
    Ok(format!("{number} takes the route {name}: {}\n", describe(carriers, route)))
}

fn receipts(config: &Config, carriers: &CarriersConfig, name: Option<&str>) -> Result<String, Error> {
    let mut known = carriers.carriers.iter().filter(|carrier| name.is_none_or(|name| carrier.name.as_str() == name));
    let carrier = match (known.next(), known.next()) {
        (Some(carrier), None) => carrier,
        (None, _) => return Err(Error::invalid("name", "There is no such carrier. `keyfob carriers` lists them.")),
        (Some(_), Some(_)) => {
            return Err(Error::invalid("name", "Name one of the carriers. `keyfob carriers` lists them."));
        }
    };
    let path = carrier
        .transport
        .receipt_path(&carrier.name)
        .ok_or_else(|| Error::invalid("name", format!("No receipts of {} come over HTTP.", carrier.name)))?;
    let url = config.public_url.as_ref().ok_or_else(|| {
        Error::invalid("name", "Receipts need --public-url, the address at which the carrier reaches this server.")
    })?;
    Ok(format!("{url}{}\n", path.expose()))
}

fn is_on(carriers: &CarriersConfig, name: &str) -> bool {
    carriers.carriers.iter().any(|carrier| carrier.is_on && carrier.name.as_str() == name)
}

/// The carriers in their order, the price and what becomes of the sender.
fn describe(carriers: &CarriersConfig, route: &Route) -> String {
    let names = route.carriers.iter().map(|name| {
        let state = if is_on(carriers, name.as_str()) { "" } else { " (off)" };
        format!("{name}{state}")
    });
    let names = names.collect::<Vec<_>>().join(", then ");
    let sender = match &route.sender {
        SenderRule::AsIs => String::new(),
        SenderRule::Replace(sender) => format!(", the sender becomes {sender}"),
        SenderRule::Numeric => ", the sender becomes a number".to_owned(),
    };
    let throttled = match route.carriers.len() {
        1 => String::new(),
        _ => format!(", the next carrier after {} s of throttling", route.max_throttled.as_secs()),
    };
    format!("by {names}, {} a segment{sender}{throttled}", count(route.credits, "credit"))
}
