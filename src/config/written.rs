//! `candor.toml`, the client files and the playbook as they are written: one field a key, nothing checked but
//! names and types.
//!
//! Every field may be missing here, so that [`meaning`](super::meaning) can name all that is wrong at once.
//! Deliberately absent: `flatten` (it would lose the places of unknown keys) and every default.

mod forms;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use forms::{OneOrMany, WrittenSecret};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenSettings {
    pub state: Option<String>,
    pub state_password: Option<WrittenSecret>,
    pub clients: Option<String>,
    pub playbook: Option<String>,
    pub templates: Option<String>,
    pub listen: Option<String>,
    pub admin: Option<String>,
    pub public_url: Option<String>,
    pub retain: Option<String>,
    pub deliver: Option<String>,
    pub sender: Option<WrittenSender>,
    pub feed: Vec<WrittenFeed>,
    pub hook: Vec<WrittenHook>,
    pub component: Vec<WrittenComponent>,
    pub email: Option<WrittenEmail>,
    pub webhook: WrittenWebhook,
    pub promise: WrittenPromise,
    pub pace: WrittenPace,
    pub guard: WrittenGuard,
    pub operator: WrittenOperator,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenSender {
    pub name: Option<String>,
    pub email: Option<String>,
    pub reply_to: Option<String>,
    pub phone: Option<String>,
    pub answered: Option<String>,
    pub locale: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenFeed {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub url: Option<String>,
    pub path: Option<String>,
    pub every: Option<String>,
    pub supplier: Option<String>,
    pub voice: Option<String>,
    pub first_sight: Option<String>,
    pub components: Vec<String>,
    pub ignore: Vec<String>,
    pub same_as: Option<String>,
    pub was: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenHook {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub secret: Option<OneOrMany<WrittenSecret>>,
    pub token: Option<OneOrMany<WrittenSecret>>,
    pub feed: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenComponent {
    pub id: Option<String>,
    pub name: Option<String>,
    pub matches: Vec<String>,
    pub words: Vec<String>,
    pub part_of: Option<String>,
    pub depends_on: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenEmail {
    pub server: Option<String>,
    pub username: Option<String>,
    pub password: Option<WrittenSecret>,
    pub connections: Option<i64>,
    pub rate: Option<String>,
    pub per_day: Option<i64>,
    pub retry: Option<Vec<String>>,
    pub give_up: Option<String>,
    pub subject: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenWebhook {
    pub retry: Option<Vec<String>>,
    pub give_up: Option<String>,
    pub allow: Vec<String>,
    pub key: Option<WrittenSecret>,
    pub connections: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenPromise {
    pub critical: Option<OneOrMany<String>>,
    pub major: Option<OneOrMany<String>>,
    pub minor: Option<OneOrMany<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenPace {
    pub settle: Option<String>,
    pub apart: Option<String>,
    pub max_age: Option<String>,
    pub corrections: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenGuard {
    pub ask_above: Option<i64>,
    pub ask_for: Option<String>,
    pub unanswered: Option<String>,
    pub unscoped: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenOperator {
    pub token: Option<WrittenSecret>,
    pub heartbeat: Option<WrittenSecret>,
    pub contact: Vec<WrittenContact>,
}

/// A client file: `clients.toml`, or one record of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenClients {
    pub client: Vec<WrittenClient>,
}

#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenClient {
    pub id: Option<String>,
    pub name: Option<String>,
    pub timezone: Option<String>,
    pub locale: Option<String>,
    pub priorities: Vec<String>,
    pub min_impact: Option<String>,
    pub maintenance: Option<bool>,
    pub owner: Option<String>,
    pub tags: Vec<String>,
    pub facts: BTreeMap<String, String>,
    pub contact: Vec<WrittenContact>,
}

#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenContact {
    pub email: Option<String>,
    pub webhook: Option<String>,
    pub secret: Option<WrittenSecret>,
    pub fallback: Option<bool>,
    pub name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenPlaybook {
    pub guidance: Vec<WrittenGuidance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenGuidance {
    pub id: Option<String>,
    pub components: Vec<String>,
    pub phases: Vec<String>,
    pub impacts: Vec<String>,
    pub tags: Vec<String>,
    pub locale: Option<String>,
    pub need: Option<String>,
    pub action: Option<String>,
    pub by: Option<String>,
    pub check: Option<String>,
    pub undo: Option<String>,
    pub takes: Option<String>,
    pub who: Option<String>,
    #[serde(rename = "where")]
    pub place: Option<String>,
    pub otherwise: Option<String>,
    pub offer: Option<String>,
    pub forward: Option<String>,
    pub resources: Vec<WrittenResource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenResource {
    pub title: Option<String>,
    pub url: Option<String>,
}

#[cfg(test)]
pub mod keys {
    //! Lists every key of a written type by letting serde ask for them.

    use serde::de::value::StrDeserializer;
    use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
    use serde::forward_to_deserialize_any;

    type Fault = serde::de::value::Error;

    /// The dotted keys of `T`, without list indexes: `feed.every`.
    pub fn of<T: DeserializeOwned>() -> Vec<String> {
        let mut keys = Vec::new();
        let asked = T::deserialize(Asked { path: String::new(), keys: &mut keys });
        assert!(asked.is_ok(), "a written type takes any text: {:?}", asked.err());
        keys
    }

    struct Asked<'k> {
        path: String,
        keys: &'k mut Vec<String>,
    }

    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = Fault;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_str("x")
        }

        fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_bool(true)
        }

        fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_i64(1)
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_some(self)
        }

        fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_seq(Once(Some(self)))
        }

        fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_map(Fields { path: self.path, keys: self.keys, left: &[], current: "" })
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Fault> {
            visitor.visit_map(Fields { path: self.path, keys: self.keys, left: fields, current: "" })
        }

        forward_to_deserialize_any! {
            i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
            newtype_struct tuple tuple_struct enum identifier ignored_any
        }
    }

    struct Once<'k>(Option<Asked<'k>>);

    impl<'de> SeqAccess<'de> for Once<'_> {
        type Error = Fault;

        fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
            self.0.take().map(|asked| seed.deserialize(asked)).transpose()
        }
    }

    struct Fields<'k> {
        path: String,
        keys: &'k mut Vec<String>,
        left: &'static [&'static str],
        current: &'static str,
    }

    impl<'de> MapAccess<'de> for Fields<'_> {
        type Error = Fault;

        fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
            let Some((first, left)) = self.left.split_first() else { return Ok(None) };
            (self.current, self.left) = (first, left);
            let name: StrDeserializer<'_, Fault> = first.into_deserializer();
            seed.deserialize(name).map(Some)
        }

        fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
            let dot = if self.path.is_empty() { "" } else { "." };
            let path = format!("{}{dot}{}", self.path, self.current);
            self.keys.push(path.clone());
            seed.deserialize(Asked { path, keys: self.keys })
        }
    }

    #[test]
    fn every_key_of_a_written_type_is_listed() {
        let keys = of::<super::WrittenSettings>();
        for expected in ["state", "feed.every", "hook.token", "operator.contact.email", "promise.minor"] {
            assert!(keys.iter().any(|key| key == expected), "{keys:?} lacks {expected}");
        }
    }
}
