//! Writes the implementations.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, Fields, Lit};

use crate::attributes::{FieldDefault, MessageAttributes, MessageField, Versions};

pub(crate) fn message(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(input, "only a struct is a message"));
    };
    let fields = match &data.fields {
        Fields::Named(named) => named.named.iter().map(MessageField::of).collect(),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(_) => Err(syn::Error::new_spanned(input, "a message has named fields")),
    }?;
    let attributes = MessageAttributes::of(&input.attrs)?;
    let struct_ = Struct { input, fields };
    let wire = struct_.wire();
    let default = struct_.default();
    let message = attributes.map(|attributes| struct_.message(&attributes));
    Ok(quote! { #default #wire #message })
}

struct Struct<'a> {
    input: &'a DeriveInput,
    fields: Vec<MessageField>,
}

impl Struct<'_> {
    fn name_text(&self) -> String {
        self.input.ident.to_string()
    }

    fn default(&self) -> TokenStream {
        let name = &self.input.ident;
        let values = self.fields.iter().map(|field| {
            let (field_name, value) = (&field.name, default_value(field));
            quote! { #field_name: #value }
        });
        quote! {
            #[automatically_derived]
            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self { #(#values),* }
                }
            }
        }
    }

    fn message(&self, attributes: &MessageAttributes) -> TokenStream {
        let name = &self.input.ident;
        let text = self.name_text();
        let versions = range(attributes.versions);
        let flexible = optional_range(attributes.flexible);
        quote! {
            #[automatically_derived]
            impl ::fleuve_protocol::Message for #name {
                const NAME: &'static str = #text;
                const VERSIONS: ::fleuve_protocol::VersionRange = #versions;
                const FLEXIBLE: ::core::option::Option<::fleuve_protocol::VersionRange> =
                    #flexible;
            }
        }
    }

    fn wire(&self) -> TokenStream {
        let name = &self.input.ident;
        let schema = self.schema();
        let encode = self.fields.iter().map(|field| self.encode_field(field));
        let encode_tags = self.encode_tags();
        let decode = self.fields.iter().map(decode_field);
        let decode_tags = self.decode_tags();
        quote! {
            #[automatically_derived]
            impl ::fleuve_protocol::wire::Wire for #name {
                #schema

                #[allow(unused_variables)]
                fn encode(
                    &self,
                    version: i16,
                    out: &mut ::fleuve_protocol::wire::Encoder,
                ) -> ::core::result::Result<(), ::fleuve_protocol::EncodeError> {
                    #(#encode)*
                    #encode_tags
                    ::core::result::Result::Ok(())
                }

                #[allow(unused_variables, unused_mut)]
                fn decode(
                    version: i16,
                    input: &mut ::fleuve_protocol::wire::Decoder,
                ) -> ::core::result::Result<Self, ::fleuve_protocol::DecodeError> {
                    let mut message = <Self as ::core::default::Default>::default();
                    #(#decode)*
                    #decode_tags
                    ::core::result::Result::Ok(message)
                }
            }

            #[automatically_derived]
            impl ::fleuve_protocol::wire::WireStruct for #name {}
        }
    }

    fn schema(&self) -> TokenStream {
        let name = self.name_text();
        let fields = self.fields.iter().map(|field| {
            let name = field.name.to_string();
            let type_ = &field.type_;
            let versions = range(field.versions);
            let nullable = optional_range(field.nullable);
            let tag = match field.tag {
                None => quote! { ::core::option::Option::None },
                Some((number, versions)) => {
                    let versions = range(versions);
                    quote! { ::core::option::Option::Some((#number, #versions)) }
                }
            };
            quote! {
                ::fleuve_protocol::schema::Field {
                    name: #name,
                    versions: #versions,
                    nullable: #nullable,
                    tag: #tag,
                    kind: <#type_ as ::fleuve_protocol::wire::Wire>::KIND,
                }
            }
        });
        quote! {
            const KIND: ::fleuve_protocol::schema::Kind = {
                const FIELDS: &[::fleuve_protocol::schema::Field] = &[#(#fields),*];
                const SCHEMA: &::fleuve_protocol::schema::Struct =
                    &::fleuve_protocol::schema::Struct { name: #name, fields: FIELDS };
                ::fleuve_protocol::schema::Kind::Struct(SCHEMA)
            };
        }
    }

    /// The field in its place among the untagged ones, and the error for a value that the
    /// version cannot carry.
    fn encode_field(&self, field: &MessageField) -> TokenStream {
        let write = encode_value(field);
        let lost = (!field.ignorable).then(|| {
            let is_set = is_set(field);
            let (message, name) = (self.name_text(), field.name.to_string());
            quote! {
                if #is_set {
                    return ::core::result::Result::Err(
                        ::fleuve_protocol::EncodeError::field_lost(#message, #name, version),
                    );
                }
            }
        });
        let plain = match field.tag {
            None => write,
            Some((_, tagged)) if tagged.covers(field.versions) => quote! {},
            Some((_, tagged)) => {
                let tagged = contains(tagged);
                quote! { if !(#tagged) { #write } }
            }
        };
        if field.versions == Versions::ALL {
            return plain;
        }
        let present = contains(field.versions);
        match lost {
            None if plain.is_empty() => quote! {},
            None => quote! { if #present { #plain } },
            Some(lost) => quote! { if #present { #plain } else { #lost } },
        }
    }

    fn encode_tags(&self) -> TokenStream {
        let mut tagged: Vec<_> = self
            .fields
            .iter()
            .filter_map(|f| f.tag.map(|(tag, v)| (tag, v, f)))
            .collect();
        tagged.sort_by_key(|(tag, ..)| *tag);
        let conditions = tagged.iter().map(|(_, versions, field)| {
            let (present, is_set) = (contains(*versions), is_set(field));
            quote! { (#present) && (#is_set) }
        });
        let conditions: Vec<_> = conditions.collect();
        let writes = tagged
            .iter()
            .zip(&conditions)
            .map(|((tag, _, field), condition)| {
                let write = encode_value(field);
                quote! {
                    if #condition {
                        out.put_tagged(#tag, |out| { #write ::core::result::Result::Ok(()) })?;
                    }
                }
            });
        quote! {
            if out.is_flexible() {
                let tags: u32 = 0 #(+ ((#conditions) as u32))*;
                out.put_unsigned_varint(tags);
                #(#writes)*
            }
        }
    }

    fn decode_tags(&self) -> TokenStream {
        let arms = self.fields.iter().filter_map(|field| {
            let (tag, versions) = field.tag?;
            let present = contains(versions);
            let (name, value) = (&field.name, decode_value(field));
            Some(quote! {
                #tag if #present => { message.#name = #value; }
            })
        });
        quote! {
            if input.is_flexible() {
                input.tagged_fields(|tag, input| {
                    match tag {
                        #(#arms)*
                        _ => {}
                    }
                    ::core::result::Result::Ok(())
                })?;
            }
        }
    }
}

/// Writes the value, null or not; the version is known to have the field.
fn encode_value(field: &MessageField) -> TokenStream {
    let name = &field.name;
    match nullable_check(field) {
        None => quote! { ::fleuve_protocol::wire::Wire::encode(&self.#name, version, out)?; },
        Some(nullable) => {
            let text = name.to_string();
            quote! {
                if #nullable {
                    ::fleuve_protocol::wire::Wire::encode(&self.#name, version, out)?;
                } else {
                    match &self.#name {
                        ::core::option::Option::Some(value) => {
                            ::fleuve_protocol::wire::Wire::encode(value, version, out)?;
                        }
                        ::core::option::Option::None => {
                            return ::core::result::Result::Err(
                                ::fleuve_protocol::EncodeError::null(#text, version),
                            );
                        }
                    }
                }
            }
        }
    }
}

fn decode_value(field: &MessageField) -> TokenStream {
    match nullable_check(field) {
        None => quote! { ::fleuve_protocol::wire::Wire::decode(version, input)? },
        Some(nullable) => quote! {
            if #nullable {
                ::fleuve_protocol::wire::Wire::decode(version, input)?
            } else {
                ::core::option::Option::Some(
                    ::fleuve_protocol::wire::Wire::decode(version, input)?
                )
            }
        },
    }
}

/// The condition under which null is allowed, or `None` if it needs no check.
fn nullable_check(field: &MessageField) -> Option<TokenStream> {
    let nullable = field.nullable?;
    (!nullable.covers(field.versions)).then(|| contains(nullable))
}

fn decode_field(field: &MessageField) -> TokenStream {
    let (name, value) = (&field.name, decode_value(field));
    let present = contains(field.versions);
    match field.tag {
        None if field.versions == Versions::ALL => quote! { message.#name = #value; },
        None => quote! { if #present { message.#name = #value; } },
        Some((_, tagged)) if tagged.covers(field.versions) => quote! {},
        Some((_, tagged)) => {
            let tagged = contains(tagged);
            quote! { if (#present) && !(#tagged) { message.#name = #value; } }
        }
    }
}

fn default_value(field: &MessageField) -> TokenStream {
    match &field.default {
        FieldDefault::OfType => quote! { ::core::default::Default::default() },
        FieldDefault::Empty => {
            quote! { ::core::option::Option::Some(::core::default::Default::default()) }
        }
        FieldDefault::Expression(expression) => match expression {
            Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
                quote! { ::fleuve_protocol::Str::from_static(#expression) }
            }
            _ => quote! { #expression },
        },
    }
}

/// Whether the value differs from the one that an absent field has.
fn is_set(field: &MessageField) -> TokenStream {
    let (name, type_, default) = (&field.name, &field.type_, default_value(field));
    quote! { { let default: #type_ = #default; self.#name != default } }
}

fn contains(versions: Versions) -> TokenStream {
    let Versions { min, max } = versions;
    match (min, max) {
        (0, i16::MAX) => quote! { true },
        (_, i16::MAX) => quote! { version >= #min },
        (0, _) => quote! { version <= #max },
        _ if min == max => quote! { version == #min },
        _ => quote! { (#min..=#max).contains(&version) },
    }
}

fn range(versions: Versions) -> TokenStream {
    let Versions { min, max } = versions;
    quote! { ::fleuve_protocol::VersionRange::new(#min, #max) }
}

fn optional_range(versions: Option<Versions>) -> TokenStream {
    match versions {
        None => quote! { ::core::option::Option::None },
        Some(versions) => {
            let range = range(versions);
            quote! { ::core::option::Option::Some(#range) }
        }
    }
}
