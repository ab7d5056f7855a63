mod admin;
mod config;
mod peer;
mod producer;
