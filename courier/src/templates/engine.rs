//! minijinja, held so tightly that a template of a project cannot use up the server: fuel, limits on what
//! comes out, no way to build texts or lists inside, filters that add little. Knows nothing of messages.

use std::{collections::HashSet, io};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
    escape_formatter, filters, tests,
};

/// Steps of one rendering; a built-in mail takes a few hundred.
const FUEL: u64 = 20_000;
/// Of one rendered text.
pub(super) const OUTPUT_BYTES_MAX: usize = 256 << 10;

/// What becomes of a template that asks for what is not there, or is no text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It fails: the built-in texts ask for nothing that may be missing.
    Strict,
    /// What is missing is empty; what is no text is an error for the author of the template.
    DryRun,
    /// Both are empty: a recipient is not to blame for the traits of the identity.
    Sending,
}

/// An engine without templates.
pub(super) fn environment(mode: Mode) -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_fuel(Some(FUEL));
    env.set_undefined_behavior(if mode == Mode::Strict {
        UndefinedBehavior::Strict
    } else {
        UndefinedBehavior::Chainable
    });
    env.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    env.set_formatter(move |out, state, value| write_scalar(out, state, value, mode));
    env.add_filter("upper", filters::upper);
    env.add_filter("lower", filters::lower);
    env.add_filter("title", filters::title);
    env.add_filter("capitalize", filters::capitalize);
    env.add_filter("trim", filters::trim);
    env.add_filter("default", filters::default);
    env.add_filter("escape", filters::escape);
    env.add_filter("e", filters::escape);
    env.add_filter("urlencode", filters::urlencode);
    env.add_filter("length", filters::length);
    env.add_filter("first", filters::first);
    env.add_filter("last", filters::last);
    env.add_test("defined", tests::is_defined);
    env.add_test("undefined", tests::is_undefined);
    env.add_test("none", tests::is_none);
    env
}

/// A list or an object is never meant to be printed, and can be larger than it looks.
fn write_scalar(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
    mode: Mode,
) -> Result<(), Error> {
    let is_text = value.as_object().is_none();
    if value.is_none() || value.is_undefined() || (!is_text && mode == Mode::Sending) {
        return Ok(());
    }
    if !is_text {
        let why = "a list or an object cannot be printed: name one of its members";
        return Err(Error::new(ErrorKind::InvalidOperation, why));
    }
    escape_formatter(out, state, value)
}

/// Render one template, within the limits.
pub(super) fn render(env: &Environment<'_>, name: &str, data: &Value) -> Result<String, String> {
    let template = env.get_template(name).map_err(|error| explain(&error))?;
    let mut out = Bounded(Vec::new());
    let rendered = template.render_captured_to(data.clone(), &mut out);
    match rendered {
        Ok(_) => String::from_utf8(out.0).map_err(|_| "what came out is no text".to_owned()),
        Err(error) => Err(explain(&error)),
    }
}

/// Names that a template asks for and does not make itself.
pub(super) fn free_names(env: &Environment<'_>, name: &str) -> HashSet<String> {
    let template = env.get_template(name);
    template.map_or_else(|_| HashSet::new(), |it| it.undeclared_variables(false))
}

/// For the author of the template; holds none of the data.
pub(super) fn explain(error: &Error) -> String {
    let what = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too long".to_owned(),
        ErrorKind::WriteFailure => format!("more than {OUTPUT_BYTES_MAX} bytes come out"),
        kind => error
            .detail()
            .map_or_else(|| kind.to_string(), str::to_owned),
    };
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests_of_limits {
    use minijinja::context;

    use super::{super::restrict::restrict, *};

    fn run(source: &str) -> Result<String, String> {
        restrict(source)?;
        let mut env = environment(Mode::DryRun);
        let added = env.add_template_owned("t.html", source.to_owned());
        added.map_err(|error| explain(&error))?;
        let many: Vec<u32> = (0..3000).collect();
        let data = context! {
            a => "<b>", many, long => "x".repeat(100_000), o => context! { k => 1, list => vec!["p", "q"] },
        };
        render(&env, "t.html", &data)
    }

    #[test]
    fn what_people_write_works() {
        for (source, expected) in [
            ("{{ a }} {{- o.k }}", "&lt;b&gt;1"),
            (
                "{% if o.x is defined %}1{% elif a == '<b>' %}2{% endif %}",
                "2",
            ),
            (
                "{% for x in o.list %}{{ loop.index }}{{ x | upper }}{% endfor %}",
                "1P2Q",
            ),
            (
                "{{ o.x.y.z }}|{{ o['k'] }}|{{ nobody | default('~*+[,') }}",
                "|1|~*+[,",
            ),
            ("{# a ~ b #}{ {} }{{ 'it\\'s {%' }}", "{ {} }it&#x27;s {%"),
            ("{%- if not a -%} x {%- else -%} y {%- endif -%}", "y"),
            ("{{ (o.k - 1) / 2 }}", "0.0"),
        ] {
            assert_eq!(run(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_could_grow_is_refused_when_written() {
        for source in [
            "{{ a ~ a }}",
            "{{ a*9 }}",
            "{{ a + a }}",
            "{% set a = 1 %}",
            "{% set a %}{{ a }}{{ a }}{% endset %}",
            "{% with a = 1 %}{% endwith %}",
            "{% macro m() %}{% endmacro %}",
            "{% filter upper %}{% endfilter %}",
            "{% autoescape false %}{% endautoescape %}",
            "{% include 'x' %}",
            "{% raw %}{% endraw %}",
            "{% for b in [a] %}{% endfor %}",
            "{% for b in[a] %}{% endfor %}",
            "{% for b in (a, a) %}{% endfor %}",
            "{{ {'a': 1} }}",
            "{{ a | replace('a', 'aaaa') }}",
            "{{ a | safe }}",
            "{{ a | tojson }}",
            "{{ range(9) }}",
            "{{ o }}",
            "{{ o.list }}",
            "{{ a",
            "{% if %}",
        ] {
            assert!(run(source).is_err(), "{source}");
        }
    }

    #[test]
    fn what_runs_away_is_stopped() {
        let nested = "{% for a in many %}{% for b in many %}.{% endfor %}{% endfor %}";
        assert_eq!(run(nested), Err("line 1: it takes too long".to_owned()));
        let long = "{% for a in many %}{{ long }}{% endfor %}";
        assert!(
            run(long).unwrap_err().contains("bytes come out"),
            "{:?}",
            run(long)
        );
    }
}
