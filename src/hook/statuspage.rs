//! The `statuspage` hook: a knock that makes its feed due now.
//!
//! Atlassian Statuspage does not sign its webhooks, so nothing of the body is believed or even read, and no
//! address in it is fetched: the unguessable token in the path only says that the feed is worth reading.
//! Deliberately absent: how often a feed may be read for it (whoever makes the feed due limits that).

use super::token::{HookToken, is_one_of};
use super::{HookRequest, Unproven};

/// Says that the hook's feed is due now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedDue<'s> {
    /// The name of the feed in the settings.
    pub feed: &'s str,
}

/// Takes the knock when the token in the path is one of the hook's.
///
/// # Errors
/// [`Unproven::NotFound`] when it is missing or wrong, as for a hook that does not exist.
pub fn knock<'s>(request: &HookRequest, tokens: &[HookToken], feed: &'s str) -> Result<FeedDue<'s>, Unproven> {
    match is_let_in(request.token.as_deref(), tokens) {
        true => Ok(FeedDue { feed }),
        false => Err(Unproven::NotFound),
    }
}

/// Whether the token in the path is one of the hook's.
pub fn is_let_in(token: Option<&str>, tokens: &[HookToken]) -> bool {
    token.is_some_and(|token| is_one_of(token, tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_in_the_path_makes_the_feed_due() {
        let tokens = [HookToken::parse("old-token").unwrap(), HookToken::parse("new-token").unwrap()];
        let check = |token: Option<&str>, expected: Result<FeedDue<'_>, Unproven>| {
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", "Bearer new-token".parse().unwrap());
            let request = HookRequest {
                name: "page".to_owned(),
                token: token.map(str::to_owned),
                headers,
                body: r#"{"page":{"url":"https://evil.example"},"token":"new-token"}"#.into(),
            };
            assert_eq!(knock(&request, &tokens, "platform"), expected, "{token:?}");
        };
        check(Some("old-token"), Ok(FeedDue { feed: "platform" }));
        check(Some("new-token"), Ok(FeedDue { feed: "platform" }));
        check(Some("other"), Err(Unproven::NotFound));
        check(Some(""), Err(Unproven::NotFound));
        check(None, Err(Unproven::NotFound));
    }
}
