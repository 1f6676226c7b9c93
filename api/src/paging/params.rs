//! The parameters of a page, as text.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, Result};

/// Unless a page is asked for by another size.
pub(super) const SIZE_DEFAULT: i64 = 250;

/// The four parameters that most lists have.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OffsetParams {
    /// The older way: the page's number, of sessions from 1, of others from 0. `page_size` and `page_token` go first.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub(crate) page: Option<String>,
    /// The older way: how many at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 250)]
    pub(crate) per_page: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 250)]
    pub(crate) page_size: Option<String>,
    /// Where the page begins: as it stands in a `Link` of another page.
    pub(crate) page_token: Option<String>,
}

/// How many a page has by `page_size`, where what cannot be read is refused.
pub(super) fn keyset_size(text: Option<&str>, default: i64, max: i64) -> Result<i64> {
    match text {
        None | Some("") => Ok(default),
        Some(text) => {
            let size = text
                .parse::<i64>()
                .map_err(|_| ApiError::bad_request("The page_size is no number."))?;
            Ok(if size <= 0 { default } else { size.min(max) })
        }
    }
}
