//! Intake: feeds in, items out.
