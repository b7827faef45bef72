//! What candor decides: pure functions over plain values. No clock, dice, socket, file, log or async here,
//! and nothing of our other rooms: time and chance come in as arguments.

pub mod case;
pub mod client;
pub mod component;
pub mod delivery;
pub mod duration;
pub mod incident;
pub mod notice;
pub mod observe;
pub mod plan;
pub mod playbook;
pub mod promise;
pub mod text;
