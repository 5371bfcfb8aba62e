//! Drivers of the engine in virtual and in real time; stores in SQLite.
