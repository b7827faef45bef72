//! The `native` hook: a body in the update format, proved by a Standard Webhooks signature or a shared token.
//!
//! Deliberately absent: the parser. What it may read is a [`Proved`], which only a proof makes.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use hyper::body::Bytes;
use jiff::Timestamp;

use super::token::{HookToken, is_one_of};
use super::{HookRequest, Unproven};
use crate::domain::signature::{WebhookSecret, verify};

/// What a request may prove itself by; each list may hold several, for rotation. One match in one list is
/// enough, and two empty lists let nobody in.
#[derive(Debug, Clone, Default)]
pub struct NativeProofs {
    pub secrets: Vec<WebhookSecret>,
    pub tokens: Vec<HookToken>,
}

/// A body whose sender is known, ready to be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    pub body: Bytes,
    /// The signed `webhook-id`: the sender's name for this event, the same on each of its retries. `None` when
    /// a token was the proof.
    pub event: Option<String>,
}

/// The spellings of the three headers: the standard's, and its model's, which older senders still use.
const SPELLINGS: [[&str; 3]; 2] =
    [["webhook-id", "webhook-timestamp", "webhook-signature"], ["svix-id", "svix-timestamp", "svix-signature"]];

/// Proves a request: by the token in its path (then that alone counts), by `Authorization: Bearer`, or by its
/// signature at `now`. Nothing of the body is read but its bytes.
///
/// # Errors
/// [`Unproven::NotFound`] for a wrong token in the path, [`Unproven::BadSignature`] for all else.
pub fn prove(request: &HookRequest, proofs: &NativeProofs, now: Timestamp) -> Result<Proved, Unproven> {
    let body = request.body.clone();
    if let Some(token) = &request.token {
        return if is_one_of(token, &proofs.tokens) {
            Ok(Proved { body, event: None })
        } else {
            Err(Unproven::NotFound)
        };
    }
    if bearer(&request.headers).is_some_and(|token| is_one_of(token, &proofs.tokens)) {
        return Ok(Proved { body, event: None });
    }
    let [id, timestamp, signature] = signature_headers(&request.headers).ok_or(Unproven::BadSignature)?;
    match verify(&proofs.secrets, id, timestamp, signature, &body, now) {
        Ok(()) => Ok(Proved { body, event: Some(id.to_owned()) }),
        Err(rejection) => {
            tracing::debug!(hook.reason = %rejection, "a webhook was not believed");
            Err(Unproven::BadSignature)
        }
    }
}

/// All three in one spelling; the standard's wins when any of it is there.
fn signature_headers(headers: &HeaderMap) -> Option<[&str; 3]> {
    let spelling = SPELLINGS.iter().find(|names| names.iter().any(|name| headers.contains_key(*name)))?;
    let [id, timestamp, signature] = spelling.map(|name| only(headers, name));
    Some([id?, timestamp?, signature?])
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The header's value when it is there exactly once: of two, one reader would take the first and another the last.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (None | Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signature::sign;

    const AT: i64 = 1_795_440_000;
    const BODY: &str = r#"{"incident": {"id": "1"}}"#;

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret::parse(text).unwrap()
    }

    fn current() -> WebhookSecret {
        secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    fn next() -> WebhookSecret {
        secret("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
    }

    fn proofs() -> NativeProofs {
        NativeProofs {
            secrets: vec![current(), next()],
            tokens: vec![HookToken::parse("a-long-bearer-token").unwrap()],
        }
    }

    fn request(headers: &[(&str, &str)], token: Option<&str>) -> HookRequest {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        HookRequest {
            name: "native".to_owned(),
            token: token.map(str::to_owned),
            headers: map,
            body: Bytes::from_static(BODY.as_bytes()),
        }
    }

    fn proved(headers: &[(&str, &str)], token: Option<&str>) -> Result<Option<String>, Unproven> {
        let now = Timestamp::from_second(AT).unwrap();
        prove(&request(headers, token), &proofs(), now).map(|proved| {
            assert_eq!(proved.body, BODY);
            proved.event
        })
    }

    #[test]
    fn a_signature_or_a_token_proves_a_request() {
        let (first, second) = (sign(&current(), "e1", AT, BODY.as_bytes()), sign(&next(), "e1", AT, BODY.as_bytes()));
        let (at, event) = (AT.to_string(), Ok(Some("e1".to_owned())));
        let signed = |names: [&'static str; 3], signature: &str| {
            proved(&[(names[0], "e1"), (names[1], &at), (names[2], signature)], None)
        };
        assert_eq!(signed(SPELLINGS[0], &first), event);
        assert_eq!(signed(SPELLINGS[0], &second), event, "rotation");
        assert_eq!(signed(SPELLINGS[1], &first), event);
        assert_eq!(signed(["Webhook-Id", "WEBHOOK-TIMESTAMP", "Webhook-Signature"], &first), event);
        assert_eq!(signed(SPELLINGS[0], &format!("v1,old {first}")), event);
        for header in ["Bearer a-long-bearer-token", "bearer a-long-bearer-token"] {
            assert_eq!(proved(&[("authorization", header)], None), Ok(None));
        }
        assert_eq!(proved(&[], Some("a-long-bearer-token")), Ok(None));
        // A proxy's own Authorization does not stand in the way of a good signature.
        let behind_proxy = [
            ("authorization", "Basic Zm9vOmJhcg=="),
            ("webhook-id", "e1"),
            ("webhook-timestamp", &at),
            ("webhook-signature", &first),
        ];
        assert_eq!(proved(&behind_proxy, None), event);
    }

    #[test]
    fn nothing_else_does() {
        let good = sign(&current(), "e1", AT, BODY.as_bytes());
        let (at, late) = (AT.to_string(), (AT - 301).to_string());
        let stale = sign(&current(), "e1", AT - 301, BODY.as_bytes());
        let (id, time, signature) = (("webhook-id", "e1"), ("webhook-timestamp", &*at), ("webhook-signature", &*good));
        let check =
            |headers: &[(&str, &str)]| assert_eq!(proved(headers, None), Err(Unproven::BadSignature), "{headers:?}");
        check(&[]);
        check(&[id]);
        check(&[id, time]);
        check(&[id, signature]);
        check(&[time, signature]);
        check(&[id, id, time, signature]);
        check(&[id, time, time, signature]);
        check(&[id, time, signature, signature]);
        check(&[("webhook-id", "e2"), time, signature]);
        check(&[("webhook-id", ""), time, signature]);
        check(&[("webhook-id", "e1.x"), time, signature]);
        check(&[id, ("webhook-timestamp", &late), signature]);
        check(&[id, ("webhook-timestamp", &late), ("webhook-signature", &stale)]);
        check(&[id, ("webhook-timestamp", ""), signature]);
        check(&[id, time, ("webhook-signature", "")]);
        check(&[id, time, ("webhook-signature", "v1,")]);
        check(&[("svix-id", "e1"), time, signature]);
        check(&[("svix-id", "e1"), ("svix-timestamp", &at), signature]);
        check(&[("webhook-id", "e2"), ("svix-id", "e1"), ("svix-timestamp", &at), ("svix-signature", &good)]);
        check(&[("authorization", "Bearer")]);
        check(&[("authorization", "Bearer ")]);
        check(&[("authorization", "Bearer wrong")]);
        check(&[("authorization", "Bearer  a-long-bearer-token")]);
        check(&[("authorization", "Basic a-long-bearer-token")]);
        check(&[("authorization", "a-long-bearer-token")]);
        check(&[("authorization", "Bearer a-long-bearer-token"), ("authorization", "Bearer a-long-bearer-token")]);
        check(&[("x-token", "a-long-bearer-token")]);
    }

    #[test]
    fn a_wrong_token_in_the_path_is_not_found_whatever_else_is_right() {
        for wrong in ["", "wrong", "a-long-bearer-toke", "a-long-bearer-token%20"] {
            let outcome = proved(&[("authorization", "Bearer a-long-bearer-token")], Some(wrong));
            assert_eq!(outcome, Err(Unproven::NotFound), "{wrong}");
        }
    }

    #[test]
    fn without_a_secret_or_token_nobody_is_let_in() {
        let good = sign(&current(), "e1", AT, BODY.as_bytes());
        let at = AT.to_string();
        let signed = [("webhook-id", "e1"), ("webhook-timestamp", &*at), ("webhook-signature", &*good)];
        let now = Timestamp::from_second(AT).unwrap();
        let prove = |headers: &[(&str, &str)], token| prove(&request(headers, token), &NativeProofs::default(), now);
        assert_eq!(prove(&signed, None), Err(Unproven::BadSignature));
        assert_eq!(prove(&[("authorization", "Bearer ")], None), Err(Unproven::BadSignature));
        assert_eq!(prove(&[], Some("")), Err(Unproven::NotFound));
    }
}
