//! `[webhook]`: how clients' webhooks are sent.

use std::time::Duration;

use super::Reading;
use super::email::{connections, give_up, retry};
use crate::config::problem::KeyPath;
use crate::config::settings::WebhookSettings;
use crate::config::written::WrittenWebhook;
use crate::config::{addresses, values};

const STEPS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
    Duration::from_secs(7_200),
    Duration::from_secs(18_000),
    Duration::from_secs(36_000),
];

pub(super) fn read(reading: &mut Reading<'_>, written: &WrittenWebhook) -> WebhookSettings {
    let table = KeyPath::root().key("webhook");
    let folder = reading.folder;
    WebhookSettings {
        retry: retry(reading, &table, written.retry.as_deref(), &STEPS),
        give_up: give_up(reading, &table, written.give_up.as_deref()),
        allow: reading.list(&table, "allow", &written.allow, |text| addresses::network(text)),
        key: reading.optional(&table, "key", written.key.as_ref(), |one| values::secret(&one.0, folder)),
        connections: reading.or(&table, "connections", written.connections.as_ref(), 64, connections),
    }
}
