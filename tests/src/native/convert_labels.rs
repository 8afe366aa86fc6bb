//! Conversions of variables and labels. Records are taken apart without `..`, as in
//! [`convert`](super::convert).

use nameplate_mapping::{affected, labels, render};
use nameplate_runtime::plugin;

use super::convert::kind_from_store;

pub(super) fn missing(missing: plugin::Missing) -> render::Missing {
    match missing {
        plugin::Missing::Empty => render::Missing::Empty,
        plugin::Missing::Fail => render::Missing::Fail,
    }
}

pub(super) fn rendered(rendered: render::Rendered) -> plugin::Rendered {
    let render::Rendered {
        text,
        used,
        missing,
    } = rendered;
    plugin::Rendered {
        text,
        used,
        missing,
    }
}

pub(super) fn change(change: plugin::ObjectChange) -> affected::ObjectChange {
    let plugin::ObjectChange {
        name,
        kind,
        before,
        after,
    } = change;
    affected::ObjectChange {
        name,
        kind: kind_from_store(kind),
        before,
        after,
    }
}

pub(super) fn effect(effect: affected::Effect) -> plugin::Effect {
    let affected::Effect {
        variables,
        profiles,
    } = effect;
    plugin::Effect {
        variables,
        profiles,
    }
}

pub(super) fn label(label: labels::Label) -> plugin::Label {
    let labels::Label {
        id,
        name,
        automatic,
    } = label;
    plugin::Label {
        id,
        name,
        automatic,
    }
}

pub(super) fn label_page(page: labels::LabelPage) -> plugin::LabelPage {
    let labels::LabelPage { labels, next } = page;
    plugin::LabelPage {
        labels: labels.into_iter().map(label).collect(),
        next,
    }
}

pub(super) fn labelled(page: labels::Labelled) -> plugin::Labelled {
    let labels::Labelled { hosts, next } = page;
    plugin::Labelled { hosts, next }
}
