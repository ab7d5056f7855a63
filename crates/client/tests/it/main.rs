mod admin;
mod config;
mod consumer;
mod mixed_group;
mod peer;
mod producer;
