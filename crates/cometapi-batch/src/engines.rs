#![doc = include_str!("../docs/engines.md")]
