//! The formats of callbacks.

use crate::store::types::text_enum;

text_enum! {
    /// The format in which an address is called.
    #[derive(Default)]
    CallbackFormat {
        /// JSON, signed as Standard Webhooks has it, once a message has ended.
        #[default]
        Json = "json",
        /// A form, signed as Twilio does it, at each status that Twilio reports.
        Twilio = "twilio",
    }
}
