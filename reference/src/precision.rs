//! The ladder of precisions: what one precision does not settle is evaluated again with more bits (Ziv 1991).

use crate::real::DdContext;

/// The bits to which a number is known before it is rounded: to the nearest f64 or its neighbour.
pub(crate) const BITS_NEEDED: f64 = 56.0;
/// The first precision beyond double-double.
pub(crate) const BITS_MORE: usize = 256;
/// The last precision, as far as patience goes; a loss reaches it only below a temperature of 7e-4.
pub(crate) const BITS_MOST: usize = 8_192;

/// The outcome at the first precision that settles it: those of double-double, then `BITS_MORE`, then `most` bits, which
/// are asked for only then.
///
/// `in_double` and `in_big` give nothing where the precision is not enough; `at_last` settles whatever can be.
pub(crate) fn settle<T>(
    doubles: &[DdContext],
    most: impl FnOnce() -> usize,
    in_double: impl Fn(DdContext) -> Option<T>,
    in_big: impl Fn(usize) -> Option<T>,
    at_last: impl FnOnce(usize) -> T,
) -> T {
    let settled = doubles.iter().find_map(|context| in_double(*context));
    settled.unwrap_or_else(|| {
        let most = most();
        let settled = if most > BITS_MORE { in_big(BITS_MORE) } else { None };
        settled.unwrap_or_else(|| at_last(most))
    })
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
            let attempt = |bits: usize| {
                tried.borrow_mut().push(bits);
                (bits >= enough).then_some(bits)
            };
            let doubles = [DdContext::Quick, DdContext::Full];
            let at_last = |bits| attempt(bits).unwrap_or(bits);
            let settled = settle(&doubles, || most, |_| attempt(100), attempt, at_last);
            (settled, tried.borrow().clone())
        };
        assert_eq!(settled_at(0, 1000), (100, vec![100]));
        assert_eq!(settled_at(200, 1000), (256, vec![100, 100, 256]));
        assert_eq!(settled_at(500, 1000), (1000, vec![100, 100, 256, 1000]));
        assert_eq!(settled_at(9999, 256), (256, vec![100, 100, 256]));
    }
}
