//! Keys of other systems, and of other installations of Keyfob: lines of JSON, each a key with
//! the digest of its secret. What was imported before is recognized by its digest, so that a
//! file may be imported again and again, also after half of it.

mod digest_text;
mod import;
mod line;
mod mask;

pub use digest_text::parse as parse_digest;
pub use import::{ImportMode, ImportTerms, LineAnswer, LineResult, import};
pub use line::{ImportLine, ImportSource, MAX_LINE_BYTES, lines};
pub(super) use mask::parts as mask_parts;
