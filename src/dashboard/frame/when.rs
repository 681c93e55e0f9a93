//! A time on a page.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::store::UtcTime;

/// A time as pages show it; scripts turn it into the reader's own time zone.
#[derive(Debug, Clone)]
pub struct When {
    /// RFC 3339, to the second.
    pub iso: String,
    /// For people, in UTC.
    pub text: String,
    /// The same to the second, for where only how long ago is shown.
    pub exact: String,
}

impl From<UtcTime> for When {
    fn from(time: UtcTime) -> Self {
        let time = time.to_datetime().truncate_to_second();
        let people = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");
        let exact = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
        Self {
            iso: time.format(&Rfc3339).unwrap_or_default(),
            text: time.format(&people).unwrap_or_default(),
            exact: time.format(&exact).unwrap_or_default(),
        }
    }
}
