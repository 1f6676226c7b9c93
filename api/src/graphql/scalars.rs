//! The two scalars: any JSON, and a moment.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, SecondsFormat, Utc};

/// Any JSON value. Properties keep their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Json(pub(super) serde_json::Value);

/// Any JSON value. Properties keep their order.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// A moment by RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment(pub(super) DateTime<Utc>);

/// A moment by RFC 3339; answers are in UTC.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339"
)]
impl ScalarType for Moment {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        Ok(Self(DateTime::parse_from_rfc3339(text)?.to_utc()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_keep_their_order() {
        let text = r#"{"z":1,"a":{"y":[1.5,null],"b":"c"},"m":true}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let json = Json::parse(value).unwrap();
        assert_eq!(json.0.to_string(), text);
        assert_eq!(serde_json::to_string(&json.to_value()).unwrap(), text);
    }

    #[test]
    fn moments_are_shown_in_utc() {
        let parsed = Moment::parse(Value::from("2031-02-03T04:05:06+02:00")).unwrap();
        assert_eq!(parsed.to_value(), Value::from("2031-02-03T02:05:06Z"));
        assert!(Moment::parse(Value::from("tomorrow")).is_err());
        assert!(Moment::parse(Value::from(7)).is_err());
    }
}
