//! What `#[message(...)]` and `#[field(...)]` say.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, Field, GenericArgument, Ident, LitInt, LitStr, PathArguments, PathSegment,
    Token, Type,
};

/// A closed range of versions; `max` is `i16::MAX` for "and all later ones".
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) min: i16,
    pub(crate) max: i16,
}

impl Versions {
    pub(crate) const ALL: Versions = Versions {
        min: 0,
        max: i16::MAX,
    };

    /// Reads `"3+"`, `"0-12"` or `"8"`.
    fn parse(text: &LitStr) -> syn::Result<Versions> {
        let value = text.value();
        let number = |part: &str| {
            part.parse::<i16>().map_err(|_| {
                syn::Error::new(
                    text.span(),
                    "versions are written as \"3+\", \"0-12\" or \"8\"",
                )
            })
        };
        let versions = if let Some(min) = value.strip_suffix('+') {
            Versions {
                min: number(min)?,
                max: i16::MAX,
            }
        } else if let Some((min, max)) = value.split_once('-') {
            Versions {
                min: number(min)?,
                max: number(max)?,
            }
        } else {
            Versions {
                min: number(&value)?,
                max: number(&value)?,
            }
        };
        if versions.min < 0 || versions.min > versions.max {
            return Err(syn::Error::new(
                text.span(),
                "the range of versions is empty",
            ));
        }
        Ok(versions)
    }

    pub(crate) fn covers(self, other: Versions) -> bool {
        self.min <= other.min && self.max >= other.max
    }
}

/// `#[message(versions = "0-13", flexible = "9+")]`.
pub(crate) struct MessageAttributes {
    pub(crate) versions: Versions,
    pub(crate) flexible: Option<Versions>,
}

impl MessageAttributes {
    /// The attributes of a message, or `None` for a struct inside one.
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Option<MessageAttributes>> {
        let Some(attribute) = attributes.iter().find(|a| a.path().is_ident("message")) else {
            return Ok(None);
        };
        let mut versions = None;
        let mut flexible = None;
        attribute.parse_nested_meta(|meta| {
            let text: LitStr = meta.value()?.parse()?;
            if meta.path.is_ident("versions") {
                versions = Some(Versions::parse(&text)?);
            } else if meta.path.is_ident("flexible") {
                flexible = Some(Versions::parse(&text)?);
            } else {
                return Err(meta.error("expected `versions` or `flexible`"));
            }
            Ok(())
        })?;
        let versions = versions
            .ok_or_else(|| syn::Error::new_spanned(attribute, "a message needs `versions`"))?;
        Ok(Some(MessageAttributes { versions, flexible }))
    }
}

/// The value of a field that is absent.
pub(crate) enum FieldDefault {
    /// Rust's default of its type: zero, empty, null.
    OfType,
    /// Of a nullable field: empty instead of null.
    Empty,
    /// As written.
    Expression(Expr),
}

/// One field with its attributes, defaults filled in.
pub(crate) struct MessageField {
    pub(crate) name: Ident,
    pub(crate) type_: Type,
    pub(crate) versions: Versions,
    /// Where null is allowed; `None` if the type is not an `Option`.
    pub(crate) nullable: Option<Versions>,
    pub(crate) tag: Option<(u32, Versions)>,
    pub(crate) default: FieldDefault,
    pub(crate) ignorable: bool,
}

impl MessageField {
    pub(crate) fn of(field: &Field) -> syn::Result<MessageField> {
        let name = field
            .ident
            .clone()
            .ok_or_else(|| syn::Error::new_spanned(field, "a message has named fields"))?;
        let mut arguments = Vec::new();
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("field")) {
            let parsed = attribute
                .parse_args_with(Punctuated::<FieldArgument, Token![,]>::parse_terminated)?;
            arguments.extend(parsed);
        }
        let is_option = is_option(&field.ty);
        let mut result = MessageField {
            name,
            type_: field.ty.clone(),
            versions: Versions::ALL,
            nullable: None,
            tag: None,
            default: FieldDefault::OfType,
            ignorable: false,
        };
        let mut tag = None;
        let mut tagged = None;
        for argument in arguments {
            match argument {
                FieldArgument::Versions(versions) => result.versions = versions,
                FieldArgument::Nullable(versions) => result.nullable = Some(versions),
                FieldArgument::Tag(number) => tag = Some(number),
                FieldArgument::Tagged(versions) => tagged = Some(versions),
                FieldArgument::Default(default) => result.default = default,
                FieldArgument::Ignorable => result.ignorable = true,
            }
        }
        if result.nullable.is_some() && !is_option {
            return Err(syn::Error::new_spanned(
                &field.ty,
                "a nullable field is an `Option`",
            ));
        }
        if is_option && result.nullable.is_none() {
            result.nullable = Some(result.versions);
        }
        result.tag = tag.map(|number| (number, tagged.unwrap_or(result.versions)));
        Ok(result)
    }
}

enum FieldArgument {
    Versions(Versions),
    Nullable(Versions),
    Tag(u32),
    Tagged(Versions),
    Default(FieldDefault),
    Ignorable,
}

impl Parse for FieldArgument {
    fn parse(input: ParseStream<'_>) -> syn::Result<FieldArgument> {
        if input.peek(LitStr) {
            return Ok(FieldArgument::Versions(Versions::parse(&input.parse()?)?));
        }
        let name: Ident = input.parse()?;
        if name == "ignorable" {
            return Ok(FieldArgument::Ignorable);
        }
        input.parse::<Token![=]>()?;
        match name.to_string().as_str() {
            "nullable" => Ok(FieldArgument::Nullable(Versions::parse(&input.parse()?)?)),
            "tagged" => Ok(FieldArgument::Tagged(Versions::parse(&input.parse()?)?)),
            "tag" => Ok(FieldArgument::Tag(input.parse::<LitInt>()?.base10_parse()?)),
            "default" => Ok(FieldArgument::Default(default_of(input.parse()?))),
            _ => Err(syn::Error::new(
                name.span(),
                "expected versions, `nullable`, `tag`, `tagged`, `default` or `ignorable`",
            )),
        }
    }
}

fn default_of(expression: Expr) -> FieldDefault {
    match &expression {
        Expr::Path(path) if path.path.is_ident("empty") => FieldDefault::Empty,
        _ => FieldDefault::Expression(expression),
    }
}

/// Whether null is a value of the type. `Option<TopicId>` is not meant: a uuid on the wire is
/// never null, and all zeros stand for none.
fn is_option(type_: &Type) -> bool {
    let Some(option) = last_segment(type_).filter(|segment| segment.ident == "Option") else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &option.arguments else {
        return false;
    };
    let is_topic_id = |argument: &GenericArgument| match argument {
        GenericArgument::Type(inner) => {
            last_segment(inner).is_some_and(|segment| segment.ident == "TopicId")
        }
        _ => false,
    };
    !arguments.args.iter().any(is_topic_id)
}

fn last_segment(type_: &Type) -> Option<&PathSegment> {
    match type_ {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}
