//! The file of `--carriers`: carriers by name, and the routes to them. Every mistake is
//! one sentence with its line.

mod carrier;
mod reader;
mod routes;
mod secrets;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use toml::de::DeTable;
use zeroize::Zeroizing;

use super::config::CarriersConfig;
use crate::environment::Environment;
use carrier::read_carriers;
use reader::{CarriersFile, Section};
use routes::read_routes;

impl CarriersConfig {
    /// Reads a file. Secrets that it refers to come from the environment and from other
    /// files.
    ///
    /// # Errors
    /// One sentence with the line, and without any secret.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| format!("{shown} can't be read ({})", error.kind()))?;
        parse(&text, &|name| std::env::var(name).ok()).map_err(|problem| format!("{shown}, {problem}"))
    }
}

fn parse(text: &str, environment: Environment<'_>) -> Result<CarriersConfig, String> {
    let file = CarriersFile(text);
    let table = DeTable::parse(text).map_err(|error| file.syntax_problem(&error))?;
    let top = Section::top(file, table.get_ref());
    top.check_keys("the file", &["carriers", "routes"])?;
    let carriers = read_carriers(top, environment)?;
    let routes = read_routes(top, &carriers)?;
    Ok(CarriersConfig { carriers, routes })
}
