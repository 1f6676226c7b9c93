//! One snippet in a virtual machine of its own: no imports, no files, no variables from outside but `ctx`.
//! It has no limit on time and memory; the process around it has.

use rsjsonnet_lang::{
    arena::Arena,
    parser::{ActualToken, ParseError},
    program::{
        AnalyzeError, Callbacks, EvalError, EvalErrorKind, EvalStackTraceItem, ImportError,
        LoadError, NativeError, Program, Thunk, Value as Jsonnet,
    },
    span::SpanId,
};
use serde_json::Value;

/// Calls within calls; beyond it a snippet is told that it overflows.
const STACK_MAX: usize = 200;

/// The JSON that comes of the snippet: of its call with `ctx`, when it is a function. Without `ctx` it is only
/// read: `null` says that it can be.
pub(super) fn evaluate(source: &str, ctx: Option<&Value>) -> Result<String, String> {
    let arena = Arena::new();
    let mut program = Program::new(&arena);
    program.set_max_stack(STACK_MAX);
    let (context, _) = program
        .span_manager_mut()
        .insert_source_context(source.len());
    let told = |program: &Program<'_>, what: String, at: Option<SpanId>| match at {
        Some(span) => {
            let (of, start, _) = program.span_manager().get_span(span);
            let here = (of == context).then(|| line(source, start));
            here.map_or(what.clone(), |line| format!("line {line}: {what}"))
        }
        None => what,
    };
    let root = match program.load_source(context, source.as_bytes(), true, "snippet") {
        Ok(root) => root,
        Err(error) => {
            let (what, at) = unreadable(&error);
            return Err(told(&program, what, at));
        }
    };
    let Some(ctx) = ctx else {
        return Ok("null".to_owned());
    };
    run(&mut program, &root, ctx).map_err(|error| {
        let (what, at) = failed(&error.kind);
        let near = || error.stack_trace.iter().rev().find_map(place);
        told(&program, what, at.or_else(near))
    })
}

fn run<'p>(
    program: &mut Program<'p>,
    root: &Thunk<'p>,
    ctx: &Value,
) -> Result<String, Box<EvalError>> {
    let mut value = program.eval_value(root, &mut Alone)?;
    if value.is_function() {
        let ctx = given(program, ctx);
        let argument = (program.intern_str("ctx"), program.value_to_thunk(&ctx));
        value = program.eval_call(root, &[], &[argument], &mut Alone)?;
    }
    Ok(program.manifest_json(&value, false)?)
}

fn given<'p>(program: &mut Program<'p>, value: &Value) -> Jsonnet<'p> {
    match value {
        Value::Null => Jsonnet::null(),
        Value::Bool(yes) => Jsonnet::bool(*yes),
        Value::Number(number) => Jsonnet::number(number.as_f64().unwrap_or_default()),
        Value::String(text) => Jsonnet::string(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| given(program, item)).collect();
            program.make_array(&items)
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, member)| (program.intern_str(name), given(program, member)))
                .collect();
            program.make_object(&members)
        }
    }
}

/// Counted from 1.
fn line(source: &str, at: usize) -> usize {
    let before = source.as_bytes().iter().take(at);
    1 + before.filter(|byte| **byte == b'\n').count()
}

fn place(item: &EvalStackTraceItem) -> Option<SpanId> {
    match item {
        EvalStackTraceItem::Expr { span } | EvalStackTraceItem::Variable { span, .. } => {
            Some(*span)
        }
        EvalStackTraceItem::Call { span, .. }
        | EvalStackTraceItem::ArrayItem { span, .. }
        | EvalStackTraceItem::ObjectField { span, .. } => *span,
        _ => None,
    }
}

fn unreadable(error: &LoadError) -> (String, Option<SpanId>) {
    match error {
        LoadError::Analyze(AnalyzeError::UnknownVariable { span, name }) => {
            (format!("nothing is called {name}"), Some(*span))
        }
        LoadError::Parse(ParseError::Expected { span, instead, .. }) => {
            let what = match instead {
                ActualToken::EndOfFile => "it ends too early".to_owned(),
                ActualToken::Ident(name) => format!("{name} does not belong here"),
                _ => "something else belongs here".to_owned(),
            };
            (what, Some(*span))
        }
        LoadError::Analyze(other) => (words(&format!("{other:?}")), None),
        LoadError::Lex(other) => (words(&format!("{other:?}")), None),
    }
}

/// What went wrong, and where, when the error itself knows.
fn failed(kind: &EvalErrorKind) -> (String, Option<SpanId>) {
    use EvalErrorKind as Kind;
    match kind {
        Kind::ExplicitError { span, message } => (message.clone(), Some(*span)),
        Kind::AssertFailed { span, message } => {
            let message = message.clone();
            (
                message.unwrap_or_else(|| "an assertion failed".to_owned()),
                Some(*span),
            )
        }
        Kind::UnknownObjectField { span, field_name } => {
            (format!("there is no field {field_name}"), Some(*span))
        }
        Kind::UnknownCallParam { span, param_name } => {
            (format!("the function has no parameter {param_name}"), *span)
        }
        Kind::CallParamNotBound { span, param_name } => {
            (format!("the parameter {param_name} is not given"), *span)
        }
        Kind::ImportFailed { span, path } => {
            (format!("imports are not served here ({path})"), Some(*span))
        }
        Kind::UnknownExtVar { name } => (format!("there is no external variable {name}"), None),
        Kind::StackOverflow => (format!("more than {STACK_MAX} calls within calls"), None),
        Kind::ManifestFunction => ("a function is no JSON".to_owned(), None),
        other => (words(&format!("{other:?}")), None),
    }
}

/// `InvalidBinaryOpTypes { … }` as "invalid binary op types".
fn words(debug: &str) -> String {
    let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// Nothing from outside.
struct Alone;

impl<'p> Callbacks<'p> for Alone {
    fn import(
        &mut self,
        _program: &mut Program<'p>,
        _from: SpanId,
        _path: &str,
    ) -> Result<Thunk<'p>, ImportError> {
        Err(ImportError)
    }

    fn import_str(
        &mut self,
        _program: &mut Program<'p>,
        _from: SpanId,
        _path: &str,
    ) -> Result<String, ImportError> {
        Err(ImportError)
    }

    fn import_bin(
        &mut self,
        _program: &mut Program<'p>,
        _from: SpanId,
        _path: &str,
    ) -> Result<Vec<u8>, ImportError> {
        Err(ImportError)
    }

    fn trace(&mut self, _: &mut Program<'p>, _message: &str, _stack: &[EvalStackTraceItem]) {}

    fn native_call(
        &mut self,
        _program: &mut Program<'p>,
        _name: rsjsonnet_lang::interner::InternedStr<'p>,
        _args: &[Jsonnet<'p>],
    ) -> Result<Jsonnet<'p>, NativeError> {
        Err(NativeError)
    }
}
