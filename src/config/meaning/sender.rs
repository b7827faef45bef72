//! `[sender]`: whom the messages come from.

use super::Reading;
use crate::config::problem::{KeyPath, Mistake};
use crate::config::written::WrittenSender;
use crate::config::{addresses, values};
use crate::domain::notice::Sender;

pub(super) fn read(reading: &mut Reading<'_>, written: Option<&WrittenSender>) -> Sender {
    let nothing = WrittenSender::default();
    let table = KeyPath::root().key("sender");
    if written.is_none() {
        let help = "write [sender] with name = \"Example Platform\" and email = \"incidents@example.com\"";
        reading.problems.add(table.clone(), Mistake::with_help("the table `sender` is missing", help));
    }
    let is_written = written.is_some();
    let written = written.unwrap_or(&nothing);
    let text = |text: &str| values::line(text, 100);
    if is_written && written.name.is_none() {
        reading.problems.missing(&table, "name", "write the name that clients know you by");
    }
    if is_written && written.email.is_none() {
        reading.problems.missing(&table, "email", "write the address that messages come from");
    }
    Sender {
        name: reading.or(&table, "name", written.name.as_deref(), String::new(), text),
        email: reading.or(&table, "email", written.email.as_deref(), String::new(), addresses::email_address),
        reply_to: reading.optional(&table, "reply_to", written.reply_to.as_deref(), addresses::email_address),
        phone: reading.optional(&table, "phone", written.phone.as_deref(), text),
        answered: reading.optional(&table, "answered", written.answered.as_deref(), text),
        locale: reading.or(&table, "locale", written.locale.as_deref(), "en".to_owned(), values::locale),
    }
}
