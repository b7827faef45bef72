//! Looks a webhook's host up and hands on only what may be reached. The connection is then made to exactly
//! these addresses, so a name that answers differently the second time (DNS rebinding) gains nothing.
//!
//! Deliberately absent: hosts written as numbers, for which reqwest asks no resolver (`address` checks them).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Reach, Realm};

/// A name with more addresses than this is tried at the first ones only.
const MOST_ADDRESSES: usize = 8;

/// From a name to its addresses.
pub type NameTable = Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;

/// Where names are looked up.
#[derive(Clone)]
pub enum Names {
    /// The system's resolver.
    System,
    /// A table of our own, for tests and demonstrations.
    Given(NameTable),
}

/// The name exists, but none of its addresses may be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads only to private or special addresses that are not in `[webhook] allow`")]
pub struct OnlyUnreachable;

/// reqwest's resolver for one realm.
pub struct GuardedResolver {
    names: Names,
    reach: Reach,
    realm: Realm,
}

impl GuardedResolver {
    pub fn new(names: Names, reach: Reach, realm: Realm) -> GuardedResolver {
        GuardedResolver { names, reach, realm }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, reach, realm) = (self.names.clone(), self.reach.clone(), self.realm);
        Box::pin(async move {
            let found = look_up(&names, name.as_str()).await?;
            if found.is_empty() {
                return Err(std::io::Error::from(std::io::ErrorKind::NotFound).into());
            }
            let permitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach.permits(*address, realm))
                .take(MOST_ADDRESSES)
                // Port 0 is replaced by the URL's own.
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if permitted.is_empty() {
                return Err(OnlyUnreachable.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

async fn look_up(names: &Names, host: &str) -> std::io::Result<Vec<IpAddr>> {
    match names {
        Names::System => Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()),
        Names::Given(table) => Ok(table(host)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(answers: &[&str], realm: Realm) -> Result<Vec<String>, String> {
        let answers: Vec<IpAddr> = answers.iter().map(|text| text.parse().unwrap()).collect();
        let names = Names::Given(Arc::new(move |_| answers.clone()));
        let reach = Reach::new(&[("10.1.0.0".parse().unwrap(), 16)]);
        let resolver = GuardedResolver::new(names, reach, realm);
        match resolver.resolve("acme.example".parse().unwrap()).await {
            Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn only_what_may_be_reached_is_handed_on() {
        let both = Realm::PublicAndAllowed;
        assert_eq!(resolved(&["1.1.1.1"], both).await.unwrap(), ["1.1.1.1"]);
        assert_eq!(resolved(&["127.0.0.1", "1.1.1.1", "::1"], both).await.unwrap(), ["1.1.1.1"]);
        assert_eq!(resolved(&["10.1.0.9", "10.2.0.9"], both).await.unwrap(), ["10.1.0.9"]);
        assert_eq!(resolved(&["1.1.1.1", "10.1.0.9"], Realm::AllowedOnly).await.unwrap(), ["10.1.0.9"]);
        assert_eq!(resolved(&["1.1.1.1"; 100], both).await.unwrap().len(), MOST_ADDRESSES);
        assert_eq!(resolved(&["127.0.0.1"], both).await.unwrap_err(), OnlyUnreachable.to_string());
        assert_eq!(resolved(&["::ffff:127.0.0.1"], both).await.unwrap_err(), OnlyUnreachable.to_string());
        assert_eq!(resolved(&["1.1.1.1"], Realm::AllowedOnly).await.unwrap_err(), OnlyUnreachable.to_string());
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_not_found() {
        assert!(resolved(&[], Realm::PublicAndAllowed).await.unwrap_err().contains("not found"));
    }

    #[tokio::test]
    async fn the_systems_answer_for_this_machine_is_refused() {
        let resolver = GuardedResolver::new(Names::System, Reach::default(), Realm::PublicAndAllowed);
        assert!(resolver.resolve("localhost".parse().unwrap()).await.is_err());
    }
}
