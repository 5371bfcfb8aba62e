//! Static files, which are part of the program.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::error::Error;

/// A static file.
pub(crate) struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

pub(crate) const STYLE: Asset = Asset {
    name: "style.css",
    kind: "text/css; charset=utf-8",
    content: include_str!("../../static/style.css"),
};

pub(crate) const SCRIPT: Asset = Asset {
    name: "app.js",
    kind: "text/javascript; charset=utf-8",
    content: include_str!("../../static/app.js"),
};

pub(crate) const ICON: Asset = Asset {
    name: "icon.svg",
    kind: "image/svg+xml",
    content: include_str!("../../static/icon.svg"),
};

impl Asset {
    /// Where it is; another content has another place, so that it can be kept for ever.
    pub(crate) fn url(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        format!("/static/{}?v={:016x}", self.name, hasher.finish())
    }
}

/// `GET /static/{name}`.
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response, Error> {
    let asset = [STYLE, SCRIPT, ICON]
        .into_iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| Error::NotFound(format!("the file `{name}`")))?;
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}
