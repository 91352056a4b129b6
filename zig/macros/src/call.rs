//! The Rust functions that `autozig!` and `include_zig!` write.
//!
//! As in the derive, all but the user's own names and types has the macro's spans: a crate that forbids unsafe code
//! can call Zig. Locals begin with `__zigflow_`: the span keeps them from locals of the user's, but a constant of the
//! user's would stand for the pattern.

use crate::archive::{Archive, Layout};
use crate::differs::{self, Difference};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Fields, Item, Path, Token};
use zigflow_bindgen::Crossing;
use zigflow_bindgen::block::{
    Block, Bytes, Element, Failure, Form, Function, Handle, Param, Streaming, symbol_of_call,
    symbol_of_start, symbol_of_stream,
};

pub(crate) fn block(block: &Block, hash: &str, archive: &Archive) -> TokenStream {
    let errors: Vec<&Ident> = block
        .functions
        .iter()
        .filter_map(|function| match &function.returns.failure {
            Failure::Named(name) => Some(name),
            _ => None,
        })
        .collect();
    let mut types = Vec::new();
    let mut is_refused = false;
    for item in &block.types {
        types.push(match item {
            Item::Enum(item) if errors.contains(&&item.ident) => error_enum(item),
            other => plain_data(other).unwrap_or_else(|refused| {
                is_refused = true;
                refused
            }),
        });
    }
    // What follows from a mistake is not told beside it.
    let is_broken = is_refused || !archive.mistakes.is_empty();
    let checks = if is_broken { Vec::new() } else { type_checks(block, archive) };
    let handles = block.handles.iter().map(|handle| handle_type(handle, hash, archive));
    let functions = block.functions.iter().map(|function| {
        let text = Caller { block, hash, archive, function, is_broken }.function();
        match &function.this {
            Some(this) => ours!(impl #this { #text }),
            None => text,
        }
    });
    types.into_iter().chain(checks).chain(handles).chain(functions).chain(tests(archive)).collect()
}

/// Zig's tests as one of Rust's.
fn tests(archive: &Archive) -> Option<TokenStream> {
    let path = archive.tests.as_ref().filter(|_| archive.mistakes.is_empty())?;
    let place = Span::call_site();
    let name = Ident::new(&format!("zig_tests_of_line_{}", place.start().line), Span::mixed_site());
    Some(ours! {
        #[cfg(test)]
        #[::core::prelude::v1::test]
        fn #name() {
            ::zigflow::__private::run_zig_tests(#path);
        }
    })
}

fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

struct Caller<'a> {
    block: &'a Block,
    hash: &'a str,
    archive: &'a Archive,
    function: &'a Function,
    /// Something in the block is refused.
    is_broken: bool,
}

impl Caller<'_> {
    fn function(&self) -> TokenStream {
        let Function { attrs, vis, name, params, output, is_async, .. } = self.function;
        let declared = params.iter().map(|Param { name, ty, is_receiver, form }| match form {
            Form::Reference(_, true) if *is_receiver => quote!(&mut #name),
            _ if *is_receiver => quote!(&#name),
            _ => quote!(#name: #ty),
        });
        let is_operation = self.archive.futures.contains(&self.function.full_name());
        let checks = self.checks();
        let (asyncness, body) = if let Some(streaming) = self.function.returns.stream {
            // The same mark as that of an operation: it is begun, and the rest comes otherwise.
            let body = if is_operation { self.push(streaming) } else { self.stream(streaming) };
            (None, body)
        } else if self.is_broken {
            // Nobody runs it; what is told about it is told once.
            (is_async.then(|| ours!(async)), ours!(::core::unreachable!()))
        } else if !is_async {
            (None, self.call())
        } else if is_operation {
            (Some(ours!(async)), self.operation())
        } else {
            let call = self.call();
            let refused = self.refuse_lent();
            let called = self.unblock(&ours!(move || { #call }));
            (Some(ours!(async)), ours!(#refused #called.await))
        };
        // Why it is sound: Zig has compared its function with this signature, type by type, and exports what is
        // declared here under this name; what is lent is valid during the call, which is all that Zig may use it for.
        ours! {
            #(#attrs)*
            #[inline]
            #[allow(clippy::too_many_arguments, unused_variables)]
            #vis #asyncness fn #name(#(#declared),*) #output {
                #checks
                #body
            }
        }
    }

    /// The declaration of what Zig exports.
    fn declaration(
        &self,
        symbol: &str,
        params: &[TokenStream],
        result: &TokenStream,
    ) -> TokenStream {
        let library = &self.archive.library;
        ours! {
            #[link(name = #library, kind = "static")]
            #[allow(improper_ctypes)]
            unsafe extern "C" {
                #[link_name = #symbol]
                fn __zigflow_call(#(_: #params),*) -> #result;
            }
        }
    }

    /// The types and the values of all parameters on the border.
    fn crossing(&self) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let (mut types, mut values) = (Vec::new(), Vec::new());
        for param in &self.function.params {
            let (more_types, more_values) = crossing(param);
            types.extend(more_types);
            values.extend(more_values);
        }
        (types, values)
    }

    /// Text and what is owned as a slice, taken once: a type of the user's own that is called `Vec` could give another
    /// one each time.
    fn bound(&self) -> TokenStream {
        let bound = self.function.params.iter().map(|Param { name, form, .. }| match form {
            Form::Text => ours!(let #name: &::core::primitive::str = #name;),
            Form::OwnedText => {
                let owned = ours!(<::zigflow::__private::String>::as_str(&#name));
                ours!(let #name: &::core::primitive::str = #owned;)
            }
            Form::Owned(element) => {
                let ty = rust_type(element);
                let owned = ours!(<::zigflow::__private::Vec<#ty>>::as_slice(&#name));
                ours!(let #name: &[#ty] = #owned;)
            }
            _ => TokenStream::new(),
        });
        bound.collect()
    }

    /// The operation begins, and its result is awaited.
    fn operation(&self) -> TokenStream {
        let symbol = symbol_of_start(&self.archive.prefix, self.hash, &self.function.full_name());
        let (mut types, mut values) = self.crossing();
        types.push(ours!(*mut ::zigflow::abi::RawOperation));
        values.push(ours!(::zigflow::__private::completion_for_zig(__zigflow_completion)));
        let declaration = self.declaration(&symbol, &types, &ours!(()));
        let (value, result) = match &self.function.returns.value {
            None => (ours!(()), ours!(__zigflow_value)),
            Some(Element::Bytes(bytes)) => {
                let result = match bytes {
                    Bytes::Text => ours! {
                        match ::zigflow::__private::text(&__zigflow_value) {
                            ::core::result::Result::Ok(__zigflow_text) => __zigflow_text,
                            ::core::result::Result::Err(__zigflow_error) => {
                                return ::core::result::Result::Err(::core::convert::From::from(
                                    ::zigflow::FutureError::Zig(__zigflow_error),
                                ));
                            }
                        }
                    },
                    other => of_buffer(*other, &ours!(__zigflow_value)),
                };
                (ours!(::zigflow::ZeroCopyBuffer), result)
            }
            Some(Element::List(item)) => {
                let item = rust_type(item);
                let result = ours! {
                    match ::zigflow::__private::items::<#item>(__zigflow_value) {
                        ::core::result::Result::Ok(__zigflow_items) => __zigflow_items,
                        ::core::result::Result::Err(__zigflow_error) => {
                            return ::core::result::Result::Err(::core::convert::From::from(
                                ::zigflow::FutureError::Malformed(__zigflow_error),
                            ));
                        }
                    }
                };
                (ours!(::zigflow::ZeroCopyBuffer), result)
            }
            Some(element) => (rust_type(element), ours!(__zigflow_value)),
        };
        let error = self.converted();
        let bound = self.bound();
        ours! {
            #declaration
            #bound
            let (__zigflow_completion, __zigflow_future) = ::zigflow::completion::<#value>();
            unsafe { __zigflow_call(#(#values),*) };
            match __zigflow_future.await {
                ::core::result::Result::Ok(__zigflow_value) => ::core::result::Result::Ok(#result),
                ::core::result::Result::Err(__zigflow_error) => ::core::result::Result::Err(#error),
            }
        }
    }

    /// zigflow's error as the user's; if there is no such conversion, that is told at the type.
    fn converted(&self) -> TokenStream {
        let convert = ours!(::core::convert::From::from(__zigflow_error));
        located(self.function.extent[1], convert)
    }

    /// The source is opened.
    fn stream(&self, Streaming { is_send, in_result }: Streaming) -> TokenStream {
        let symbol = symbol_of_stream(&self.archive.prefix, self.hash, &self.function.full_name());
        let library = &self.archive.library;
        let item = match &self.function.returns.value {
            Some(Element::Bytes(Bytes::Vec)) => {
                ours!(::zigflow::__private::Vec<::core::primitive::u8>)
            }
            Some(Element::Bytes(_)) => ours!(::zigflow::ZeroCopyBuffer),
            Some(element) => rust_type(element),
            None => ours!(()),
        };
        let ty = match is_send {
            true => ours!(::zigflow::ZigStream<#item>),
            false => ours!(::zigflow::LocalZigStream<#item>),
        };
        let names = self.function.params.iter().map(|Param { name, form, .. }| match form {
            Form::OwnedText | Form::Owned(_) => ours!(&#name[..]),
            _ => name.to_token_stream(),
        });
        let open = ours! {
            #[link(name = #library, kind = "static")]
            unsafe extern "C" {
                #[link_name = #symbol]
                static __ZIGFLOW_SOURCE: ::zigflow::__private::SourceType;
            }
            let __zigflow_opened = unsafe {
                <#ty as ::zigflow::__private::OpenSource>::open_source(
                    &raw const __ZIGFLOW_SOURCE,
                    &[#(::zigflow::__private::Argument::to_raw(&#names)),*],
                )
            };
        };
        if in_result {
            ours!(#open __zigflow_opened)
        } else {
            ours!(#open ::zigflow::__private::MaybeOpen::from(__zigflow_opened))
        }
    }

    /// The function runs on a thread of the pool, and what it sends is the stream.
    fn push(&self, Streaming { in_result, .. }: Streaming) -> TokenStream {
        let symbol = symbol_of_start(&self.archive.prefix, self.hash, &self.function.full_name());
        let (mut types, mut values) = self.crossing();
        types.push(ours!(*mut ::zigflow::abi::RawEnd));
        values.push(ours!(::zigflow::__private::ForZig::into_raw(__zigflow_into)));
        let declaration = self.declaration(&symbol, &types, &ours!(*const ::core::ffi::c_char));
        let (refused, bound) = (self.refuse_lent(), self.bound());
        let item = match &self.function.returns.value {
            Some(Element::Bytes(_)) => ours!(::zigflow::ZeroCopyBuffer),
            Some(element) => rust_type(element),
            None => ours!(()),
        };
        let running = self.unblock(&ours! {
            move || {
                #bound
                unsafe { ::zigflow::__private::returned_error(__zigflow_call(#(#values),*)) }
            }
        });
        let stream = ours! {
            #refused
            #declaration
            let (__zigflow_sender, __zigflow_receiver) =
                ::zigflow::spsc::channel::<#item>(::zigflow::__private::PUSHED);
            let __zigflow_into = __zigflow_sender.into_zig();
            let __zigflow_running = #running;
            let __zigflow_stream =
                ::zigflow::__private::Pushed::new(__zigflow_receiver, __zigflow_running);
        };
        if in_result {
            ours!(#stream ::core::result::Result::Ok(__zigflow_stream))
        } else {
            ours!(#stream __zigflow_stream)
        }
    }

    /// The closure on a thread of the pool; that there is none is told at the function.
    fn unblock(&self, closure: &TokenStream) -> TokenStream {
        let what = "Zig's function takes no `zigflow.Completion`, so it runs on a thread of a pool: that comes with zigflow's feature `blocking`, or `tokio` for tokio's own";
        let missing = syn::Error::new(self.function.name.span(), what).into_compile_error();
        ours!(::zigflow::__unblock!({ #missing } #closure))
    }

    /// What a call that another thread makes cannot take.
    fn refuse_lent(&self) -> TokenStream {
        let lent = self.function.params.iter().filter(|param| {
            matches!(
                param.form,
                Form::Text
                    | Form::Slice(..)
                    | Form::Reference(..)
                    | Form::OptionalSlice(_)
                    | Form::OptionalText
            )
        });
        let refused = lent.map(|param| {
            let what = format!(
                "`{}` is lent, and Zig's function, which takes no `zigflow.Completion`, runs on a thread of its own: take a `String` or a `Vec`, or let Zig take a completion",
                param.name
            );
            syn::Error::new(param.name.span(), what).into_compile_error()
        });
        refused.collect()
    }

    /// The call, and what comes back.
    fn call(&self) -> TokenStream {
        let symbol = symbol_of_call(&self.archive.prefix, self.hash, &self.function.full_name());
        let returns = &self.function.returns;
        let (mut c_params, mut arguments) = self.crossing();
        let value = returns.value.as_ref().map(rust_type);
        let by_value = matches!(returns.value, Some(Element::Primitive(_)))
            && !returns.optional
            && matches!(returns.failure, Failure::Never);
        let mut prepared = TokenStream::new();
        if let Some(value) = value.as_ref().filter(|_| !by_value) {
            c_params.push(ours!(*mut #value));
            arguments.push(ours!(::core::mem::MaybeUninit::as_mut_ptr(&mut __zigflow_out)));
            prepared.extend(
                ours!(let mut __zigflow_out = ::core::mem::MaybeUninit::<#value>::uninit();),
            );
        }
        if returns.optional && !matches!(returns.failure, Failure::Never) {
            c_params.push(ours!(*mut ::core::primitive::bool));
            arguments.push(ours!(&raw mut __zigflow_some));
            prepared.extend(ours!(let mut __zigflow_some = false;));
        }
        let c_result = match &returns.failure {
            Failure::Any | Failure::Other => ours!(*const ::core::ffi::c_char),
            Failure::Named(_) => ours!(::core::primitive::u32),
            Failure::Never if returns.optional => ours!(::core::primitive::bool),
            Failure::Never if by_value => value.clone().unwrap_or_default(),
            Failure::Never => ours!(()),
        };
        let declaration = self.declaration(&symbol, &c_params, &c_result);
        let result = self.result(value.as_ref(), by_value);
        let bound = self.bound();
        ours! {
            #declaration
            #bound
            #prepared
            let __zigflow_code = unsafe { __zigflow_call(#(#arguments),*) };
            #result
        }
    }

    fn result(&self, value: Option<&TokenStream>, by_value: bool) -> TokenStream {
        let returns = &self.function.returns;
        let name = unraw(&self.function.name);
        let let_handle = match &returns.value {
            Some(Element::Handle(name)) => Some(name),
            _ => None,
        };
        let bytes = match &returns.value {
            Some(Element::Bytes(bytes)) => {
                let buffer =
                    ours!(unsafe { ::zigflow::__private::returned_bytes(&__zigflow_out, #name) });
                Some(of_buffer(*bytes, &buffer))
            }
            Some(Element::List(item)) => {
                let item = rust_type(item);
                Some(ours! {
                    unsafe { ::zigflow::__private::returned_items::<#item>(&__zigflow_out, #name) }
                })
            }
            _ => None,
        };
        let read = match value {
            Some(_) if let_handle.is_some() => {
                ours!(#let_handle(unsafe { ::zigflow::__private::Handle::returned(&__zigflow_out) }))
            }
            Some(_) => bytes.unwrap_or_else(
                || ours!(unsafe { ::zigflow::__private::returned(&__zigflow_out, #name) }),
            ),
            None => ours!(()),
        };
        let some = |found: TokenStream| {
            if returns.optional {
                ours!(if #found { ::core::option::Option::Some(#read) } else { ::core::option::Option::None })
            } else {
                read.clone()
            }
        };
        match &returns.failure {
            Failure::Never if by_value => ours!(__zigflow_code),
            Failure::Never if returns.optional => some(ours!(__zigflow_code)),
            Failure::Never if value.is_some() => read,
            Failure::Never => ours!(__zigflow_code),
            Failure::Any | Failure::Other => {
                let value = some(ours!(__zigflow_some));
                let error = match &returns.failure {
                    Failure::Other => self.converted(),
                    _ => ours!(__zigflow_error),
                };
                ours! {
                    match unsafe { ::zigflow::__private::returned_error(__zigflow_code) } {
                        ::core::option::Option::None => ::core::result::Result::Ok(#value),
                        ::core::option::Option::Some(__zigflow_error) => ::core::result::Result::Err(#error),
                    }
                }
            }
            Failure::Named(error) => {
                let value = some(ours!(__zigflow_some));
                let variants = self.variants(error);
                let codes = 1..=u32::try_from(variants.len()).unwrap_or(u32::MAX);
                ours! {
                    match __zigflow_code {
                        0 => ::core::result::Result::Ok(#value),
                        #(#codes => ::core::result::Result::Err(#error::#variants),)*
                        _ => ::core::unreachable!("Zig compared its errors with these"),
                    }
                }
            }
        }
    }

    fn variants(&self, name: &Ident) -> Vec<&Ident> {
        let found = self.block.types.iter().find_map(|item| match item {
            Item::Enum(item) if item.ident == *name => Some(item),
            _ => None,
        });
        found
            .map(|item| item.variants.iter().map(|variant| &variant.ident).collect())
            .unwrap_or_default()
    }

    /// That what Zig may write is a value of its type.
    fn checks(&self) -> TokenStream {
        let mut checks = TokenStream::new();
        if self.is_broken {
            return checks;
        }
        for param in &self.function.params {
            if let Form::Slice(element, true) | Form::Reference(element, true) = &param.form
                && !matches!(element, Element::Handle(_))
            {
                let ty = rust_type(element);
                let what = format!(
                    "`{}` cannot be lent to Zig for writing: not all bits are a value of its type, and nothing would look at what Zig wrote",
                    param.name
                );
                let any_bits = ours!(<#ty as ::zigflow::Transfer>::ANY_BITS);
                checks.extend(at(param.name.span(), ours!(::core::assert!(#any_bits, #what))));
            }
        }
        checks
    }
}

/// That the types are those of Zig, known when the crate is compiled. Each is compared once, whatever functions name it.
fn type_checks(block: &Block, archive: &Archive) -> Vec<TokenStream> {
    if archive.library.is_empty() {
        return Vec::new();
    }
    let mut types: Vec<&Ident> = Vec::new();
    for ty in block.functions.iter().flat_map(Function::named_types) {
        if !types.contains(&ty) {
            types.push(ty);
        }
    }
    types.into_iter().map(|ty| type_check(ty, block, archive)).collect()
}

fn type_check(ty: &Ident, block: &Block, archive: &Archive) -> TokenStream {
    let item = block.types.iter().find(|item| match item {
        Item::Struct(item) => item.ident == *ty,
        Item::Enum(item) => item.ident == *ty,
        _ => false,
    });
    let found = archive.layouts.get(&unraw(ty)).filter(|layout| layout.shape != 0);
    let Some(layout @ Layout { shape, size, alignment }) = found else {
        let unknown = format!(
            "the Zig type `{ty}` does not cross: it has to be an `extern struct`, or an enum with an integer as its tag, of parts that cross"
        );
        return syn::Error::new(differs::declared(ty, item), unknown).into_compile_error();
    };
    let parts = archive.parts.get(&unraw(ty)).map_or(&[][..], Vec::as_slice);
    let Difference { place, what } = differs::find(ty, item, layout, parts);
    // A shape that Rust does not know is not compared; the memory has to be the same in any case.
    let same = ours! {
        (<#ty as ::zigflow::Transfer>::SHAPE == 0 || <#ty as ::zigflow::Transfer>::SHAPE == #shape)
            && ::core::mem::size_of::<#ty>() == #size
            && ::core::mem::align_of::<#ty>() == #alignment
    };
    at(place, ours!(::core::assert!(#same, "{}", #what)))
}

/// A check whose error is at a place in the user's text.
fn at(place: Span, check: TokenStream) -> TokenStream {
    let check = located(place, check);
    let span = Span::mixed_site().located_at(place);
    quote_spanned!(span=> const _: () = #check;)
}

/// The same tokens, as if they stood there.
fn located(place: Span, tokens: TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(place);
    let there = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let mut there = Group::new(group.delimiter(), located(place, group.stream()));
            there.set_span(span);
            TokenTree::Group(there)
        }
        mut token => {
            token.set_span(span);
            token
        }
    };
    tokens.into_iter().map(there).collect()
}

/// The types and the values of a parameter on the border. Functions are named in full: a trait in scope could have a
/// method of the same name, and a type of the user's own could be called `Vec`.
fn crossing(param: &Param) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let name = &param.name;
    let usize = ours!(::core::primitive::usize);
    let slice = |ty: &TokenStream, mutable: bool| {
        let (pointer, lent) = match mutable {
            true => (ours!(*mut #ty), ours!(<[#ty]>::as_mut_ptr(&mut *#name))),
            false => (ours!(*const #ty), ours!(<[#ty]>::as_ptr(&*#name))),
        };
        (vec![pointer, usize.clone()], vec![lent, ours!(<[#ty]>::len(&*#name))])
    };
    match &param.form {
        Form::Value(element @ Element::Primitive(_)) => {
            (vec![rust_type(element)], vec![name.to_token_stream()])
        }
        Form::Value(element) => {
            let ty = rust_type(element);
            (vec![ours!(*const #ty)], vec![ours!(&raw const #name)])
        }
        Form::Text | Form::OwnedText => {
            let text = ours!(::core::primitive::str);
            (
                vec![ours!(*const ::core::primitive::u8), usize],
                vec![ours!(<#text>::as_ptr(#name)), ours!(<#text>::len(#name))],
            )
        }
        Form::Owned(element) => {
            let ty = rust_type(element);
            (
                vec![ours!(*const #ty), usize],
                vec![ours!(<[#ty]>::as_ptr(#name)), ours!(<[#ty]>::len(#name))],
            )
        }
        Form::Slice(element, mutable) => slice(&rust_type(element), *mutable),
        Form::Optional(element) => {
            let ty = rust_type(element);
            (vec![ours!(*const #ty)], vec![ours!(::zigflow::__private::optional::<#ty>(&#name))])
        }
        Form::OptionalSlice(element) => {
            let ty = rust_type(element);
            optional_slice(&ty, &name.to_token_stream())
        }
        Form::OptionalText => {
            let bytes = ours!(::zigflow::__private::optional_bytes(#name));
            optional_slice(&ours!(::core::primitive::u8), &bytes)
        }
        // From here on it is Zig's, which opens it or gives it back.
        Form::End => (vec![ours!(*mut ::zigflow::abi::RawEnd)], vec![handed_over(name)]),
        Form::Stream => (vec![ours!(*mut ::zigflow::abi::RawStream)], vec![handed_over(name)]),
        Form::Limiter => (vec![ours!(*mut ::zigflow::abi::RawLimiter)], vec![handed_over(name)]),
        Form::Pool => (vec![ours!(*mut ::zigflow::abi::RawPool)], vec![handed_over(name)]),
        Form::Buffer => (
            vec![ours!(*const ::zigflow::abi::OwnedItem)],
            vec![ours!(&::zigflow::__private::given_away(#name))],
        ),
        Form::Reference(Element::Handle(_), true) => (
            vec![ours!(*mut ::core::ffi::c_void)],
            vec![ours!(::zigflow::__private::Handle::as_mut_ptr(&mut #name.0))],
        ),
        Form::Reference(Element::Handle(_), false) => (
            vec![ours!(*const ::core::ffi::c_void)],
            vec![ours!(::zigflow::__private::Handle::as_ptr(&#name.0))],
        ),
        Form::Reference(element, mutable) => {
            let ty = rust_type(element);
            let pointer = if *mutable { ours!(*mut #ty) } else { ours!(*const #ty) };
            (vec![pointer], vec![name.to_token_stream()])
        }
    }
}

/// Null if there is none, and the length.
fn optional_slice(ty: &TokenStream, slice: &TokenStream) -> (Vec<TokenStream>, Vec<TokenStream>) {
    (
        vec![ours!(*const #ty), ours!(::core::primitive::usize)],
        vec![
            ours!(::zigflow::__private::optional_first::<#ty>(#slice)),
            ours!(::zigflow::__private::optional_len::<#ty>(#slice)),
        ],
    )
}

/// That it is zigflow's own is told at the parameter if it is not.
fn handed_over(name: &Ident) -> TokenStream {
    let into_raw = located(name.span(), ours!(::zigflow::__private::ForZig::into_raw));
    let mut argument = Group::new(Delimiter::Parenthesis, name.to_token_stream());
    argument.set_span(Span::mixed_site().located_at(name.span()));
    ours!(#into_raw #argument)
}

fn rust_type(element: &Element) -> TokenStream {
    match element {
        Element::Primitive(word) => {
            let word = Ident::new(word, Span::mixed_site());
            ours!(::core::primitive::#word)
        }
        Element::Named(name) => name.to_token_stream(),
        // A pointer until it is in Rust's hands.
        Element::Handle(_) => ours!(*mut ::core::ffi::c_void),
        Element::Bytes(_) | Element::List(_) => ours!(::zigflow::abi::OwnedItem),
    }
}

/// Of a buffer of Zig's what the user wants; no text is an error of the function.
fn of_buffer(bytes: Bytes, buffer: &TokenStream) -> TokenStream {
    match bytes {
        Bytes::Buffer => buffer.clone(),
        Bytes::Vec => ours!(<[::core::primitive::u8]>::to_vec(&#buffer)),
        Bytes::Text => ours!(::zigflow::__private::text(&#buffer)?),
    }
}

/// A type that owns a value of Zig's.
fn handle_type(handle: &Handle, hash: &str, archive: &Archive) -> TokenStream {
    let Handle { attrs, vis, name, is_send } = handle;
    let library = &archive.library;
    let symbol = symbol_of_call(&archive.prefix, hash, &format!("{}.drop", unraw(name)));
    let text = unraw(name);
    // Why it is sound: the pointer comes from a Zig function that makes a value for Rust, and Zig has checked that the
    // type says it may go to another thread.
    let send = is_send.then(|| ours!(unsafe impl ::core::marker::Send for #name {}));
    let end = if archive.mistakes.is_empty() && !library.is_empty() {
        ours! {
            #[link(name = #library, kind = "static")]
            unsafe extern "C" {
                #[link_name = #symbol]
                fn __zigflow_end(_: *mut ::core::ffi::c_void);
            }
            unsafe { __zigflow_end(__zigflow_this) }
        }
    } else {
        ours!(let _ = __zigflow_this;)
    };
    ours! {
        #(#attrs)*
        #vis struct #name(::zigflow::__private::Handle<#name>);

        #send

        unsafe impl ::zigflow::__private::ZigType for #name {
            unsafe fn end(__zigflow_this: *mut ::core::ffi::c_void) {
                #end
            }
        }

        impl ::core::fmt::Debug for #name {
            fn fmt(&self, __zigflow_f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __zigflow_f.debug_struct(#text).finish_non_exhaustive()
            }
        }
    }
}

/// An enum that lists the errors of a set, as an error of Rust.
fn error_enum(item: &syn::ItemEnum) -> TokenStream {
    let name = &item.ident;
    if let Some(variant) =
        item.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit))
    {
        let what = "an error of Zig is a name without data";
        return syn::Error::new(variant.ident.span(), what).into_compile_error();
    }
    let derives = missing_derives(&item.attrs, &["Clone", "Copy", "Debug", "PartialEq", "Eq"]);
    let derives = derives.iter().map(|name| match *name {
        "Clone" => ours!(::core::clone::Clone),
        "Copy" => ours!(::core::marker::Copy),
        "Debug" => ours!(::core::fmt::Debug),
        "PartialEq" => ours!(::core::cmp::PartialEq),
        _ => ours!(::core::cmp::Eq),
    });
    let variants: Vec<&Ident> = item.variants.iter().map(|variant| &variant.ident).collect();
    let names = variants.iter().map(|variant| unraw(variant));
    ours! {
        #[derive(#(#derives),*)]
        #item

        impl ::core::fmt::Display for #name {
            fn fmt(&self, __zigflow_f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __zigflow_f.write_str(match *self {
                    #(Self::#variants => #names,)*
                })
            }
        }

        impl ::core::error::Error for #name {}
    }
}

/// A struct or an enum, with what it needs to cross where that is not said. If it cannot, why, and the type without it.
fn plain_data(item: &Item) -> Result<TokenStream, TokenStream> {
    let (attrs, is_struct) = match item {
        Item::Struct(item) => (&item.attrs, true),
        Item::Enum(item) => (&item.attrs, false),
        other => return Ok(other.to_token_stream()),
    };
    let derives = missing_derives(attrs, &["Clone", "Copy", "Transfer"]);
    let derives_transfer = derives.contains(&"Transfer");
    let mut derives: Vec<TokenStream> = derives
        .iter()
        .map(|name| match *name {
            "Clone" => ours!(::core::clone::Clone),
            "Copy" => ours!(::core::marker::Copy),
            _ => ours!(::zigflow::Transfer),
        })
        .collect();
    let repr = (is_struct && !attrs.iter().any(|attr| attr.path().is_ident("repr")))
        .then(|| ours!(#[repr(C)]));
    // As the derive reads it: what it refuses is told before what follows from that.
    let refused = syn::parse2(ours!(#repr #item)).and_then(Crossing::read).err();
    let is_fine = refused.is_none();
    // A derive of the user's own says it itself.
    let told = refused.filter(|_| derives_transfer).map(|error| {
        derives.pop();
        error.into_compile_error()
    });
    let item = ours! {
        #told
        #[derive(#(#derives),*)]
        #repr
        #item
    };
    if is_fine { Ok(item) } else { Err(item) }
}

/// Those that no `#[derive(…)]` of the user has.
fn missing_derives<'a>(attrs: &[syn::Attribute], wanted: &[&'a str]) -> Vec<&'a str> {
    let mut missing = wanted.to_vec();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        let derived = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        for path in derived.into_iter().flatten() {
            missing.retain(|name| path.segments.last().is_none_or(|last| last.ident != name));
        }
    }
    missing
}
