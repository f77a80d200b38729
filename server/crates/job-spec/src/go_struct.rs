//! One macro that writes a struct the way Go's `encoding/json` reads and writes it.
//!
//! Prow's resources and configuration are Go structs. Their JSON has rules that serde's derive does
//! not have by itself: a missing key and an explicit `null` both mean the zero value, zero values of
//! `omitempty` fields are not written, and embedded structs lie flat in their parent. `#[serde(flatten)]`
//! could express the last one, but it buffers every value that it passes on (whole pod specs, for a
//! job file), so the macro hands each key to the embedded structs in turn instead.
//!
//! ```text
//! go_struct! {
//!     /// Doc comment.
//!     pub struct Name {
//!         /// Doc comment.
//!         pub field: Type => "jsonKey",            // omitted when empty
//!         /// Doc comment.
//!         pub other_field: Type => "key" always,   // written even when empty
//!         /// Doc comment.
//!         pub list: Option<Vec<T>> => "list" slice, // nil and empty differ when read, neither is written
//!         /// Doc comment.
//!         pub third: Type => "third" [via Reader], // read as `Reader`, which `Type` is made from
//!     }
//!     embed { pub base: Embedded }                 // keys lie flat beside the others
//!     then { pub last: Type => "last" }            // fields that Go declares after the embedded ones
//!     skip { pub compiled: Option<Regex> }         // not part of the document
//!     keep other                                   // unknown keys are kept in `other`
//! }
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use go_compat::{duration::GoDuration, time::Timestamp};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use crate::shape::{Member, Shape};

/// A struct whose JSON keys can be read and written one by one; written by `go_struct!`.
pub trait GoFields: Default {
    /// The name used in error messages.
    const NAME: &'static str;

    /// Reads the value of `key` if the struct (or one that it embeds) has that key.
    /// Answers false, with the value still unread, if it has not.
    fn set_field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error>;

    /// Takes the value of a key that no field has: dropped, unless the struct keeps unknown keys.
    fn set_unknown<'de, A: MapAccess<'de>>(
        &mut self,
        _key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(drop)
    }

    /// Writes every field as Go would, in declaration order.
    fn write_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    /// Appends every key with the shape of its value.
    fn collect_keys(keys: &mut Vec<Member>);
}

/// Reads a struct from a map, key by key.
pub fn read<'de, T: GoFields, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(FieldsVisitor(PhantomData))
}

struct FieldsVisitor<T>(PhantomData<T>);

impl<'de, T: GoFields> Visitor<'de> for FieldsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a mapping ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut value = T::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if !value.set_field(&key, &mut map)? {
                value.set_unknown(&key, &mut map)?;
            }
        }
        Ok(value)
    }

    // An empty document or value stands for the zero struct, as in Go.
    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_none<E: de::Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// A map key, borrowed from the input where the format allows it.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(v.to_owned())))
            }
            fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(v)))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Whether Go's `omitempty` leaves a value out.
pub trait GoEmpty {
    /// True for the values that `omitempty` leaves out.
    fn is_go_empty(&self) -> bool;
}

macro_rules! go_empty {
    ($($ty:ty => |$v:ident| $empty:expr;)*) => {
        $(impl GoEmpty for $ty {
            fn is_go_empty(&self) -> bool { let $v = self; $empty }
        })*
    };
}

go_empty! {
    String => |v| v.is_empty();
    bool => |v| !v;
    i64 => |v| *v == 0;
    i32 => |v| *v == 0;
    Map<String, Value> => |v| v.is_empty();
}

impl<T> GoEmpty for Option<T> {
    fn is_go_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T> GoEmpty for Vec<T> {
    fn is_go_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> GoEmpty for BTreeMap<K, V> {
    fn is_go_empty(&self) -> bool {
        self.is_empty()
    }
}

/// The shape of a value, for finding keys that nothing reads.
pub trait HasShape {
    /// The shape of values of this type.
    fn shape() -> Shape;
}

macro_rules! scalar_shape {
    ($($ty:ty),*) => { $(impl HasShape for $ty { fn shape() -> Shape { Shape::Scalar } })* };
}
scalar_shape!(String, bool, i64, i32, GoDuration, Timestamp);

impl HasShape for Value {
    fn shape() -> Shape {
        Shape::Any
    }
}

impl HasShape for Map<String, Value> {
    fn shape() -> Shape {
        Shape::Any
    }
}

impl<T: HasShape> HasShape for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: HasShape> HasShape for Arc<T> {
    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: HasShape> HasShape for Box<T> {
    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: HasShape> HasShape for Vec<T> {
    fn shape() -> Shape {
        Shape::List(T::shape)
    }
}

impl<V: HasShape> HasShape for BTreeMap<String, V> {
    fn shape() -> Shape {
        Shape::Map(V::shape)
    }
}

/// Writes a struct as this module describes. Files that use it from another crate import it by
/// `use job_spec::go_struct;`.
#[macro_export]
macro_rules! go_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$fmeta:meta])*
                pub $field:ident : $ty:ty => $key:literal $($flag:ident)? $([via $via:ty])?
            ),* $(,)?
        }
        $(embed { $( $(#[$emeta:meta])* pub $efield:ident : $ety:ty ),* $(,)? })?
        $(then { $(
            $(#[$tmeta:meta])*
            pub $tfield:ident : $tty:ty => $tkey:literal $($tflag:ident)?
        ),* $(,)? })?
        $(skip { $( $(#[$smeta:meta])* pub $sfield:ident : $sty:ty ),* $(,)? })?
        $(keep $other:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: $ty, )*
            $($( $(#[$emeta])* pub $efield: $ety, )*)?
            $($( $(#[$tmeta])* pub $tfield: $tty, )*)?
            $($( $(#[$smeta])* pub $sfield: $sty, )*)?
            $(
                /// Keys that this version does not know, kept so that they survive a round trip.
                pub $other: serde_json::Map<String, serde_json::Value>,
            )?
        }

        impl $name {
            /// The JSON keys of this struct's own fields, without those of embedded structs.
            pub const KEYS: &'static [&'static str] = &[$($key,)* $($($tkey),*)?];
        }

        impl $crate::go_struct::GoFields for $name {
            const NAME: &'static str = stringify!($name);

            #[allow(clippy::needless_return, unused_variables)]
            fn set_field<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $( $key => {
                        self.$field = go_struct!(@read map, $ty $(, $via)?);
                        return Ok(true);
                    } )*
                    $($( $tkey => {
                        self.$tfield = go_struct!(@read map, $tty);
                        return Ok(true);
                    } )*)?
                    _ => {}
                }
                $($(
                    if self.$efield.set_field(key, map)? {
                        return Ok(true);
                    }
                )*)?
                Ok(false)
            }

            $(
                fn set_unknown<'de, A: serde::de::MapAccess<'de>>(
                    &mut self,
                    key: &str,
                    map: &mut A,
                ) -> Result<(), A::Error> {
                    self.$other.insert(key.to_owned(), map.next_value()?);
                    Ok(())
                }
            )?

            fn write_fields<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( go_struct!(@write self, map, $field, $key $(, $flag)?); )*
                $($( self.$efield.write_fields(map)?; )*)?
                $($( go_struct!(@write self, map, $tfield, $tkey $(, $tflag)?); )*)?
                $(
                    for (key, value) in &self.$other {
                        map.serialize_entry(key, value)?;
                    }
                )?
                Ok(())
            }

            fn collect_keys(keys: &mut Vec<$crate::shape::Member>) {
                $( keys.push(($key, <$ty as $crate::go_struct::HasShape>::shape)); )*
                $($( <$ety as $crate::go_struct::GoFields>::collect_keys(keys); )*)?
                $($( keys.push(($tkey, <$tty as $crate::go_struct::HasShape>::shape)); )*)?
            }
        }

        impl $crate::go_struct::HasShape for $name {
            fn shape() -> $crate::shape::Shape {
                let mut keys = Vec::new();
                <$name as $crate::go_struct::GoFields>::collect_keys(&mut keys);
                $crate::shape::Shape::Struct { name: stringify!($name), keys }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::go_struct::read(deserializer)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                use $crate::go_struct::GoFields as _;
                let mut map = serializer.serialize_map(None)?;
                self.write_fields(&mut map)?;
                map.end()
            }
        }
    };
    (@read $map:ident, $ty:ty) => {
        $map.next_value::<Option<$ty>>()?.unwrap_or_default()
    };
    (@read $map:ident, $ty:ty, $via:ty) => {
        $map.next_value::<Option<$via>>()?.map(<$ty>::from).unwrap_or_default()
    };
    (@write $self:ident, $map:ident, $field:ident, $key:literal) => {
        if !$crate::go_struct::GoEmpty::is_go_empty(&$self.$field) {
            $map.serialize_entry($key, &$self.$field)?;
        }
    };
    (@write $self:ident, $map:ident, $field:ident, $key:literal, always) => {
        $map.serialize_entry($key, &$self.$field)?;
    };
    (@write $self:ident, $map:ident, $field:ident, $key:literal, slice) => {
        if let Some(list) = $self.$field.as_ref().filter(|list| !list.is_empty()) {
            $map.serialize_entry($key, list)?;
        }
    };
}

pub(crate) use go_struct;
