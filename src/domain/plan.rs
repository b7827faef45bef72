//! (see the commit that fills this room)
