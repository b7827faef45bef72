//! The house is held by tests: the map against the tree, the direction of imports, what no file may hold, the
//! unit's sandbox, the expected notices against the captures. Each failure says what to do.
//!
//! Deliberately absent: candor itself. These tests read files; what the program does is tested elsewhere.

#[path = "support/atom_page.rs"]
mod atom_page;
#[path = "support/expected.rs"]
mod expected;
#[path = "house/expected_lists.rs"]
mod expected_lists;
#[path = "support/google_page.rs"]
mod google_page;
#[path = "house/imports.rs"]
mod imports;
#[path = "house/manual.rs"]
mod manual;
#[path = "house/map.rs"]
mod map;
#[path = "house/picture.rs"]
mod picture;
#[path = "support/recordings.rs"]
mod recordings;
#[path = "real_parts/replay_atom.rs"]
mod replay_atom;
#[path = "support/skip.rs"]
mod skip;
#[path = "house/tidy.rs"]
mod tidy;
#[path = "house/tree.rs"]
mod tree;
#[path = "house/unit.rs"]
mod unit;
