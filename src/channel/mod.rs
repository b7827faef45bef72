//! (see the commit that fills this room)
pub mod email;
