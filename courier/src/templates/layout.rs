//! The frame of built-in mails. A text is written once, in `templates/<type>/<language>.txt`, as blocks
//! between empty lines; this makes of it what minijinja renders: subject, plain text, HTML, text message.
//!
//! ```text
//! subject: …          sms: … (its lines are kept)
//! title: …            the mail's heading
//! [code] {{ … }}      large, to be copied
//! [button Label] {{ … }}   a link
//! [small] …           in the footer's size
//! ```
//! The texts hold neither `<` nor `&`, so that they need no escaping; a test looks.

use std::fmt::Write as _;

/// What minijinja renders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sources {
    pub(super) subject: String,
    pub(super) plaintext: String,
    pub(super) html: String,
    pub(super) sms: Option<String>,
}

/// Addresses and names of projects are longer than a phone is wide. `word-break` is for mail programs that do not
/// know the other.
const WRAP: &str = "overflow-wrap:anywhere;word-break:break-word";
const P: &str = "margin:0 0 16px;font-size:16px;line-height:24px;color:#27272a";
const SMALL: &str = "margin:0 0 8px;font-size:13px;line-height:20px;color:#52525b";
const CODE: &str = "margin:0 0 20px;padding:16px 8px;border-radius:10px;background-color:#f4f4f5;\
    font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:32px;line-height:40px;\
    font-weight:700;letter-spacing:6px;text-align:center;color:#18181b";
const BUTTON: &str = "display:inline-block;padding:13px 22px;border-radius:8px;background-color:#1d4ed8;\
    font-size:16px;line-height:22px;font-weight:600;text-decoration:none;color:#ffffff";
const LINK: &str = "color:#1d4ed8;word-break:break-all";

/// Read a built-in text.
pub(super) fn sources(text: &str, language: &str) -> Sources {
    let (mut made, mut title, mut html) = (Sources::default(), "", String::new());
    for block in text.split("\n\n").map(str::trim).filter(|b| !b.is_empty()) {
        if let Some(sms) = block.strip_prefix("sms:") {
            made.sms = Some(sms.trim().replace("\n.\n", "\n\n"));
        } else if let Some((subject, heading)) = heading(block) {
            subject.clone_into(&mut made.subject);
            title = heading;
        } else {
            paragraph(block, &mut made.plaintext, &mut html);
        }
    }
    let plain = std::mem::take(&mut made.plaintext);
    made.plaintext = format!("{title}\n\n{plain}-- \n{{{{ project_name }}}}\n");
    made.html = frame(language, title, &html);
    made
}

fn heading(block: &str) -> Option<(&str, &str)> {
    let (subject, title) = block.strip_prefix("subject:")?.split_once("\ntitle:")?;
    Some((subject.trim(), title.trim()))
}

/// One block in both forms.
fn paragraph(block: &str, plain: &mut String, html: &mut String) {
    let (kind, text) = block
        .strip_prefix('[')
        .and_then(|block| block.split_once(']'))
        .map_or(("", block), |(kind, text)| (kind, text.trim()));
    // Writing to a String does not fail.
    let _ = match kind.split_once(' ').unwrap_or((kind, "")) {
        ("code", _) => {
            let _ = write!(html, "<p class=\"code\" style=\"{CODE}\">{text}</p>");
            write!(plain, "    {text}\n\n")
        }
        ("button", label) => {
            let _ = write!(
                html,
                "<p style=\"margin:0 0 20px\"><a class=\"button\" style=\"{BUTTON}\" href=\"{text}\">{label}</a></p>\
                 <p class=\"small\" style=\"{SMALL};margin-bottom:20px\"><a class=\"link\" style=\"{LINK}\" href=\"{text}\">{text}</a></p>"
            );
            write!(plain, "{label}:\n{text}\n\n")
        }
        ("small", _) => {
            let _ = write!(
                html,
                "<p class=\"small\" style=\"{SMALL};{WRAP}\">{text}</p>"
            );
            write!(plain, "{text}\n\n")
        }
        _ => {
            let _ = write!(html, "<p class=\"text\" style=\"{P};{WRAP}\">{text}</p>");
            write!(plain, "{text}\n\n")
        }
    };
}

/// Tables, because some mail programs know nothing else; styles inline, because some drop the rest. What is
/// in `<style>` makes the dark form.
fn frame(language: &str, title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;supported-color-schemes:light dark}}
.dark{{display:none}}
@media (max-width:520px){{.card{{padding:24px 20px !important}}.frame{{padding:16px 8px !important}}}}
@media (prefers-color-scheme:dark){{
.page{{background-color:#09090b !important}}
.card{{background-color:#18181b !important;border-color:#3f3f46 !important}}
.title,.code,.name{{color:#fafafa !important}}
.text{{color:#e4e4e7 !important}}
.small{{color:#a1a1aa !important}}
.code{{background-color:#27272a !important}}
.button{{background-color:#2563eb !important;color:#ffffff !important}}
.link{{color:#93c5fd !important}}
.light{{display:none !important}}
.dark{{display:inline-block !important}}
}}
</style></head>
<body class="page" style="margin:0;padding:0;background-color:#f4f4f5">
<table role="presentation" class="page frame" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#f4f4f5;padding:32px 12px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"><tr><td align="center">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:480px;table-layout:fixed"><tr><td class="card" style="padding:32px;background-color:#ffffff;border:1px solid #e4e4e7;border-radius:14px">
<p class="name" style="margin:0 0 20px;font-size:15px;line-height:20px;font-weight:600;color:#18181b;{WRAP}">{LOGO}</p>
<h1 class="title" style="margin:0 0 16px;font-size:22px;line-height:30px;font-weight:700;color:#18181b;{WRAP}">{title}</h1>
{body}
</td></tr></table>
</td></tr></table>
</body></html>
"#
    )
}

/// The project's name, or its logo when the configuration has one.
const LOGO: &str = "{% if logo_light_url %}\
    <img class=\"{% if logo_dark_url %}light{% endif %}\" src=\"{{ logo_light_url }}\" alt=\"{{ project_name }}\" height=\"32\" style=\"height:32px;border:0\">\
    {% if logo_dark_url %}<img class=\"dark\" src=\"{{ logo_dark_url }}\" alt=\"{{ project_name }}\" height=\"32\" style=\"display:none;height:32px;border:0\">{% endif %}\
    {% else %}{{ project_name }}{% endif %}";
