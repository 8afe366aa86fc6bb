//! Variables and labels, as the component answers.

use crate::plugin::{Effect, Label, LabelPage, Labelled, Missing, ObjectChange, Rendered};
use crate::wasm::bindings::exports::nameplate::scim::mapping;

impl From<Missing> for mapping::Missing {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Empty => Self::Empty,
            Missing::Fail => Self::Fail,
        }
    }
}

impl From<mapping::Rendered> for Rendered {
    fn from(rendered: mapping::Rendered) -> Self {
        let mapping::Rendered {
            text,
            used,
            missing,
            extras: _,
        } = rendered;
        Self {
            text,
            used,
            missing,
        }
    }
}

impl From<ObjectChange> for mapping::ObjectChange {
    fn from(change: ObjectChange) -> Self {
        let ObjectChange {
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

impl From<mapping::Effect> for Effect {
    fn from(effect: mapping::Effect) -> Self {
        let mapping::Effect {
            variables,
            profiles,
            extras: _,
        } = effect;
        Self {
            variables,
            profiles,
        }
    }
}

impl From<mapping::Label> for Label {
    fn from(label: mapping::Label) -> Self {
        let mapping::Label {
            id,
            name,
            automatic,
            extras: _,
        } = label;
        Self {
            id,
            name,
            automatic,
        }
    }
}

impl From<mapping::LabelPage> for LabelPage {
    fn from(page: mapping::LabelPage) -> Self {
        let mapping::LabelPage { labels, next } = page;
        Self {
            labels: labels.into_iter().map(Into::into).collect(),
            next,
        }
    }
}

impl From<mapping::LabelledPage> for Labelled {
    fn from(page: mapping::LabelledPage) -> Self {
        let mapping::LabelledPage { hosts, next } = page;
        Self { hosts, next }
    }
}
