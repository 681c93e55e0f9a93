//! The settings of all carriers.

use crate::domain::carrier::{CarrierName, Route, RouteTable};
use crate::domain::message::sender::Sender;
use crate::sms::transport::TransportConfig;

/// The settings of one carrier.
#[derive(Debug, Clone)]
pub struct CarrierConfig {
    /// Its name.
    pub name: CarrierName,
    /// How it is connected.
    pub transport: TransportConfig,
    /// Whether it is switched on. One that is off sends nothing, and has no connection.
    pub is_on: bool,
    /// The sender of messages that name none.
    pub sender: Option<Sender>,
}

/// The carriers that messages are sent by, and the routes to them. Without a carrier,
/// live messages are rehearsed.
#[derive(Debug, Clone, Default)]
pub struct CarriersConfig {
    /// The carriers in the order of the settings, those that are off among them.
    pub carriers: Vec<CarrierConfig>,
    /// Which numbers go by which of them.
    pub routes: RouteTable,
}

impl CarriersConfig {
    /// The one carrier of `--sms-transport`, which takes every message for one credit a
    /// segment; none for the sandbox.
    #[must_use]
    pub fn single(transport: TransportConfig) -> Self {
        if matches!(transport, TransportConfig::Sandbox { .. }) {
            return Self::default();
        }
        let name = CarrierName::default_carrier();
        let routes = RouteTable::new([(String::new(), Route::over(name.clone()))]);
        Self { carriers: vec![CarrierConfig { name, transport, is_on: true, sender: None }], routes }
    }
}
