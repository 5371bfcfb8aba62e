//! Named arrays as bytes, in the safetensors format.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Named arrays of `f64`, each with its shape. Written in the order of the names, so equal content is equal bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tensors(BTreeMap<String, (Vec<usize>, Vec<f64>)>);

impl Tensors {
    /// Adds an array in row-major order; as many numbers as the shape says.
    pub(crate) fn insert(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = f64>,
    ) {
        self.0.insert(
            name.to_owned(),
            (shape.to_vec(), values.into_iter().collect()),
        );
    }

    /// The numbers of an array that has this shape.
    ///
    /// # Errors
    /// A sentence that names what is there and what was expected.
    pub(crate) fn get(&self, name: &str, shape: &[usize]) -> Result<&[f64], String> {
        let (found, values) = self
            .0
            .get(name)
            .ok_or_else(|| format!("it has no array `{name}`"))?;
        if found != shape {
            return Err(format!(
                "array `{name}` has shape {found:?}, {shape:?} is expected"
            ));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(format!("array `{name}` has numbers that are not finite"));
        }
        Ok(values)
    }

    /// Numbers of an array of any length in one dimension.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub(crate) fn list(&self, name: &str) -> Result<&[f64], String> {
        let length = self.0.get(name).map_or(0, |(_, values)| values.len());
        self.get(name, &[length])
    }

    /// The bytes; empty where an array has not as many numbers as its shape says.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let raw: Vec<(&str, &[usize], Vec<u8>)> = self
            .0
            .iter()
            .map(|(name, (shape, values))| {
                let bytes = values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                (name.as_str(), shape.as_slice(), bytes)
            })
            .collect();
        let views: Result<Vec<_>, _> = raw
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((*name, TensorView::new(Dtype::F64, shape.to_vec(), bytes)?))
            })
            .collect();
        views
            .and_then(|views| safetensors::serialize(views, None))
            .unwrap_or_default()
    }

    /// Reads what [`Tensors::to_bytes`] wrote.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let mut tensors = Self::default();
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F64 {
                return Err(format!(
                    "array `{name}` is of {:?}, F64 is expected",
                    view.dtype()
                ));
            }
            let values = view.data().chunks_exact(8).map(|chunk| {
                let mut number = [0; 8];
                number.copy_from_slice(chunk);
                f64::from_le_bytes(number)
            });
            tensors.insert(&name, view.shape(), values);
        }
        Ok(tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_to_the_bit_and_names_what_is_wrong() {
        let mut tensors = Tensors::default();
        tensors.insert("b", &[2, 2], [0.1, -0.0, f64::MIN_POSITIVE, 1e300]);
        tensors.insert("a", &[1], [1.0 / 3.0]);
        let bytes = tensors.to_bytes();
        let back = Tensors::from_bytes(&bytes).unwrap();
        assert_eq!(back.to_bytes(), bytes);
        assert_eq!(back, tensors);
        assert_eq!(
            back.get("a", &[2]).unwrap_err(),
            "array `a` has shape [1], [2] is expected"
        );
        assert_eq!(back.get("c", &[2]).unwrap_err(), "it has no array `c`");
        assert!(Tensors::from_bytes(&bytes[..20]).is_err());
        assert!(Tensors::from_bytes(b"").is_err());
    }
}
