//! `#[story]`: how every test of the suite begins and ends.

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, Expr, FnArg, ItemFn, parse_macro_input, spanned::Spanned as _};

/// Makes a test of an asynchronous function, and runs it on the suite's one runtime.
///
/// The parameter is where the story happens, a `Site` or a `World` mostly. It is made by its type's `new`,
/// or by what the attribute says; after the last line its `finish` looks whether everything is as it should
/// be. A story without a parameter makes, and finishes, what it needs by itself.
///
/// ```text
/// #[story]
/// async fn a_wrong_password_opens_nothing(site: Site) { … }
///
/// #[story(World::own())]
/// async fn ten_jobs_do_not_wait_for_ten_thousand(world: World) { … }
/// ```
#[proc_macro_attribute]
pub fn story(made_by: TokenStream, function: TokenStream) -> TokenStream {
    let made_by = if made_by.is_empty() {
        None
    } else {
        Some(parse_macro_input!(made_by as Expr))
    };
    let function = parse_macro_input!(function as ItemFn);
    test(made_by, &function).unwrap_or_else(|error| error.into_compile_error().into())
}

fn test(made_by: Option<Expr>, function: &ItemFn) -> syn::Result<TokenStream> {
    let (attributes, name, body) = (&function.attrs, &function.sig.ident, &function.block);
    if function.sig.asyncness.is_none() {
        return Err(Error::new(name.span(), "a story is an async fn"));
    }
    let mut parameters = function.sig.inputs.iter();
    let story = match (parameters.next(), made_by) {
        (None, None) => quote!(#body),
        (None, Some(made_by)) => {
            return Err(Error::new(made_by.span(), "no parameter takes this"));
        }
        (Some(FnArg::Typed(scene)), made_by) => {
            let (pattern, scene) = (&scene.pat, &scene.ty);
            let made_by =
                made_by.map_or_else(|| quote!(<#scene>::new()), |made_by| quote!(#made_by));
            quote! {
                let #pattern: #scene = #made_by.await;
                #body
                #pattern.finish().await;
            }
        }
        (Some(receiver), _) => return Err(Error::new(receiver.span(), "a story is no method")),
    };
    if let Some(second) = parameters.next() {
        return Err(Error::new(second.span(), "a story happens in one place"));
    }
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attributes)*
        fn #name() {
            ::tests::run(async { #story });
        }
    }
    .into())
}
