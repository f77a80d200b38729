//! Reading many ProwJobs without holding them twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::go_struct::Key;
use crate::interner::Interner;
use crate::prow_job::ProwJob;

/// Reads a list of ProwJobs, either the bare sequence or a document with `items`, and hands over each one as it
/// is read, with what it has in common with earlier ones shared. Reading all of them first would leave memory
/// scattered with holes.
pub fn read_prow_jobs<'de, D: Deserializer<'de>>(
    deserializer: D,
    interner: &Interner,
    mut each: impl FnMut(ProwJob),
) -> Result<(), D::Error> {
    deserializer.deserialize_any(ListVisitor { interner, each: &mut each })
}

struct ListVisitor<'a> {
    interner: &'a Interner,
    each: &'a mut dyn FnMut(ProwJob),
}

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of ProwJobs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(mut job) = seq.next_element::<ProwJob>()? {
            self.interner.intern(&mut job);
            (self.each)(job);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let ListVisitor { interner, each } = self;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if key == "items" {
                map.next_value_seed(ListVisitor { interner, each: &mut *each })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ListVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}
