//! Who uses which host: claims and login facts in, assignments out.
//!
//! - [`hosts`]: hosts, claims and assignments as a store keeps them
//! - [`directory`]: people and groups of all connections of a tenant
//! - [`claim`]: what a caller says becomes a claim, so that repeats are harmless
//! - [`resolve`]: claims and login facts become an assignment, purely
//! - [`rules`]: what a tenant can choose
//! - [`attributes`]: how a tenant words what a host shows
//! - [`person`]: a directory document becomes what a host shows
//! - [`render`]: profile texts are filled
//! - [`affected`]: which variables a change can change
//! - [`labels`]: hosts by what their people are
//! - [`service`]: keeps assignments true while hosts and the directory change
//!
//! This crate does no I/O and has no clock: the stores are a
//! [`nameplate_scim::directory::Directory`] and a [`hosts::Hosts`], time comes from
//! a [`nameplate_scim::env::Env`]. It must not know what HTTP or SCIM requests are.

pub mod affected;
pub mod attributes;
pub mod claim;
pub mod directory;
#[cfg(test)]
mod documented;
mod explain;
pub mod hosts;
mod json;
pub mod labels;
mod near;
mod people;
pub mod person;
pub mod render;
pub mod resolve;
pub mod rules;
pub mod service;
mod spelling;
#[cfg(test)]
mod testing;
mod text;
mod variables;
