//! What takes messages from the queue to the phones.

pub mod transport;
