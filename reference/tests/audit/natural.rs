//! Natural numbers of any size, as far as comparing products takes: multiply and compare.

use std::cmp::Ordering;

/// Limbs from the lowest, none of them leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Natural(Vec<u64>);

impl Natural {
    pub fn one() -> Self {
        Self(vec![1])
    }

    pub fn times(&mut self, factor: u64) {
        assert!(factor > 0, "products of positive numbers only");
        let mut carry = 0_u128;
        for limb in &mut self.0 {
            carry += u128::from(*limb) * u128::from(factor);
            *limb = carry as u64;
            carry >>= 64;
        }
        if carry > 0 {
            self.0.push(carry as u64);
        }
    }

    /// Multiplied by `factor^exponent`.
    pub fn times_power(&mut self, factor: u64, exponent: u64) {
        for _ in 0..exponent {
            self.times(factor);
        }
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let lengths = self.0.len().cmp(&other.0.len());
        lengths.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[test]
fn products_are_those_of_u128() {
    let mut product = Natural::one();
    product.times_power(1_000_003, 6);
    let truth = 1_000_003_u128.pow(6);
    assert_eq!(product, Natural(vec![truth as u64, (truth >> 64) as u64]));
    let mut larger = product.clone();
    larger.times(2);
    assert!(larger > product && Natural::one() < product);
}
