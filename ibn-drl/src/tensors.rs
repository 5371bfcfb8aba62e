//! Named arrays as bytes, in the safetensors format.

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// The key of the format's metadata under which a head stands.
const HEAD: &str = "ibn";

/// Named arrays, each with its shape, and a text about them. Written in the order of the names, so equal content is equal bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tensors {
    arrays: BTreeMap<String, (Vec<usize>, Numbers)>,
    /// What they are; JSON.
    pub(crate) head: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Numbers {
    Single(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<u8>),
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    fn kind(&self) -> Dtype {
        match self {
            Self::Single(_) => Dtype::F32,
            Self::Double(_) => Dtype::F64,
            Self::Bytes(_) => Dtype::U8,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Single(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            Self::Double(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            Self::Bytes(values) => values.clone(),
        }
    }

    fn from_bytes(kind: Dtype, bytes: &[u8]) -> Option<Self> {
        Some(match kind {
            Dtype::F32 => Self::Single(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|it| f32::from_le_bytes(*it))
                    .collect(),
            ),
            Dtype::F64 => Self::Double(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|it| f64::from_le_bytes(*it))
                    .collect(),
            ),
            Dtype::U8 => Self::Bytes(bytes.to_vec()),
            _ => return None,
        })
    }
}

impl Tensors {
    /// Adds an array in row-major order; as many numbers as the shape says.
    pub(crate) fn insert(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = f64>,
    ) {
        let values = Numbers::Double(values.into_iter().collect());
        self.arrays
            .insert(name.to_owned(), (shape.to_vec(), values));
    }

    /// Adds numbers of single precision.
    pub(crate) fn insert_single(&mut self, name: &str, values: &[f32]) {
        let numbers = Numbers::Single(values.to_vec());
        self.arrays
            .insert(name.to_owned(), (vec![values.len()], numbers));
    }

    /// Adds bytes.
    pub(crate) fn insert_bytes(&mut self, name: &str, values: &[u8]) {
        let numbers = Numbers::Bytes(values.to_vec());
        self.arrays
            .insert(name.to_owned(), (vec![values.len()], numbers));
    }

    fn find(&self, name: &str) -> Result<&(Vec<usize>, Numbers), String> {
        self.arrays
            .get(name)
            .ok_or_else(|| format!("it has no array `{name}`"))
    }

    /// The numbers of an array that has this shape.
    ///
    /// # Errors
    /// A sentence that names what is there and what was expected.
    pub(crate) fn get(&self, name: &str, shape: &[usize]) -> Result<&[f64], String> {
        match self.find(name)? {
            (found, _) if found != shape => Err(odd_shape(name, found, shape)),
            (_, Numbers::Double(values)) if values.iter().all(|value| value.is_finite()) => {
                Ok(values)
            }
            (_, Numbers::Double(_)) => Err(not_finite(name)),
            (_, other) => Err(odd_kind(name, other.kind(), Dtype::F64)),
        }
    }

    /// So many numbers of single precision.
    ///
    /// # Errors
    /// A sentence that names what is there and what was expected.
    pub(crate) fn single(&self, name: &str, n: usize) -> Result<&[f32], String> {
        match self.find(name)? {
            (found, _) if found != &[n] => Err(odd_shape(name, found, &[n])),
            (_, Numbers::Single(values)) if values.iter().all(|value| value.is_finite()) => {
                Ok(values)
            }
            (_, Numbers::Single(_)) => Err(not_finite(name)),
            (_, other) => Err(odd_kind(name, other.kind(), Dtype::F32)),
        }
    }

    /// Bytes, however many.
    ///
    /// # Errors
    /// A sentence that names what is missing or found instead.
    pub(crate) fn bytes(&self, name: &str) -> Result<&[u8], String> {
        match self.find(name)? {
            (_, Numbers::Bytes(values)) => Ok(values),
            (_, other) => Err(odd_kind(name, other.kind(), Dtype::U8)),
        }
    }

    /// Numbers of an array of any length in one dimension.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub(crate) fn list(&self, name: &str) -> Result<&[f64], String> {
        let length = self.arrays.get(name).map_or(0, |(_, values)| values.len());
        self.get(name, &[length])
    }

    /// The bytes; empty where an array has not as many numbers as its shape says.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let raw: Vec<(&str, &[usize], Dtype, Vec<u8>)> = self
            .arrays
            .iter()
            .map(|(name, (shape, values))| {
                let bytes = values.to_bytes();
                (name.as_str(), shape.as_slice(), values.kind(), bytes)
            })
            .collect();
        let views: Result<Vec<_>, _> = raw
            .iter()
            .map(|(name, shape, kind, bytes)| {
                Ok((*name, TensorView::new(*kind, shape.to_vec(), bytes)?))
            })
            .collect();
        let head = self.head.clone();
        let metadata = head.map(|head| HashMap::from([(HEAD.to_owned(), head)]));
        views
            .and_then(|views| safetensors::serialize(views, metadata))
            .unwrap_or_default()
    }

    /// Reads what [`Tensors::to_bytes`] wrote.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let odd = |error| format!("it is no safetensors file: {error}");
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(odd)?;
        let file = SafeTensors::deserialize(bytes).map_err(odd)?;
        let mut tensors = Self {
            head: metadata
                .metadata()
                .as_ref()
                .and_then(|all| all.get(HEAD).cloned()),
            ..Self::default()
        };
        for (name, view) in file.tensors() {
            let numbers = Numbers::from_bytes(view.dtype(), view.data())
                .ok_or_else(|| format!("array `{name}` is of {:?}", view.dtype()))?;
            tensors
                .arrays
                .insert(name, (view.shape().to_vec(), numbers));
        }
        Ok(tensors)
    }
}

fn odd_shape(name: &str, found: &[usize], expected: &[usize]) -> String {
    format!("array `{name}` has shape {found:?}, {expected:?} is expected")
}

fn odd_kind(name: &str, found: Dtype, expected: Dtype) -> String {
    format!("array `{name}` is of {found:?}, {expected:?} is expected")
}

fn not_finite(name: &str) -> String {
    format!("array `{name}` has numbers that are not finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_to_the_bit_and_names_what_is_wrong() {
        let mut tensors = Tensors::default();
        tensors.insert("b", &[2, 2], [0.1, -0.0, f64::MIN_POSITIVE, 1e300]);
        tensors.insert("a", &[1], [1.0 / 3.0]);
        tensors.insert_single("c", &[0.1, f32::NAN]);
        tensors.insert_bytes("d", b"\x00\xff");
        tensors.head = Some("{}".to_owned());
        let bytes = tensors.to_bytes();
        let back = Tensors::from_bytes(&bytes).unwrap();
        assert_eq!(back.to_bytes(), bytes);
        assert_eq!(back.head, tensors.head);
        assert_eq!(back.bytes("d").unwrap(), b"\x00\xff");
        assert_eq!(
            back.get("a", &[2]).unwrap_err(),
            "array `a` has shape [1], [2] is expected"
        );
        assert_eq!(back.get("e", &[2]).unwrap_err(), "it has no array `e`");
        assert_eq!(
            back.get("c", &[2]).unwrap_err(),
            "array `c` is of F32, F64 is expected"
        );
        assert_eq!(
            back.single("c", 2).unwrap_err(),
            "array `c` has numbers that are not finite"
        );
        assert_eq!(
            back.bytes("a").unwrap_err(),
            "array `a` is of F64, U8 is expected"
        );
        assert!(Tensors::from_bytes(&bytes[..20]).is_err());
        assert!(Tensors::from_bytes(b"").is_err());
    }
}
