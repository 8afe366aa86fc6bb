//! Conversions between the generated types and the store's and runtime's own.
//! Records are taken apart without `..`, so that a new field breaks the build here.

mod calls;
mod directory;
mod hosts;
mod labels;

pub(super) use directory::{
    document, find_request, holding, names, outcome, page_to_wit, unit_from_wit,
};
pub(super) use hosts::host_to_wit;

fn list<A, B: From<A>>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}
