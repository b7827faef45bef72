//! `[operator]`: who on our side is told of what goes wrong.

use std::net::IpAddr;

use super::Reading;
use crate::config::client_record::contacts;
use crate::config::problem::KeyPath;
use crate::config::settings::OperatorSettings;
use crate::config::written::WrittenOperator;
use crate::config::{addresses, values};
use crate::domain::client::SecretRef;

pub(super) fn read(reading: &mut Reading<'_>, written: &WrittenOperator, allow: &[(IpAddr, u8)]) -> OperatorSettings {
    let table = KeyPath::root().key("operator");
    let folder = reading.folder;
    let contacts = contacts(&mut reading.problems, &table, &written.contact, folder, allow);
    OperatorSettings {
        token: reading.optional(&table, "token", written.token.as_ref(), |one| values::token(&one.0, folder)),
        heartbeat: reading.optional(&table, "heartbeat", written.heartbeat.as_ref(), |one| match &one.0 {
            SecretRef::Plain(text) => addresses::web_address(text).map(|url| SecretRef::Plain(url.into())),
            SecretRef::Credential(_) | SecretRef::File(_) | SecretRef::Env(_) => values::secret(&one.0, folder),
        }),
        contacts,
    }
}
