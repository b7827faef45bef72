//! What candor decides: pure functions over plain values. No clock, dice, socket, file, log or async here,
//! and nothing of our other rooms: time and chance come in as arguments.

pub mod absence;
pub mod address;
pub mod case;
pub mod characters;
pub mod client;
pub mod component;
pub mod counted;
pub mod decide;
pub mod delivery;
pub mod duration;
pub mod entities;
pub mod faults;
pub mod guidance;
pub mod html;
pub mod incident;
pub mod kept;
pub mod kind;
pub mod likeness;
pub mod missed;
pub mod news;
pub mod notice;
pub mod observe;
pub mod operator;
pub mod pace;
pub mod plan;
pub mod playbook;
pub mod promise;
pub mod refusals;
pub mod said_promise;
pub mod signature;
pub mod telling;
pub mod text;
pub mod thread;

#[cfg(test)]
mod fixtures;
