//! Files of tensors (safetensors), written whole or not at all.

use crate::encoder::{ADVERSARIAL, Encoder, PROJECTOR};
use crate::error::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use tch::{Device, Kind, Tensor, no_grad};

/// Writes a file that is there as a whole or not at all, whatever happens.
///
/// # Errors
/// [`Error::File`]: a full disk, a folder that is absent.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".unfinished-");
        // As any other file, not for its owner alone; the system's mask is applied.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| Error::file(path, format!("{error}; the file was not written")))
}

/// Writes tensors (of kind `Float` or `Int64`) under their names.
///
/// # Errors
/// Those of [`write_whole`]; [`Error::Torch`].
pub fn save(path: &Path, tensors: &[(String, Tensor)], metadata: HashMap<String, String>) -> Result<()> {
    let mut parts = Vec::new();
    for (name, tensor) in tensors {
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?.f_flatten(0, -1)?;
        let (dtype, bytes) = match tensor.f_kind()? {
            Kind::Int64 => {
                let values = Vec::<i64>::try_from(&flat)?;
                (Dtype::I64, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
            }
            _ => {
                let values = Vec::<f32>::try_from(&flat.f_to_kind(Kind::Float)?)?;
                (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
        };
        parts.push((name, dtype, shape, bytes));
    }
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &parts {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        views.push((name.as_str(), view.map_err(|error| Error::file(path, error))?));
    }
    // The library's maps are of another kind than the standard one's where it is built without `std`.
    let metadata = Some(metadata.into_iter().collect());
    let bytes = safetensors::serialize(views, metadata).map_err(|error| Error::file(path, error))?;
    write_whole(path, &bytes)
}

/// The tensors of a file by name, and its metadata.
///
/// # Errors
/// [`Error::File`] for a file that is absent, cut off or of another form.
pub fn load(path: &Path) -> Result<(HashMap<String, Tensor>, HashMap<String, String>)> {
    let refused =
        |error: safetensors::SafeTensorError| Error::file(path, format!("no safetensors file: {error}"));
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(refused)?;
    let file = SafeTensors::deserialize(&bytes).map_err(refused)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::F16 => Kind::Half,
            Dtype::I64 => Kind::Int64,
            other => return Err(Error::file(path, format!("{name} has elements of type {other:?}"))),
        };
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        tensors.insert(name.to_owned(), Tensor::f_from_data_size(view.data(), &shape, kind)?);
    }
    let metadata = metadata.metadata().clone().unwrap_or_default();
    Ok((tensors, metadata.into_iter().collect()))
}

/// Puts tensors by name into an encoder.
///
/// The projection head, and what adversarial views have of their own, may be absent and then stay as they are;
/// names that the encoder does not have, such as torchvision's `fc` and `num_batches_tracked`, are not read.
///
/// # Errors
/// [`Error::File`] that names a tensor which is absent or has another shape.
pub fn put(path: &Path, tensors: &HashMap<String, Tensor>, encoder: &Encoder) -> Result<()> {
    for (name, mut place) in encoder.tensors() {
        let Some(tensor) = tensors.get(&name) else {
            if name.starts_with(PROJECTOR) || name.starts_with(ADVERSARIAL) {
                continue;
            }
            return Err(Error::file(path, format!("{name} is absent: expected {:?}", place.size())));
        };
        if tensor.size() != place.size() {
            let (found, expected) = (tensor.size(), place.size());
            return Err(Error::file(path, format!("{name} has shape {found:?}: expected {expected:?}")));
        }
        no_grad(|| place.f_copy_(&tensor.f_to_device(encoder.device())?))?;
    }
    Ok(())
}

/// Whether there is a projection head among tensors by name.
pub fn has_head(tensors: &HashMap<String, Tensor>) -> bool {
    tensors.keys().any(|name| name.starts_with(PROJECTOR))
}

/// Loads a file of weights, such as torchvision's, into an encoder.
///
/// # Errors
/// Those of [`load`] and [`put`].
pub fn load_into(path: &Path, encoder: &Encoder) -> Result<()> {
    put(path, &load(path)?.0, encoder)
}

/// Writes an encoder's weights alone, without head and what adversarial views have of their own: what
/// `load_state_dict` of torchvision's `resnet18` takes once its `fc` is an identity.
///
/// # Errors
/// Those of [`save`].
pub fn save_encoder(path: &Path, encoder: &Encoder) -> Result<()> {
    let mut tensors = encoder.tensors();
    tensors.retain(|(name, _)| !name.starts_with(PROJECTOR) && !name.starts_with(ADVERSARIAL));
    save(path, &tensors, HashMap::from([("format".into(), "pt".into())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Mode, Settings};

    fn encoder(seed: u64) -> Encoder {
        Encoder::new(&Settings { width: 0.0625, ..Settings::default() }, 3, seed, Device::Cpu).unwrap()
    }

    #[test]
    fn weights_read_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("encoder.safetensors");
        let (first, second) = (encoder(1), encoder(2));
        save_encoder(&path, &first).unwrap();
        load_into(&path, &second).unwrap();
        let images = Tensor::rand([2, 3, 16, 16], (Kind::Float, Device::Cpu));
        let features = |encoder: &Encoder| encoder.features_of(&images, Mode::Evaluate).unwrap();
        assert!(features(&first) == features(&second));
        // The head was not in the file.
        assert!(first.parameters.flat != second.parameters.flat);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn files_that_do_not_fit_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("encoder.safetensors");
        save_encoder(&path, &encoder(1)).unwrap();
        let wide =
            Encoder::new(&Settings { width: 0.125, ..Settings::default() }, 3, 1, Device::Cpu).unwrap();
        let message = load_into(&path, &wide).unwrap_err().to_string();
        assert!(message.contains("conv1.weight has shape [4, 3, 3, 3]: expected [8, 3, 3, 3]"), "{message}");

        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 7, 100, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(load_into(&path, &encoder(1)).unwrap_err().to_string().contains("no safetensors file"));
        }
        let some = vec![("conv1.weight".to_owned(), encoder(1).parameters.leaves[0].1.shallow_clone())];
        save(&path, &some, HashMap::new()).unwrap();
        let message = load_into(&path, &encoder(1)).unwrap_err().to_string();
        assert!(message.contains("bn1.weight is absent"), "{message}");
        let nowhere = save(&folder.path().join("no/where"), &some, HashMap::new()).unwrap_err().to_string();
        assert!(nowhere.contains("not written"), "{nowhere}");
    }
}
