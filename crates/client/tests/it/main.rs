mod admin;
mod config;
mod peer;
