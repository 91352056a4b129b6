//! The Rust signature of a Zig function.

use super::zig_names::camel_case;
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, FnArg, ForeignItemFn, GenericArgument, Pat, PathArguments, Receiver,
    ReturnType, Type, TypeParamBound, TypePath, Visibility,
};

/// What is the same word in both languages.
pub const PRIMITIVES: [&str; 13] =
    ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64", "bool"];

/// A signature.
#[allow(missing_debug_implementations)]
pub struct Function {
    /// Docs and others, for the Rust function.
    pub attrs: Vec<Attribute>,
    /// Whose it is.
    pub vis: Visibility,
    /// An `async fn`.
    pub is_async: bool,
    /// The type whose `impl` block it stands in.
    pub this: Option<Ident>,
    /// Its name in Rust. In Zig it may be in camel case.
    pub name: Ident,
    /// Its parameters in their order.
    pub params: Vec<Param>,
    /// What it gives back.
    pub returns: Returns,
    /// The same as it was written.
    pub output: ReturnType,
    /// From `fn` to the end of the return type.
    pub extent: [Span; 2],
}

/// A parameter.
#[allow(missing_debug_implementations)]
pub struct Param {
    /// Its name in Rust.
    pub name: Ident,
    /// Its type as it was written, or what it is for `self`.
    pub ty: Type,
    /// It is `&self` or `&mut self`.
    pub is_receiver: bool,
    /// How it crosses.
    pub form: Form,
}

/// How a parameter crosses.
#[derive(Clone, Debug)]
pub enum Form {
    /// By its value.
    Value(Element),
    /// `&str`: `[]const u8` in Zig.
    Text,
    /// `&[T]` and, if it is true, `&mut [T]`: pointer and length.
    Slice(Element, bool),
    /// `&T` and, if it is true, `&mut T`: `*const T` and `*T` in Zig.
    Reference(Element, bool),
    /// `String`: `[]const u8` in Zig. Of an `async fn` or a stream only.
    OwnedText,
    /// `Vec<T>`: `[]const T` in Zig. Of an `async fn` or a stream only.
    Owned(Element),
    /// `Option<T>` of plain data: `?T` in Zig.
    Optional(Element),
    /// `Option<&[T]>`: `?[]const T` in Zig.
    OptionalSlice(Element),
    /// `Option<&str>`: `?[]const u8` in Zig.
    OptionalText,
    /// `ZigSender<T>` or `ZigReceiver<T>`, of either flavour.
    End,
    /// `StreamForZig<T>`.
    Stream,
    /// `ZigRateLimiter`.
    Limiter,
    /// `ZigPool`.
    Pool,
    /// `ZeroCopyBuffer` or `RustBuffer`: `zigflow.OwnedBytes` in Zig, which owns it then.
    Buffer,
}

/// A type without a pointer.
#[derive(Clone, Debug)]
pub enum Element {
    /// A number or a bool: the same word in both languages.
    Primitive(String),
    /// A struct or an enum.
    Named(Ident),
    /// A type of Zig's that Rust only has a handle of.
    Handle(Ident),
    /// Bytes that Zig allocated, as a result: `zigflow.OwnedBytes` in Zig.
    Bytes(Bytes),
    /// `Vec<T>` as a result, copied from what Zig allocated: `zigflow.OwnedSlice(T)` in Zig.
    List(Box<Element>),
}

/// What becomes of bytes that Zig allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// `ZeroCopyBuffer`: they stay where they are.
    Buffer,
    /// `Vec<u8>`: they are copied.
    Vec,
    /// `String`: they are copied, if they are text.
    Text,
}

/// What the types of a signature may mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// The enums of the block: each may stand for an error set.
    pub(super) enums: Vec<Ident>,
    /// The types that the block declares without saying what they hold.
    pub(super) handles: Vec<Ident>,
    /// Whose methods these are.
    pub(super) this: Option<Ident>,
    /// In an `async fn`.
    pub(super) is_async: bool,
    /// `String` and `Vec` are of use: the function may go on when the call has returned.
    pub(super) owns: bool,
}

/// What a function gives back.
#[derive(Clone, Debug)]
pub struct Returns {
    /// What it is if there is something.
    pub value: Option<Element>,
    /// In an `Option`.
    pub optional: bool,
    /// In a `Result`.
    pub failure: Failure,
    /// A stream of it.
    pub stream: Option<Streaming>,
}

/// A stream as a result.
#[derive(Clone, Copy, Debug)]
pub struct Streaming {
    /// It may go to another thread.
    pub is_send: bool,
    /// It stands in a `Result`, whose error tells why it did not open. Otherwise that is its first item.
    pub in_result: bool,
}

/// How a function can fail.
#[derive(Clone, Debug)]
pub enum Failure {
    /// It does not.
    Never,
    /// With any error: `ZigError`.
    Any,
    /// With one of those of an enum.
    Named(Ident),
    /// With an error of the user's that is made from zigflow's. Of an `async fn` only.
    Other,
}

/// A name as Zig has it.
pub(super) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

impl Function {
    pub(super) fn read(item: ForeignItemFn, scope: &Scope) -> Result<Self, Error> {
        let ForeignItemFn { attrs, vis, sig, .. } = item;
        if let Some(open) = sig.generics.lt_token {
            return Err(Error::new(
                open.span,
                "a Zig function that Rust calls has no generic parameters",
            ));
        }
        let words = [
            sig.constness.map(|word| word.span()),
            sig.unsafety.map(|word| word.span()),
            sig.abi.as_ref().map(|abi| abi.span()),
            sig.generics.where_clause.as_ref().map(|clause| clause.span()),
        ];
        if let Some(place) = words.into_iter().flatten().next() {
            let what = "a signature is `fn` or `async fn`: what Rust calls has to be safe, since Zig checks the types and the text is yours";
            return Err(Error::new(place, what));
        }
        if let Some(dots) = sig.variadic {
            return Err(Error::new(dots.span(), "how many arguments there are has to be known"));
        }
        let end = match &sig.output {
            ReturnType::Default => sig.paren_token.span.close(),
            ReturnType::Type(_, ty) => last_span(ty),
        };
        let is_async = sig.asyncness.is_some();
        let returns = Returns::read(&sig.output, &Scope { is_async, ..scope.clone() })?;
        let scope = Scope { is_async, owns: is_async || returns.stream.is_some(), ..scope.clone() };
        let extent = [sig.asyncness.map_or(sig.fn_token.span, |word| word.span), end];
        let params = sig.inputs.into_iter().map(|input| Param::read(input, &scope));
        let params = params.collect::<Result<Vec<_>, _>>()?;
        if returns.stream.is_some() {
            check_arguments_of_stream(&params)?;
        }
        Ok(Self {
            attrs,
            vis,
            is_async,
            this: scope.this,
            name: sig.ident,
            params,
            returns,
            output: sig.output,
            extent,
        })
    }

    /// Its name among all functions of the block.
    pub fn full_name(&self) -> String {
        match &self.this {
            Some(this) => format!("{}.{}", plain(this), plain(&self.name)),
            None => plain(&self.name),
        }
    }

    /// The names that the Zig function may have: that of the signature, the same in Zig's manner, and with the prefix
    /// that C names have.
    pub(super) fn zig_names(&self) -> [String; 3] {
        let name = plain(&self.name);
        let (camel_case, prefixed) = (camel_case(&name), format!("zig_{name}"));
        [name, camel_case, prefixed]
    }

    /// The structs and enums that cross, each once.
    pub fn named_types(&self) -> Vec<&Ident> {
        let of_params = self.params.iter().filter_map(|param| match &param.form {
            Form::Value(element)
            | Form::Slice(element, _)
            | Form::Reference(element, _)
            | Form::Optional(element)
            | Form::OptionalSlice(element)
            | Form::Owned(element) => Some(element),
            Form::Text
            | Form::OptionalText
            | Form::OwnedText
            | Form::End
            | Form::Stream
            | Form::Limiter
            | Form::Pool
            | Form::Buffer => None,
        });
        let mut names: Vec<&Ident> = Vec::new();
        for element in of_params.chain(&self.returns.value) {
            let element = match element {
                Element::List(item) => item,
                element => element,
            };
            if let Element::Named(name) = element
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }
}

/// What a source's `open` takes.
fn check_arguments_of_stream(params: &[Param]) -> Result<(), Error> {
    for param in params {
        let crosses = match &param.form {
            Form::Value(Element::Primitive(_)) | Form::Text | Form::OwnedText => true,
            Form::Slice(Element::Primitive(word), false)
            | Form::Owned(Element::Primitive(word)) => word == "u8",
            _ => false,
        };
        if !crosses {
            let what = "a stream is opened with numbers, bools, `&str` and `&[u8]`, or `String` and `Vec<u8>`";
            return Err(Error::new(param.ty.span(), what));
        }
    }
    Ok(())
}

fn last_span(ty: &Type) -> Span {
    let tokens = quote::ToTokens::to_token_stream(ty);
    tokens.into_iter().last().map_or(ty.span(), |token| token.span())
}

impl Param {
    fn read(argument: FnArg, scope: &Scope) -> Result<Self, Error> {
        let argument = match argument {
            FnArg::Receiver(receiver) => return Self::read_receiver(receiver, scope),
            FnArg::Typed(argument) => argument,
        };
        let name = match *argument.pat {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
                pattern.ident
            }
            other => return Err(Error::new(other.span(), "a parameter needs a name")),
        };
        let form = Form::read(&argument.ty, scope)?;
        Ok(Self { name, ty: *argument.ty, is_receiver: false, form })
    }

    fn read_receiver(receiver: Receiver, scope: &Scope) -> Result<Self, Error> {
        let place = receiver.self_token.span;
        if scope.this.is_none() {
            let what = "a function in Zig has no `self`: name its type, `fn name(point: &Point)`, or declare `type Name;` and `impl Name { … }`";
            return Err(Error::new(place, what));
        }
        let ty = *receiver.ty;
        if !matches!(ty, Type::Reference(_)) {
            let what = "the value stays with Rust, which ends it when it is dropped: take `&self` or `&mut self`";
            return Err(Error::new(place, what));
        }
        let form = Form::read(&ty, scope)?;
        Ok(Self { name: Ident::new("self", place), ty, is_receiver: true, form })
    }
}

impl Form {
    fn read(ty: &Type, scope: &Scope) -> Result<Self, Error> {
        let Type::Reference(reference) = ty else { return Self::read_owned(ty, scope) };
        if let Some(lifetime) = &reference.lifetime {
            return Err(Error::new(
                lifetime.span(),
                "what is lent is lent for the call: without a lifetime",
            ));
        }
        let mutable = reference.mutability.is_some();
        if let (true, Some(word)) = (scope.is_async, &reference.mutability) {
            let what = "an `async fn` returns before Zig is through: what is lent to it is lent for the call alone, and for reading";
            return Err(Error::new(word.span, what));
        }
        match &*reference.elem {
            Type::Slice(slice) => {
                Ok(Self::Slice(Element::read_plain(&slice.elem, scope)?, mutable))
            }
            Type::Path(path) if path.path.is_ident("str") => match &reference.mutability {
                Some(word) => {
                    Err(Error::new(word.span, "Zig could write what is no text: take `&mut [u8]`"))
                }
                None => Ok(Self::Text),
            },
            inner => match Element::read(inner, scope)? {
                Element::Handle(_) if scope.is_async => {
                    let what = "an `async fn` returns before Zig is through: it cannot be lent what Zig would still use";
                    Err(Error::new(ty.span(), what))
                }
                element => Ok(Self::Reference(element, mutable)),
            },
        }
    }
}

impl Form {
    /// What stands in an `Option`.
    fn read_optional(ty: &Type, scope: &Scope) -> Result<Self, Error> {
        let what = "an optional parameter is an `Option<T>` of plain data, an `Option<&[T]>` or an `Option<&str>`";
        match ty {
            Type::Reference(reference) if reference.mutability.is_none() => {
                match Self::read(ty, scope)? {
                    Self::Slice(element, _) => Ok(Self::OptionalSlice(element)),
                    Self::Text => Ok(Self::OptionalText),
                    _ => Err(Error::new(ty.span(), what)),
                }
            }
            Type::Path(path) if path.path.get_ident().is_some_and(|name| name != "String") => {
                Ok(Self::Optional(Element::read_plain(ty, scope)?))
            }
            _ => Err(Error::new(ty.span(), what)),
        }
    }

    fn read_owned(ty: &Type, scope: &Scope) -> Result<Self, Error> {
        if let Some([inside]) = arguments_of(ty, "Option").as_deref() {
            return Self::read_optional(inside, scope);
        }
        let last = match ty {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        match last.as_deref() {
            Some("ZigSender" | "ZigReceiver") => return Ok(Self::End),
            Some("StreamForZig") => return Ok(Self::Stream),
            Some("ZigRateLimiter") => return Ok(Self::Limiter),
            Some("ZigPool") => return Ok(Self::Pool),
            Some("ZeroCopyBuffer" | "RustBuffer") => return Ok(Self::Buffer),
            _ => {}
        }
        let vec = arguments_of(ty, "Vec");
        let is_text = matches!(ty, Type::Path(path) if path.path.is_ident("String"));
        if !scope.owns && (is_text || vec.is_some()) {
            let what = "the call only reads it: take `&str`, `&[T]`, or `&mut [T]`";
            return Err(Error::new(ty.span(), what));
        }
        match vec.as_deref() {
            _ if is_text => Ok(Self::OwnedText),
            Some([element]) => Ok(Self::Owned(Element::read_plain(element, scope)?)),
            _ => Ok(Self::Value(Element::read_plain(ty, scope)?)),
        }
    }
}

impl Element {
    /// One of plain data.
    fn read_plain(ty: &Type, scope: &Scope) -> Result<Self, Error> {
        match Self::read(ty, scope)? {
            Self::Handle(name) => {
                let what = format!(
                    "the value stays with Rust, which ends it when it is dropped: take `&{name}` or `&mut {name}`"
                );
                Err(Error::new(ty.span(), what))
            }
            element => Ok(element),
        }
    }

    /// One that Zig may return.
    fn read_result(ty: &Type, scope: &Scope) -> Result<Self, Error> {
        let Type::Path(path) = ty else { return Self::read(ty, scope) };
        let last = path.path.segments.last();
        if let Some([item]) = arguments_of(ty, "Vec").as_deref() {
            Ok(match Self::read_plain(item, scope)? {
                Self::Primitive(word) if word == "u8" => Self::Bytes(Bytes::Vec),
                item => Self::List(Box::new(item)),
            })
        } else if path.path.is_ident("String") {
            Ok(Self::Bytes(Bytes::Text))
        } else if last.is_some_and(|last| last.ident == "ZeroCopyBuffer") {
            Ok(Self::Bytes(Bytes::Buffer))
        } else {
            Self::read(ty, scope)
        }
    }

    fn read(ty: &Type, scope: &Scope) -> Result<Self, Error> {
        let what = "this does not cross: what does are integers of 8 to 64 bits, `usize`, `isize`, `f32`, `f64`, `bool`, structs and enums with `#[derive(Transfer)]`, `&T`, `&mut T`, `&[T]` and `&mut [T]` of these, `&str`, an `Option` of plain data, of `&[T]` or of `&str`, and as a result also `Vec<T>`, `String`, `Option` and `Result`";
        let refused = || Error::new(ty.span(), what);
        let Type::Path(TypePath { qself: None, path }) = ty else { return Err(refused()) };
        let name = match path.get_ident() {
            Some(name) => name,
            None => return Err(refused()),
        };
        let word = name.to_string();
        if let Some(this) = scope.this.as_ref().filter(|_| word == "Self") {
            return Ok(Self::Handle(this.clone()));
        }
        if scope.handles.contains(name) {
            return Ok(Self::Handle(name.clone()));
        }
        if matches!(word.as_str(), "ZeroCopyBuffer" | "RustBuffer") {
            let what = "a buffer is handed over as it is, as a parameter or a result: to lend its bytes, take `&[u8]`";
            return Err(Error::new(ty.span(), what));
        }
        if PRIMITIVES.contains(&word.as_str()) {
            Ok(Self::Primitive(word))
        } else if ["char", "String", "str", "u128", "i128"].contains(&word.as_str()) {
            Err(refused())
        } else {
            Ok(Self::Named(name.clone()))
        }
    }
}

impl Returns {
    /// `impl Stream<Item = Result<T, StreamError>>`, perhaps with `+ Send`, perhaps in a `Result`.
    fn read_stream(ty: &Type, scope: &Scope) -> Result<Option<Self>, Error> {
        let (bounds, in_result) = match (ty, arguments_of(ty, "Result").as_deref()) {
            (Type::ImplTrait(found), _) => (&found.bounds, false),
            (_, Some([Type::ImplTrait(found), _])) => (&found.bounds, true),
            _ => return Ok(None),
        };
        let what = "a stream from Zig is an `impl Stream<Item = Result<T, StreamError>>`, and `+ Send` if it may go to another thread";
        let refused = || Error::new(ty.span(), what);
        if scope.is_async {
            return Err(Error::new(ty.span(), "a stream is there at once: without `async`"));
        }
        let paths = bounds.iter().filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => bound.path.segments.last(),
            _ => None,
        });
        let is_send = paths.clone().any(|last| last.ident == "Send");
        let stream = paths.clone().find(|last| last.ident == "Stream").ok_or_else(refused)?;
        let PathArguments::AngleBracketed(arguments) = &stream.arguments else {
            return Err(refused());
        };
        let item = arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(assigned) if assigned.ident == "Item" => Some(&assigned.ty),
            _ => None,
        });
        let Some(item) = item.and_then(|item| arguments_of(item, "Result")) else {
            return Err(refused());
        };
        let [value, _] = item[..] else { return Err(refused()) };
        let value = match Element::read_result(value, scope)? {
            Element::Handle(_) | Element::Bytes(Bytes::Text) | Element::List(_) => {
                let what = "no item of a stream: those are numbers, structs and enums, `Vec<u8>` and `ZeroCopyBuffer`";
                return Err(Error::new(value.span(), what));
            }
            element => element,
        };
        Ok(Some(Self {
            value: Some(value),
            optional: false,
            failure: Failure::Never,
            stream: Some(Streaming { is_send, in_result }),
        }))
    }

    fn read(output: &ReturnType, scope: &Scope) -> Result<Self, Error> {
        let mut returns =
            Self { value: None, optional: false, failure: Failure::Never, stream: None };
        let ReturnType::Type(_, ty) = output else { return Ok(returns) };
        let mut ty = &**ty;
        if let Some(of_stream) = Self::read_stream(ty, scope)? {
            return Ok(of_stream);
        }
        if let Some(arguments) = arguments_of(ty, "Result") {
            match arguments[..] {
                [value, error] => {
                    returns.failure = failure(error, scope)?;
                    ty = value;
                }
                // An alias, as there is in many crates.
                [value] if scope.is_async => {
                    returns.failure = Failure::Other;
                    ty = value;
                }
                _ => {
                    let what = "a `Result` needs both types: `Result<u32, ZigError>`";
                    return Err(Error::new(ty.span(), what));
                }
            }
        }
        if let Some(arguments) = arguments_of(ty, "Option") {
            let [value] = arguments[..] else {
                return Err(Error::new(ty.span(), "an `Option` needs one type"));
            };
            returns.optional = true;
            ty = value;
        }
        match ty {
            Type::Tuple(tuple) if tuple.elems.is_empty() && !returns.optional => {}
            Type::Reference(_) => {
                let what = "nothing tells how long a reference from Zig is valid: let Zig fill a `&mut [u8]`";
                return Err(Error::new(ty.span(), what));
            }
            _ => returns.value = Some(Element::read_result(ty, scope)?),
        }
        if let (Some(Element::Bytes(Bytes::Text)), Failure::Never | Failure::Named(_)) =
            (&returns.value, &returns.failure)
        {
            let what = "Zig may give bytes that are no text: return a `Result<String, ZigError>`, or `Vec<u8>`";
            return Err(Error::new(ty.span(), what));
        }
        Ok(returns)
    }
}

fn failure(ty: &Type, scope: &Scope) -> Result<Failure, Error> {
    let Type::Path(path) = ty else {
        return Err(Error::new(
            ty.span(),
            "an error is a `ZigError`, or an enum that stands in this block",
        ));
    };
    if path.path.segments.last().is_some_and(|segment| segment.ident == "ZigError") {
        return Ok(Failure::Any);
    }
    match path.path.get_ident() {
        Some(name) if scope.enums.contains(name) => Ok(Failure::Named(name.clone())),
        _ if scope.is_async => Ok(Failure::Other),
        _ => {
            let what = "an error is a `ZigError`, or an enum that stands in this block and lists the error set: `enum ParseError { Empty, TooLong }`. Another one, such as `FutureError`, is that of a function which gives its result later, by a completion: write `async fn`";
            Err(Error::new(ty.span(), what))
        }
    }
}

/// The types in `Name<…>`, also behind a path.
fn arguments_of<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Some(Vec::new());
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Function, String> {
        let item = syn::parse_str(text).unwrap();
        let [e, h] = ["E", "H"].map(|name| Ident::new(name, Span::call_site()));
        let scope = Scope { enums: vec![e], handles: vec![h], ..Scope::default() };
        Function::read(item, &scope).map_err(|error| error.to_string())
    }

    #[test]
    fn what_crosses() {
        let function = read(
            "pub(crate) fn f(a: u32, s: &str, b: &[u8], c: &mut [f64], p: &P, q: &mut P, v: P) -> Result<Option<P>, E>;",
        );
        let function = function.unwrap();
        assert_eq!(function.params.len(), 7);
        assert_eq!(function.named_types().len(), 1);
        assert!(function.returns.optional && matches!(function.returns.failure, Failure::Named(_)));
        let plain = read("fn f();").unwrap();
        assert!(plain.returns.value.is_none() && matches!(plain.returns.failure, Failure::Never));
        let fails = read("fn f() -> Result<(), zigflow::ZigError>;").unwrap();
        assert!(fails.returns.value.is_none() && matches!(fails.returns.failure, Failure::Any));
        let optional =
            read("fn f(a: Option<u32>, b: Option<P>, c: Option<&[Q]>, d: Option<&str>);");
        assert_eq!(optional.unwrap().named_types(), ["P", "Q"]);
        let later = read("async fn f(a: Vec<P>, b: String, c: &str) -> io::Result<u8>;").unwrap();
        assert!(later.is_async && matches!(later.returns.failure, Failure::Other));
        assert_eq!(later.named_types().len(), 1);
    }

    #[test]
    fn what_does_not_cross_and_why() {
        for (text, why) in [
            ("fn f(a: *const u8);", "does not cross"),
            ("fn f(a: char);", "does not cross"),
            ("fn f(a: String);", "take `&str`"),
            ("fn f(a: Option<char>);", "does not cross"),
            ("fn f(a: Option<Option<u8>>);", "an optional parameter is"),
            ("fn f(a: Option<String>);", "an optional parameter is"),
            ("fn f(a: Option<&u8>);", "an optional parameter is"),
            ("fn f(a: Option<&mut [u8]>);", "an optional parameter is"),
            ("fn f(a: Option<&'static str>);", "without a lifetime"),
            ("fn f(a: Option<H>);", "take `&H`"),
            ("fn f(a: &[Option<u8>]);", "does not cross"),
            ("fn f(a: &ZeroCopyBuffer);", "take `&[u8]`"),
            ("fn f(a: Option<ZeroCopyBuffer>);", "is handed over as it is"),
            ("fn f(a: ZeroCopyBuffer) -> impl Stream<Item = Result<u8, E>>;", "is opened with"),
            ("fn f() -> Vec<ZeroCopyBuffer>;", "is handed over as it is"),
            ("fn f(a: Option<u8>) -> impl Stream<Item = Result<u8, E>>;", "is opened with"),
            ("fn f(a: &&u8);", "does not cross"),
            ("fn f(a: [u8; 4]);", "does not cross"),
            ("fn f(a: impl Copy);", "does not cross"),
            ("fn f(a: other::P);", "does not cross"),
            ("fn f(a: &'static [u8]);", "without a lifetime"),
            ("fn f(a: &mut str);", "take `&mut [u8]`"),
            ("fn f() -> &[u8];", "how long"),
            ("fn f() -> Option<&u8>;", "how long"),
            ("fn f() -> Result<u8>;", "both types"),
            ("fn f() -> Result<u8, Other>;", "stands in this block"),
            ("fn f() -> Result<u8, zigflow::FutureError>;", "write `async fn`"),
            ("fn f() -> Result<u8, Box<dyn Error>>;", "write `async fn`"),
            ("fn f() -> Option<()>;", "does not cross"),
            ("unsafe fn f();", "has to be safe"),
            ("async unsafe fn f();", "has to be safe"),
            ("fn f<T>(a: T);", "generic"),
            ("fn f(self);", "no `self`"),
            ("fn f((a, b): P);", "needs a name"),
            ("fn f(a: u8, ...);", "how many"),
            ("fn f() -> impl Stream<Item = u8>;", "is an `impl Stream<Item = Result"),
            ("fn f() -> impl Iterator<Item = u8>;", "is an `impl Stream<Item = Result"),
            ("fn f(a: &mut [u8]) -> impl Stream<Item = Result<u8, E>>;", "is opened with"),
            ("fn f() -> impl Stream<Item = Result<String, E>>;", "no item"),
            ("async fn f() -> impl Stream<Item = Result<u8, E>>;", "without `async`"),
            ("fn f() -> String;", "no text"),
            ("fn f() -> Vec<String>;", "does not cross"),
            ("fn f() -> Vec<H>;", "take `&H`"),
            ("fn f() -> Vec<Vec<u8>>;", "does not cross"),
            ("fn f() -> impl Stream<Item = Result<Vec<u16>, E>>;", "no item"),
            ("fn f(a: H);", "take `&H`"),
            ("fn f(a: &[H]);", "take `&H`"),
            ("async fn f(a: &H);", "would still use"),
            ("fn f(a: Vec<u8>);", "take `&str`"),
            ("async fn f(a: &mut [u8]);", "for reading"),
            ("async fn f(a: Vec<String>);", "does not cross"),
        ] {
            match read(text) {
                Ok(_) => panic!("it crosses: {text}"),
                Err(message) => assert!(message.contains(why), "{text}: {message}"),
            }
        }
    }
}
