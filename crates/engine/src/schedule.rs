//! Who does what, and in which order: tiles over threads, with the same bits for any number of them.
//!
//! A tile concerns two blocks of rows. As in a tournament, tiles come in rounds in which no block plays twice, so
//! that threads rarely meet. What a tile adds to a block waits for its *turn*, behind those of earlier rounds: then
//! the order of additions, and so their rounding, does not depend on who was faster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A tile of the scores: a block of rows with a block of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Not above `columns`.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The number of tiles that each of the two blocks has had before.
    row_turn: usize,
    column_turn: usize,
}

impl Tile {
    /// Whether it is its own mirror image.
    pub(super) fn is_diagonal(&self) -> bool {
        self.rows == self.columns
    }
}

/// The tiles at and above the diagonal that contain one of the first `anchors` blocks.
pub fn tournament(blocks: usize, anchors: usize) -> Vec<Tile> {
    let mut turns = vec![0; blocks];
    let mut turn = |block: usize| {
        turns[block] += 1;
        turns[block] - 1
    };
    let mut tiles: Vec<Tile> = (0..anchors)
        .map(|block| Tile { rows: block, columns: block, row_turn: turn(block), column_turn: 0 })
        .collect();
    // The circle method: the last block stays where it is, the others go round by one place a round, and who faces whom
    // plays. In `others` rounds everybody meets everybody once. With an odd number, the one that stays is nobody.
    let others = (blocks + blocks % 2).max(2) - 1;
    for round in 0..others {
        for k in 0..=others / 2 {
            let one = if k == 0 { others } else { (round + k) % others };
            let other = (round + others - k) % others;
            let (rows, columns) = (one.min(other), one.max(other));
            if rows < anchors && columns < blocks && rows != columns {
                let (row_turn, column_turn) = (turn(rows), turn(columns));
                tiles.push(Tile { rows, columns, row_turn, column_turn });
            }
        }
    }
    tiles
}

/// The targets that tiles add to, a part for each block of rows.
#[derive(Debug)]
pub struct Blocks<T>(Vec<(AtomicUsize, Mutex<T>)>);

impl<T> Blocks<T> {
    pub(super) fn new(parts: impl IntoIterator<Item = T>) -> Self {
        Self(parts.into_iter().map(|part| (AtomicUsize::new(0), Mutex::new(part))).collect())
    }

    /// The part of a tile's rows, when it is the tile's turn.
    pub(super) fn rows(&self, tile: &Tile) -> Turn<'_, T> {
        self.at(tile.rows, tile.row_turn)
    }

    /// The part of a tile's columns, when it is the tile's turn.
    pub(super) fn columns(&self, tile: &Tile) -> Turn<'_, T> {
        self.at(tile.columns, tile.column_turn)
    }

    /// A part that one thread alone asks for.
    pub(super) fn only(&self, block: usize) -> Turn<'_, T> {
        self.at(block, 0)
    }

    fn at(&self, block: usize, turn: usize) -> Turn<'_, T> {
        // `next` counts the tiles that are done with this block. It reaches `turn` when all earlier ones are: tiles are
        // handed out in order, so each of them is some thread's by now, and none of these waits for a later one.
        let (next, part) = &self.0[block];
        let mut spins = 0_u32;
        while next.load(Ordering::Acquire) != turn {
            spins += 1;
            // Whoever is before us may have lost its processor.
            if spins < 100 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        Turn { part: part.lock().unwrap_or_else(PoisonError::into_inner), next }
    }

    pub(super) fn into_parts(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|(_, part)| part.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Access to a part. The turn of the next tile comes when this is dropped.
pub struct Turn<'a, T> {
    part: MutexGuard<'a, T>,
    next: &'a AtomicUsize,
}

impl<T> std::ops::Deref for Turn<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.part
    }
}

impl<T> std::ops::DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.part
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.next.fetch_add(1, Ordering::Release);
    }
}
