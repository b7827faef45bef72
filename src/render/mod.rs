//! (see the commit that fills this room)

pub mod document;
pub mod mail;
pub mod markup;
pub mod webhook_json;
