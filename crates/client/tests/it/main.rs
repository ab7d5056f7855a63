mod admin;
mod config;
mod consumer;
mod peer;
mod producer;
