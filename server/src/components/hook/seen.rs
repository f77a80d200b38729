//! Events handled lately, whoever delivered them.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use store::DeliveryId;

/// How many events are remembered: about an hour of a busy organisation.
const REMEMBERED: usize = 10_000;

/// An organisation's webhook and a repository's deliver the same event twice, under different
/// ids. The journal cannot tell, but their bodies are the same to the byte. This spares the
/// second round of comments; that no run is made twice is guaranteed by the runs' names.
#[derive(Default)]
pub struct Seen {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_key: HashMap<String, DeliveryId>,
    order: VecDeque<String>,
}

impl Seen {
    /// Remembers that a delivery with this key was handled.
    pub fn remember(&self, key: &str, id: DeliveryId) {
        let mut inner = self.inner.lock();
        if inner.by_key.insert(key.to_owned(), id).is_none() {
            inner.order.push_back(key.to_owned());
        }
        if inner.order.len() > REMEMBERED
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.by_key.remove(&oldest);
        }
    }

    /// The other delivery by which this event was handled.
    #[must_use]
    pub fn other(&self, key: &str, id: DeliveryId) -> Option<DeliveryId> {
        self.inner.lock().by_key.get(key).copied().filter(|other| *other != id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_by_the_other_delivery_only_and_not_for_ever() {
        let seen = Seen::default();
        seen.remember("k", DeliveryId(1));
        assert_eq!(seen.other("k", DeliveryId(2)), Some(DeliveryId(1)));
        assert_eq!(seen.other("k", DeliveryId(1)), None, "itself, handed out again");
        for n in 0..REMEMBERED {
            seen.remember(&n.to_string(), DeliveryId(9));
        }
        assert_eq!(seen.other("k", DeliveryId(2)), None);
    }
}
