//! The ladder of precisions: what one precision does not settle is evaluated again with more bits (Ziv 1991).

use crate::real::DdContext;

/// The bits to which a number is known before it is rounded: to the nearest f64 or its neighbour.
pub(crate) const BITS_NEEDED: f64 = 56.0;
/// The first precision beyond double-double.
pub(crate) const BITS_MORE: usize = 256;
/// The last precision, as far as patience goes; a loss reaches it only below a temperature of 7e-4.
pub(crate) const BITS_MOST: usize = 8_192;

/// The outcome at the first precision that settles it: those of double-double, then `BITS_MORE`, then `most` bits.
///
/// `in_double` and `in_big` give nothing where the precision is not enough; `in_big` is told whether it is the last, which
/// settles whatever can be.
pub(crate) fn settle<T>(
    doubles: &[DdContext],
    most: usize,
    in_double: impl Fn(DdContext) -> Option<T>,
    in_big: impl Fn(usize, bool) -> Option<T>,
) -> Option<T> {
    let settled = doubles.iter().find_map(|context| in_double(*context));
    let settled = settled.or_else(|| if most > BITS_MORE { in_big(BITS_MORE, false) } else { None });
    settled.or_else(|| in_big(most, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn each_precision_is_tried_once_until_one_settles_it() {
        let tried = RefCell::new(Vec::new());
        let settled_at = |enough: usize, most: usize| {
            tried.borrow_mut().clear();
            let attempt = |bits: usize, last: bool| {
                tried.borrow_mut().push((bits, last));
                (bits >= enough || last).then_some(bits)
            };
            let settled =
                settle(&[DdContext::Quick, DdContext::Full], most, |_| attempt(100, false), attempt);
            (settled, tried.borrow().len())
        };
        assert_eq!(settled_at(0, 1000), (Some(100), 1));
        assert_eq!(settled_at(200, 1000), (Some(256), 3));
        assert_eq!(settled_at(500, 1000), (Some(1000), 4));
        assert_eq!(settled_at(9999, 256), (Some(256), 3));
        assert_eq!(*tried.borrow().last().unwrap(), (256, true));
    }
}
