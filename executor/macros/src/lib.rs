//! The `Object` attribute of Kontor's executor.

use proc_macro::TokenStream;
use proc_macro2::{Ident, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::{
    Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, Pat, ReturnType, Token, Type,
    ext::IdentExt, parse_macro_input, parse_quote, punctuated::Punctuated,
};

/// async-graphql's `Object`, plus a synchronous way to each plain field: a method that takes `&self`
/// and perhaps the context, awaits nothing and carries no `#[graphql(..)]` but directives.
#[expect(non_snake_case, reason = "the attribute has the library's name")]
#[proc_macro_attribute]
pub fn Object(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = Tokens::from(args);
    let mut item = parse_macro_input!(item as ItemImpl);
    if !args.is_empty() || !item.generics.params.is_empty() {
        // Arguments may rename fields; then the names below would be guesses.
        return quote!(#[::async_graphql::RealObject(#args)] #item).into();
    }
    describe_usual_arguments(&mut item);
    let (mut readers, mut asks, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    for member in &mut item.items {
        if let ImplItem::Fn(method) = member
            && let Some((ty, ctx)) = plain_type(method)
        {
            let (ident, block, inputs) = (&method.sig.ident, &method.block, &method.sig.inputs);
            let reader = format_ident!("__leaf_{}", ident.unraw());
            let name = camel_case(ident);
            let of = quote!((&&&&&&&::async_graphql::leaf::Of::<#ty>::NEW));
            readers.push(quote!(fn #reader(#inputs) -> #ty #block));
            asks.push(quote!(#name => #of.is_plain(__asked)));
            let told = ctx.as_ref().map(|_| quote!(&__asked.context()));
            writes.push(quote!(#name => #of.write(self.#reader(#told), __asked, __out)));
            method.block = parse_quote!({ self.#reader(#ctx) });
        } else if let ImplItem::Fn(method) = member
            && method.sig.asyncness.is_some()
            && method.sig.inputs.len() > 2
        {
            // All fields of a type share one future as large as the largest: a list with its
            // arguments would make room for itself wherever any field is asked.
            let block = &method.block;
            method.block = parse_quote!({ ::std::boxed::Box::pin(async move #block).await });
        }
    }
    let ty = &item.self_ty;
    let levels = (!asks.is_empty()).then(|| {
        quote!(
            use ::async_graphql::leaf::levels::*;
        )
    });
    quote! {
        #[::async_graphql::RealObject(crate = "::async_graphql::with_leaves")]
        #item
        #[doc(hidden)]
        #[automatically_derived]
        const _: () = {
            // A nullable field may always have a value.
            #[allow(clippy::unnecessary_wraps, clippy::allow_attributes)]
            impl #ty { #(#readers)* }
            impl ::async_graphql::leaf::Leaves for #ty {
                fn is_leaf(__asked: &::async_graphql::leaf::Asked<'_>) -> bool {
                    #levels
                    match __asked.name() { #(#asks,)* _ => false }
                }
                fn leaf(
                    &self,
                    __asked: &::async_graphql::leaf::Asked<'_>,
                    __out: &mut ::std::vec::Vec<u8>,
                ) {
                    #levels
                    match __asked.name() { #(#writes,)* _ => {} }
                }
            }
            impl ::async_graphql::leaf::Plain for #ty {
                fn is_plain(
                    __ctx: &::async_graphql::ContextSelectionSet<'_>,
                    __fast: &::async_graphql::Fast,
                ) -> bool {
                    ::async_graphql::with_leaves::is_plain::<Self>(__ctx, __fast)
                }
                fn write(
                    &self,
                    __ctx: &::async_graphql::ContextSelectionSet<'_>,
                    __fast: &::async_graphql::Fast,
                    __out: &mut ::std::vec::Vec<u8>,
                ) {
                    ::async_graphql::with_leaves::write(self, __ctx, __fast, __out);
                }
            }
        };
    }
    .into()
}

/// Arguments that mean the same in every field are described once, here.
const USUAL_ARGUMENTS: [(&str, &str); 8] = [
    ("id", "Which."),
    ("expected_version", "Refuse if it is no longer this version; absent: no check."),
    ("first", "How many from the front, at most 100; 20 when absent."),
    ("after", "Behind this cursor."),
    ("last", "How many from the end, at most 100."),
    ("before", "Before this cursor."),
    ("where", "Which."),
    ("order_by", "In which order, at most three fields."),
];

fn describe_usual_arguments(item: &mut ItemImpl) {
    for member in &mut item.items {
        let ImplItem::Fn(method) = member else { continue };
        for input in &mut method.sig.inputs {
            let FnArg::Typed(argument) = input else { continue };
            let Pat::Ident(name) = &*argument.pat else { continue };
            let name = name.ident.unraw().to_string();
            let usual = USUAL_ARGUMENTS.iter().find(|(usual, _)| *usual == name);
            if let Some((_, text)) = usual.filter(|_| argument.attrs.is_empty()) {
                argument.attrs.push(parse_quote!(#[graphql(desc = #text)]));
            }
        }
    }
}

/// What a plain field is, and what its method calls the context if it takes it.
fn plain_type(method: &ImplItemFn) -> Option<(&Type, Option<Ident>)> {
    let mut inputs = method.sig.inputs.iter();
    let Some(FnArg::Receiver(_)) = inputs.next() else { return None };
    let ctx = match inputs.next() {
        None => None,
        Some(FnArg::Typed(argument)) => match (&*argument.pat, &*argument.ty) {
            (Pat::Ident(name), Type::Reference(ty)) if is_context(&ty.elem) => {
                Some(name.ident.clone())
            }
            _ => return None,
        },
        Some(FnArg::Receiver(_)) => return None,
    };
    let body = &method.block;
    let waits = quote!(#body).to_string().contains("await");
    let harmless = method.attrs.iter().all(is_harmless);
    match &method.sig.output {
        ReturnType::Type(_, ty) if inputs.next().is_none() && harmless && !waits => Some((ty, ctx)),
        _ => None,
    }
}

fn is_context(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Context")
}

/// Directives are words of the schema; whatever else is said of a field may change what it does.
fn is_harmless(attribute: &Attribute) -> bool {
    if !attribute.path().is_ident("graphql") {
        return !attribute.path().is_ident("cfg");
    }
    let said = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    said.is_ok_and(|said| said.iter().all(|one| one.path().is_ident("directive")))
}

/// The library's name for the field. Where this differs the field is merely resolved there.
fn camel_case(ident: &Ident) -> String {
    let ident = ident.unraw().to_string();
    let mut parts = ident.split('_').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
        name + &head.to_uppercase() + tail
    })
}
