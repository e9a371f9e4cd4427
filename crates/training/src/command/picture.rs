//! A picture of test images, each with its nearest training images to the right.

use super::super::Result;
use image::{Rgb, RgbImage};
use intnacl_training::data::{Dataset, Images};
use intnacl_training::encoder::Encoder;
use intnacl_training::evaluate::{features, knn::nearest};
use intnacl_training::{Error, checkpoint};
use std::io::Cursor;
use std::path::Path;

/// Test images in the picture.
const ROWS: i64 = 10;
/// Neighbours of each.
const COLUMNS: i64 = 8;
/// The picture's pixels for each image, at least.
const SIDE: i64 = 48;

/// Writes the picture. Neighbours of another class have a red frame.
pub fn neighbours(path: &Path, encoder: &Encoder, data: &Dataset) -> Result<()> {
    let (train, test) = (features(encoder, &data.train)?, features(encoder, &data.test)?);
    let rows = ROWS.min(data.test.count() as i64);
    let columns = COLUMNS.min(data.train.count() as i64);
    let near = nearest(&train, &test.f_narrow(0, 0, rows)?, columns)?;
    let [_, height, width] = data.train.shape();
    let zoom = (SIDE / width.max(height)).max(1);
    let (cell_width, cell_height) = (width * zoom + 4, height * zoom + 4);
    let mut picture =
        RgbImage::from_pixel(((columns + 1) * cell_width) as u32, (rows * cell_height) as u32, Rgb([255; 3]));
    for row in 0..rows {
        let truth = data.test.labels.int64_value(&[row]);
        draw(&mut picture, [0, row * cell_height], &data.test, row, zoom, [90, 90, 90])?;
        for column in 0..columns {
            let index = near.int64_value(&[row, column]);
            let frame = match data.train.labels.int64_value(&[index]) == truth {
                true => [255; 3],
                false => [220, 0, 0],
            };
            let corner = [(column + 1) * cell_width, row * cell_height];
            draw(&mut picture, corner, &data.train, index, zoom, frame)?;
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    let written = picture.write_to(&mut bytes, image::ImageFormat::Png);
    written.map_err(|error| Error::File { path: path.into(), reason: error.to_string() })?;
    checkpoint::write_whole(path, bytes.get_ref())
}

/// An image with a frame.
fn draw(
    picture: &mut RgbImage,
    corner: [i64; 2],
    images: &Images,
    index: i64,
    zoom: i64,
    frame: [u8; 3],
) -> Result<()> {
    let (pixels, _) = images.range(index, 1)?;
    let [channels, height, width] = images.shape();
    let levels = Vec::<f32>::try_from(pixels.f_flatten(0, -1)?.f_to_device(tch::Device::Cpu)?)?;
    let level = |channel: i64, y: i64, x: i64| {
        let channel = channel.min(channels - 1);
        (255.0 * levels[((channel * height + y) * width + x) as usize]).round() as u8
    };
    let (full_width, full_height) = (width * zoom + 4, height * zoom + 4);
    for y in 0..full_height {
        for x in 0..full_width {
            let inside = (2..full_width - 2).contains(&x) && (2..full_height - 2).contains(&y);
            let (row, column) = ((y - 2) / zoom, (x - 2) / zoom);
            let color = if inside { [0, 1, 2].map(|channel| level(channel, row, column)) } else { frame };
            picture.put_pixel((corner[0] + x) as u32, (corner[1] + y) as u32, Rgb(color));
        }
    }
    Ok(())
}
