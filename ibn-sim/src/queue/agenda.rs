//! What is to happen, in the order of time.

/// A queue of events: the earliest comes out first, and of those of one instant the one that was put in first.
///
/// A heap in which each node has four children: a level holds four times as many as the one above, and the four lie side by
/// side in memory. Times are whole numbers of any one unit.
///
/// ```
/// use ibn_sim::queue::Agenda;
/// let mut agenda = Agenda::new();
/// agenda.push(20, "late");
/// agenda.push(10, "first");
/// agenda.push(10, "second");
/// assert_eq!(agenda.pop(), Some((10, "first")));
/// assert_eq!(agenda.pop(), Some((10, "second")));
/// assert_eq!(agenda.next_at(), Some(20));
/// ```
#[derive(Debug, Clone)]
pub struct Agenda<T> {
    heap: Vec<Entry<T>>,
    pushed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry<T> {
    /// The time, and below it the order of entry, so that one comparison does for both.
    key: u128,
    event: T,
}

const CHILDREN: usize = 4;

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            heap: Vec::new(),
            pushed: 0,
        }
    }
}

impl<T: Copy> Agenda<T> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Events in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is to happen.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The time of the next event.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.heap.first().map(|entry| (entry.key >> 64) as u64)
    }

    /// The next event and its time, left in.
    #[must_use]
    pub fn peek(&self) -> Option<(u64, T)> {
        self.heap
            .first()
            .map(|entry| ((entry.key >> 64) as u64, entry.event))
    }

    /// Puts an event in.
    pub fn push(&mut self, at: u64, event: T) {
        let entry = self.entry(at, event);
        self.heap.push(entry);
        self.rise(entry);
    }

    /// Takes the next event out.
    pub fn pop(&mut self) -> Option<(u64, T)> {
        let last = self.heap.pop()?;
        let first = match self.heap.first_mut() {
            Some(root) => std::mem::replace(root, last),
            None => return Some(((last.key >> 64) as u64, last.event)),
        };
        self.sink(last);
        Some(((first.key >> 64) as u64, first.event))
    }

    /// Takes the next event out and puts another one in, in one go.
    pub fn replace(&mut self, at: u64, event: T) -> Option<(u64, T)> {
        let entry = self.entry(at, event);
        let Some(root) = self.heap.first_mut() else {
            self.heap.push(entry);
            return None;
        };
        let first = std::mem::replace(root, entry);
        self.sink(entry);
        Some(((first.key >> 64) as u64, first.event))
    }

    fn entry(&mut self, at: u64, event: T) -> Entry<T> {
        let key = (u128::from(at) << 64) | u128::from(self.pushed);
        self.pushed += 1;
        Entry { key, event }
    }

    /// Moves the last place's entry up to where it belongs.
    fn rise(&mut self, entry: Entry<T>) {
        let heap = self.heap.as_mut_slice();
        let mut place = heap.len().saturating_sub(1);
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            match heap.get(parent).copied() {
                Some(above) if above.key > entry.key => put(heap, place, above),
                _ => break,
            }
            place = parent;
        }
        put(heap, place, entry);
    }

    /// Moves the root's entry down to where it belongs.
    fn sink(&mut self, entry: Entry<T>) {
        let heap = self.heap.as_mut_slice();
        let mut place = 0;
        loop {
            let first = place * CHILDREN + 1;
            let end = heap.len().min(first + CHILDREN);
            let Some(children) = heap.get(first..end) else {
                break;
            };
            let Some((offset, least)) = children
                .iter()
                .enumerate()
                .min_by_key(|(_, child)| child.key)
                .map(|(offset, child)| (offset, *child))
            else {
                break;
            };
            if least.key >= entry.key {
                break;
            }
            put(heap, place, least);
            place = first + offset;
        }
        put(heap, place, entry);
    }
}

#[inline]
fn put<T: Copy>(heap: &mut [Entry<T>], place: usize, entry: Entry<T>) {
    if let Some(slot) = heap.get_mut(place) {
        *slot = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is put in and taken out in between, the order is that of a stable sort.
        #[test]
        fn the_order_is_that_of_a_stable_sort(steps in prop::collection::vec((0u64..50, 0u8..3), 0..300)) {
            let mut agenda = Agenda::new();
            let mut held: Vec<(u64, usize)> = Vec::new();
            let earliest = |held: &mut Vec<(u64, usize)>| {
                let place = (0..held.len()).min_by_key(|place| held[*place]);
                place.map(|place| held.remove(place))
            };
            for (number, (at, what)) in steps.into_iter().enumerate() {
                match what {
                    0 => prop_assert_eq!(agenda.pop(), earliest(&mut held)),
                    1 => {
                        prop_assert_eq!(agenda.replace(at, number), earliest(&mut held));
                        held.push((at, number));
                    }
                    _ => {
                        agenda.push(at, number);
                        held.push((at, number));
                    }
                }
                prop_assert_eq!(agenda.len(), held.len());
            }
            while let Some(next) = earliest(&mut held) {
                prop_assert_eq!(agenda.next_at(), Some(next.0));
                prop_assert_eq!(agenda.pop(), Some(next));
            }
            prop_assert!(agenda.is_empty());
        }
    }
}
