//! Variables and labels: the mapping crate's types in WIT. Records are taken apart
//! without `..`, as in `convert.rs`.

use nameplate_mapping::affected::{Effect, ObjectChange};
use nameplate_mapping::labels::{Label, LabelPage, Labelled};
use nameplate_mapping::render::{Missing, Rendered};

use crate::bindings::exports::nameplate::scim::mapping;
use crate::convert::list;

impl From<mapping::Missing> for Missing {
    fn from(missing: mapping::Missing) -> Self {
        match missing {
            mapping::Missing::Empty => Self::Empty,
            mapping::Missing::Fail => Self::Fail,
        }
    }
}

impl From<Rendered> for mapping::Rendered {
    fn from(rendered: Rendered) -> Self {
        let Rendered {
            text,
            used,
            missing,
        } = rendered;
        Self {
            text,
            used,
            missing,
            extras: Vec::new(),
        }
    }
}

impl From<mapping::ObjectChange> for ObjectChange {
    fn from(change: mapping::ObjectChange) -> Self {
        let mapping::ObjectChange {
            name,
            kind,
            before,
            after,
        } = change;
        Self {
            name,
            kind: kind.into(),
            before,
            after,
        }
    }
}

impl From<Effect> for mapping::Effect {
    fn from(effect: Effect) -> Self {
        let Effect {
            variables,
            profiles,
        } = effect;
        Self {
            variables,
            profiles,
            extras: Vec::new(),
        }
    }
}

impl From<Label> for mapping::Label {
    fn from(label: Label) -> Self {
        let Label {
            id,
            name,
            automatic,
        } = label;
        Self {
            id,
            name,
            automatic,
            extras: Vec::new(),
        }
    }
}

impl From<LabelPage> for mapping::LabelPage {
    fn from(page: LabelPage) -> Self {
        let LabelPage { labels, next } = page;
        Self {
            labels: list(labels),
            next,
        }
    }
}

impl From<Labelled> for mapping::LabelledPage {
    fn from(page: Labelled) -> Self {
        let Labelled { hosts, next } = page;
        Self { hosts, next }
    }
}
