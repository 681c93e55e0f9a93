//! Passwords of PostgreSQL's password file (manual, §34.16). libpq reads it by itself for
//! connections without TLS; of others it does not know the host.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::parameters::UrlParameters;

/// Where to look for a password, and what for.
pub(super) struct PasswordFile {
    path: PathBuf,
    database: String,
    user: String,
}

impl PasswordFile {
    /// `None` where the password is given elsewhere.
    pub(super) fn of(parameters: &UrlParameters, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str, variable_name: &str| {
            let text = parameters.get(name).map(str::to_owned);
            text.or_else(|| variable(variable_name).filter(|text| !text.is_empty()))
        };
        if given("password", "PGPASSWORD").is_some() {
            return None;
        }
        let home = || variable("HOME").map(|home| Path::new(&home).join(".pgpass"));
        let path = parameters.get("passfile").map(PathBuf::from).or_else(home)?;
        let user = given("user", "PGUSER").unwrap_or_default();
        let database = given("dbname", "PGDATABASE").unwrap_or_else(|| user.clone());
        Some(Self { path, database, user })
    }

    /// The password for a server, if there is one. As libpq, it does not read a file that
    /// others may read.
    pub(super) fn find(&self, host: &str, port: u16) -> Option<Zeroizing<String>> {
        let is_private = fs::metadata(&self.path).is_ok_and(|file| file.is_file() && file.mode() & 0o077 == 0);
        let text = is_private.then(|| fs::read_to_string(&self.path).ok().map(Zeroizing::new)).flatten()?;
        let wanted = [host, &port.to_string(), &self.database, &self.user];
        text.lines().find_map(|line| password_in(line, wanted))
    }
}

/// The password at the end of a line whose four fields before it are `wanted`, or `*`.
fn password_in(line: &str, wanted: [&str; 4]) -> Option<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::new())];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' if fields.len() <= wanted.len() => fields.push(Zeroizing::new(String::new())),
            _ => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    let password = fields.pop().filter(|_| fields.len() == wanted.len())?;
    let is_for = fields.iter().zip(wanted).all(|(field, wanted)| **field == wanted || **field == "*");
    is_for.then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_for_whom_its_fields_name() {
        let find = |line: &str| password_in(line, ["db:1", "5432", "k", "me"]).map(|password| password.to_string());

        assert_eq!(find("*:*:*:*:hunter2"), Some("hunter2".to_owned()));
        assert_eq!(find(r"db\:1:5432:k:me:hun\:t\\er:2"), Some(r"hun:t\er:2".to_owned()));
        for other in ["db:5432:k:me:hunter2", r"db\:1:5433:k:me:hunter2", "# a note", "", "*:*:*"] {
            assert_eq!(find(other), None, "{other}");
        }
    }
}
