//! Values that may be written in more than one form: a secret, and one of a thing or a list of it.
//!
//! Deliberately absent: reading a secret, which happens when it is used.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domain::client::SecretRef;

/// A secret as written: `{ credential = "…" }`, `{ file = "…" }`, `{ env = "…" }` or the text itself.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenSecret(pub SecretRef);

const SECRET_KINDS: &[&str] = &["credential", "file", "env"];
const SECRET_FORMS: &str = r#"{ credential = "…" }, { file = "…" }, { env = "…" } or a text"#;

impl<'de> Deserialize<'de> for WrittenSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WrittenSecret, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = WrittenSecret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET_FORMS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WrittenSecret, E> {
        Ok(WrittenSecret(SecretRef::Plain(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenSecret, A::Error> {
        let mut found = None;
        while let Some(kind) = map.next_key::<String>()? {
            let make: fn(String) -> SecretRef = match kind.as_str() {
                "credential" => SecretRef::Credential,
                "file" => |path| SecretRef::File(path.into()),
                "env" => SecretRef::Env,
                unknown => return Err(A::Error::unknown_field(unknown, SECRET_KINDS)),
            };
            if found.replace(make(map.next_value()?)).is_some() {
                return Err(A::Error::custom("a secret has one place only; write one of credential, file, env"));
            }
        }
        found.map(WrittenSecret).ok_or_else(|| A::Error::custom(format!("write {SECRET_FORMS}")))
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMany<T>, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
        T::deserialize(text.into_deserializer()).map(|one| OneOrMany(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(OneOrMany(all))
    }
}
