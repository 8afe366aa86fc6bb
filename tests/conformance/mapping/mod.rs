//! Whose device it is: SCIM comes in, hosts show the person.

mod attributes;
mod bulk;
mod devices;
mod events;
mod faults;
mod guide;
mod labels;
mod lists;
mod preview;
mod promises;
mod status;
mod story;
mod succession;
mod transfer;
