//! Accounts of ours that are held, as the reason why what is addressed through them waits.
//!
//! Deliberately absent: why an account is held and when it is tried again, which the deliver pass decides.

use jiff::Timestamp;
use serde::Serialize;

use super::exit::Exit;
use super::{listing, opening, show};
use crate::domain::client::Channel;
use crate::store::Store;
use crate::store::rows::{HeldAccount, LedgerRow, LedgerState};

/// The accounts that are held now; usually none.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Held(Vec<Hold>);

/// A hold as `--json` shows it beside what waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub account: String,
    pub since: Timestamp,
    pub next_probe_at: Timestamp,
    pub cause: String,
}

impl Hold {
    fn of(account: &HeldAccount) -> Hold {
        Hold {
            account: account.name.clone(),
            since: account.held_since,
            next_probe_at: account.probe_at,
            cause: account.cause.to_string(),
        }
    }

    /// One line for a person: since when, when it is tried again, and the server's words.
    pub fn text(&self) -> String {
        format!(
            "the {} account is held since {} UTC, next probe {} UTC: {}",
            self.account,
            listing::time(self.since),
            listing::time(self.next_probe_at),
            listing::words(&self.cause, 300)
        )
    }
}

impl Held {
    /// # Errors
    /// The store failed, which has been said.
    pub async fn read(store: &Store) -> Result<Held, Exit> {
        store.held_accounts().await.map(|accounts| Held::of(&accounts)).map_err(opening::store_failed)
    }

    pub fn of(accounts: &[HeldAccount]) -> Held {
        Held(accounts.iter().map(Hold::of).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn channel(&self, channel: Channel) -> Option<&Hold> {
        self.0.iter().find(|hold| hold.account == channel.as_str())
    }

    /// What keeps this item of the ledger from being sent, if an account of ours does.
    pub fn back(&self, row: &LedgerRow) -> Option<&Hold> {
        match row.state {
            LedgerState::Pending => self.channel(row.channel),
            LedgerState::Delivered | LedgerState::Failed | LedgerState::Cancelled | LedgerState::Superseded => None,
        }
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(Hold::text).collect()
    }

    /// Says on standard error what is held.
    pub fn note(&self) {
        for line in self.lines() {
            show::note(&line);
        }
    }
}

/// The cause of what waits: the hold first, then what the last attempt came to.
pub fn cause(hold: Option<&Hold>, own: Option<String>) -> Option<String> {
    match (hold, own) {
        (Some(hold), Some(own)) => Some(format!("{}; last attempt: {own}", hold.text())),
        (Some(hold), None) => Some(hold.text()),
        (None, own) => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Cause;

    #[test]
    fn what_waits_for_a_held_account_says_so_before_its_own_last_attempt() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let held = Held::of(&[HeldAccount {
            name: "email".into(),
            why: crate::store::rows::HeldFor::Account,
            held_since: at("2026-11-23T13:05:00Z"),
            cause: Cause::new("auth", Some(535), "5.7.8 authentication failed"),
            probe_at: at("2026-11-23T13:10:00Z"),
        }]);
        let hold = held.channel(Channel::Email).unwrap();
        let expected = "the email account is held since 2026-11-23 13:05 UTC, next probe 2026-11-23 13:10 UTC: auth: 535 5.7.8 authentication failed";
        let check = |hold: Option<&Hold>, own: Option<&str>, expected: Option<String>| {
            assert_eq!(cause(hold, own.map(str::to_owned)), expected);
        };
        check(Some(hold), None, Some(expected.to_owned()));
        check(Some(hold), Some("rcpt: 451 later"), Some(format!("{expected}; last attempt: rcpt: 451 later")));
        check(None, Some("rcpt: 451 later"), Some("rcpt: 451 later".to_owned()));
        check(None, None, None);
        assert_eq!(held.channel(Channel::Webhook), None);
    }
}
