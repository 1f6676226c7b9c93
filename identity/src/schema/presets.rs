//! The five schemas every project can use without writing one (docs/wire.md, W14.3).

/// The ids of [`preset`], in the order they are offered.
pub const PRESET_IDS: [&str; 5] = [
    "preset://email",
    "preset://username",
    "preset://sms",
    "preset://basic",
    "preset://blank",
];

/// The JSON text of a preset, by its full id.
pub fn preset(id: &str) -> Option<&'static str> {
    Some(match id.strip_prefix("preset://")? {
        "email" => include_str!("../../../schemas/presets/email.schema.json"),
        "username" => include_str!("../../../schemas/presets/username.schema.json"),
        "sms" => include_str!("../../../schemas/presets/sms.schema.json"),
        "basic" => include_str!("../../../schemas/presets/basic.schema.json"),
        "blank" => include_str!("../../../schemas/presets/blank.schema.json"),
        _ => return None,
    })
}
