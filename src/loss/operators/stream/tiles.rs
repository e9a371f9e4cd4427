//! The scores of a pair of views, tile by tile.

use crate::error::Result;
use tch::{Device, Kind, Tensor};

/// Consecutive rows of a matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    start: i64,
    len: i64,
}

impl Span {
    /// These entries of dimension 0, as a view.
    pub(crate) fn of(self, tensor: &Tensor) -> Result<Tensor> {
        Ok(tensor.f_narrow(0, self.start, self.len)?)
    }
}

/// A side of a tile whose embeddings are the anchors of its scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Anchors {
    Rows,
    Columns,
}

/// A tile at or above the diagonal. The scores are symmetric, so that it stands for its mirror image too.
#[derive(Debug, Clone, Copy)]
pub struct Tile {
    pub(crate) rows: Span,
    pub(crate) columns: Span,
}

impl Tile {
    /// Whether the tile is its own mirror image.
    pub(crate) fn is_diagonal(&self) -> bool {
        self.rows == self.columns
    }

    /// The sides of a group that the tile has. The columns of a diagonal tile are its rows again, though rounded
    /// differently, perhaps: an anchor must meet the same scores in every pass.
    pub(crate) fn sides(&self, group: &'static [Anchors]) -> &'static [Anchors] {
        match group {
            [rest @ .., Anchors::Columns] if self.is_diagonal() => rest,
            _ => group,
        }
    }

    /// A number for each anchor on a side, `[R]`, in a shape that meets the scores of the tile.
    pub(crate) fn meet(&self, side: Anchors, numbers: &Tensor) -> Result<Tensor> {
        match side {
            Anchors::Rows => Ok(self.rows.of(numbers)?.f_unsqueeze(1)?),
            Anchors::Columns => Ok(self.columns.of(numbers)?.f_unsqueeze(0)?),
        }
    }

    /// Where the anchors on a side are, and the dimension over which their scores extend.
    pub(crate) fn along(&self, side: Anchors) -> (Span, i64) {
        match side {
            Anchors::Rows => (self.rows, 1),
            Anchors::Columns => (self.columns, 0),
        }
    }
}

/// The `R = 2B` embeddings of two views, one view behind the other, and how their scores are cut.
#[derive(Debug)]
pub struct Tiles {
    /// `[R, d]`, without a graph.
    pub(crate) rows: Tensor,
    images: i64,
    /// The number of views that are anchors.
    pub(crate) anchors: i64,
    width: i64,
}

impl Tiles {
    /// Tiles of `width` rows and columns, or of a size that suits the number of rows.
    pub(crate) fn new(rows: Tensor, anchors: i64, width: Option<i64>) -> Self {
        let count = rows.size()[0];
        // Several tiles stay in a processor's cache, and there are several in either direction.
        let suitable = (count / 8).clamp(256, 1024);
        let width = width.unwrap_or(suitable).clamp(1, count.max(1));
        Self { images: count / 2, rows, anchors, width }
    }

    /// `R`.
    pub(crate) fn count(&self) -> i64 {
        2 * self.images
    }

    pub(crate) fn options(&self) -> Result<(Kind, Device)> {
        Ok((self.rows.f_kind()?, self.rows.device()))
    }

    /// The tiles that hold scores of anchors.
    pub(crate) fn all(&self) -> impl Iterator<Item = Tile> {
        let (count, width) = (self.count(), self.width);
        let span = move |start: i64| Span { start, len: width.min(count - start) };
        let starts = move |from: i64, to: i64| (from..to).step_by(usize::try_from(width).unwrap_or(1));
        starts(0, self.anchors * self.images).flat_map(move |row| {
            starts(row, count).map(move |column| Tile { rows: span(row), columns: span(column) })
        })
    }

    /// A buffer that any tile fits in.
    pub(crate) fn buffer(&self) -> Result<Buffer> {
        Ok(Buffer(Tensor::f_empty([self.width * self.width], self.options()?)?))
    }

    /// The inner products of a tile. Those of an image with itself, in either view, are `-∞`.
    pub(crate) fn products(&self, tile: &Tile, buffer: &Buffer) -> Result<Tensor> {
        let (rows, columns) = (tile.rows.of(&self.rows)?, tile.columns.of(&self.rows)?);
        let products = buffer.of(tile)?;
        let products = rows.f_mm_out(&products, &columns.f_transpose(0, 1)?)?;
        self.fill_own(tile, &products, f64::NEG_INFINITY)?;
        Ok(products)
    }

    /// Overwrites what is about an image and itself.
    pub(crate) fn fill_own(&self, tile: &Tile, scores: &Tensor, value: f64) -> Result<()> {
        for apart in [-self.images, 0, self.images] {
            let offset = apart + tile.rows.start - tile.columns.start;
            if -tile.rows.len < offset && offset < tile.columns.len {
                let _ = scores.f_diagonal(offset, 0, 1)?.f_fill_(value)?;
            }
        }
        Ok(())
    }
}

/// Memory for one tile, used again and again.
#[derive(Debug)]
pub struct Buffer(Tensor);

impl Buffer {
    /// The same memory.
    pub(crate) fn alias(&self) -> Self {
        Self(self.0.shallow_clone())
    }

    /// The memory in the shape of a tile.
    pub(crate) fn of(&self, tile: &Tile) -> Result<Tensor> {
        let (rows, columns) = (tile.rows.len, tile.columns.len);
        Ok(self.0.f_narrow(0, 0, rows * columns)?.f_view([rows, columns])?)
    }
}
