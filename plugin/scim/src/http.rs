//! A request and a response, without sockets.

/// One HTTP request, whole.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// Relative to the SCIM base, percent-encoded, starting with `/`.
    pub path: String,
    /// What follows `?`, encoded.
    pub query: Option<String>,
    /// Names in lower case; values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// The absolute URL of the SCIM base, without a trailing slash.
    pub base_url: String,
}

/// One HTTP response, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
}
