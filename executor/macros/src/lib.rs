//! The `Object` attribute of Kontor's executor.

use proc_macro::TokenStream;
use proc_macro2::{Ident, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::{
    FnArg, ImplItem, ImplItemFn, ItemImpl, Pat, ReturnType, Type, ext::IdentExt, parse_macro_input,
    parse_quote,
};

/// async-graphql's `Object`, plus a synchronous way to each plain leaf: a method that takes only
/// `&self`, awaits nothing and carries no `#[graphql(..)]`.
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
    let (mut readers, mut arms) = (Vec::new(), Vec::new());
    for member in &mut item.items {
        if let ImplItem::Fn(method) = member
            && let Some(ty) = leaf_type(method)
        {
            let (ident, block) = (method.sig.ident.clone(), method.block.clone());
            let reader = format_ident!("__leaf_{}", ident.unraw());
            let name = camel_case(&ident);
            readers.push(quote!(fn #reader(&self) -> #ty #block));
            arms.push(quote! {
                #name => (&&&&&&::async_graphql::leaf::Of::<#ty>::NEW)
                    .write(|| self.#reader(), __out)
            });
            method.block = parse_quote!({ self.#reader() });
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
    quote! {
        #[::async_graphql::RealObject(crate = "::async_graphql::with_leaves")]
        #item
        #[doc(hidden)]
        #[automatically_derived]
        #[allow(non_snake_case, clippy::all, clippy::pedantic, clippy::allow_attributes)]
        const _: () = {
            impl #ty { #(#readers)* }
            impl ::async_graphql::leaf::Leaves for #ty {
                fn leaf(&self, __name: &str, __out: &mut ::std::vec::Vec<u8>) -> bool {
                    #[allow(unused_imports)]
                    use ::async_graphql::leaf::levels::*;
                    match __name { #(#arms,)* _ => false }
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

fn leaf_type(method: &ImplItemFn) -> Option<&Type> {
    let inputs = &method.sig.inputs;
    let only_self = inputs.len() == 1 && matches!(inputs[0], FnArg::Receiver(_));
    let plain =
        !method.attrs.iter().any(|a| a.path().is_ident("graphql") || a.path().is_ident("cfg"));
    let body = &method.block;
    let waits = quote!(#body).to_string().contains("await");
    match &method.sig.output {
        ReturnType::Type(_, ty) if only_self && plain && !waits => Some(ty),
        _ => None,
    }
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
