//! Loops compiled for the best vector instructions of the machine that they run on.

/// Defines functions whose bodies are compiled several times, and chosen between when they are called. Their
/// first parameter stands for the instructions and is not passed by the caller.
///
/// The body becomes a method that is always inlined: a closure may stay a function of its own, which is then
/// compiled for the oldest machine, where a fused multiply-add is a call to a library. What the body calls
/// must be `#[inline(always)]` for the same reason.
macro_rules! vector_code {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$(const $generic:ident: $kind:ty),*>)?
        ($simd:pat, $($argument:ident: $type:ty),* $(,)?) $(-> $output:ty)? $body:block
    )*) => {$(
        $(#[$meta])*
        $vis fn $name $(<$(const $generic: $kind),*>)? ($($argument: $type),*) $(-> $output)? {
            struct Work<T $($(, const $generic: $kind)*)?>(T);
            impl $(<$(const $generic: $kind),*>)? pulp::WithSimd for Work<($($type,)*) $($(, $generic)*)?> {
                type Output = vector_code!(@output $($output)?);
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, $simd: S) -> Self::Output {
                    let ($($argument,)*) = self.0;
                    $body
                }
            }
            $crate::real::double_double::vector::arch().dispatch(Work::<_ $($(, $generic)*)?>(($($argument,)*)))
        }
    )*};
    (@output) => { () };
    (@output $output:ty) => { $output };
}

pub(super) use vector_code;

/// The instructions to use: the best that the machine has, unless a test wants others.
#[inline(always)]
pub(super) fn arch() -> pulp::Arch {
    #[cfg(test)]
    if let Some(arch) = tests::FORCED.get() {
        return arch;
    }
    pulp::Arch::new()
}

#[cfg(test)]
mod tests {
    use super::super::{Dd, quick};
    use crate::random::Rng;
    use crate::real::{Big, DdContext, Real};
    use crate::{Batch, Evaluate, Evaluation, Loss, Settings};
    use nalgebra::DMatrix;
    use pulp::Arch;
    use std::cell::Cell;
    use std::io::Write;

    const BITS: usize = 256;

    thread_local! {
        /// The instructions that this thread was told to use. Tests here stay below the size that is worth a second thread.
        pub(super) static FORCED: Cell<Option<Arch>> = const { Cell::new(None) };
    }

    /// The instructions that bodies are compiled for, by name; nothing where this machine lacks them.
    fn instructions() -> Vec<(&'static str, Option<Arch>)> {
        #[cfg(target_arch = "x86_64")]
        let vectors = vec![
            ("v3 (AVX2)", pulp::x86::V3::try_new().map(Arch::V3)),
            ("v4 (AVX-512)", pulp::x86::V4::try_new().map(Arch::V4)),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = vec![("best", Some(Arch::new()))];
        [("scalar", Some(Arch::Scalar))].into_iter().chain(vectors).collect()
    }

    /// Calls a function once for the instructions that this machine has, and says which these were, past the test runner,
    /// which keeps what passing tests print to itself.
    fn by_all_instructions(test: &str, function: impl Fn(&str)) {
        for (name, arch) in instructions() {
            let said = match arch {
                Some(arch) => {
                    FORCED.set(Some(arch));
                    function(name);
                    let lanes = quick::lanes();
                    FORCED.set(None);
                    format!("ran by {name} instructions, {lanes} f64 a vector")
                }
                None => format!("did not run by {name} instructions, which this processor lacks"),
            };
            let _ = writeln!(std::io::stderr(), "{test}: {said}");
        }
    }

    fn big(x: &Dd) -> Big {
        Big::lift(x.hi, BITS) + &Big::lift(x.lo, BITS)
    }

    /// `log2` of the largest error among some numbers.
    fn worst(found: &[Dd], exact: &[Big]) -> f64 {
        assert_eq!(found.len(), exact.len());
        let errors = found.iter().zip(exact).map(|(found, exact)| (big(found) - exact).log2_abs());
        errors.fold(f64::NEG_INFINITY, f64::max)
    }

    /// Numbers in `[-1, 1]` with low parts.
    fn numbers(rng: &mut Rng, count: usize) -> Vec<Dd> {
        let number = |rng: &mut Rng| Dd::new(2.0 * rng.uniform() - 1.0, 0.0);
        (0..count).map(|_| number(rng).times(number(rng))).collect()
    }

    #[test]
    fn functions_keep_their_bits_by_all_vector_instructions() {
        by_all_instructions("functions_keep_their_bits_by_all_vector_instructions", |name| {
            let rng = &mut Rng::new(1);
            for count in [1, 2, 7, 8, 9, 16, 31, 100] {
                let (x, y) = (numbers(rng, count), numbers(rng, count));
                let (big_x, big_y): (Vec<Big>, Vec<Big>) =
                    (x.iter().map(big).collect(), y.iter().map(big).collect());
                let shift = big(&y[0]);
                for (context, bits) in [(DdContext::Quick, -63.0), (DdContext::Full, -95.0)] {
                    let exact: Vec<Big> = big_x.iter().map(|x| (x.clone() - &shift).exp(BITS)).collect();
                    let error = worst(&Dd::exp_all(&x, &y[0], context), &exact);
                    assert!(error < bits, "{name}: exp of {count} numbers, {context:?}: 2^{error}");
                    let error = worst(&[Dd::sum(&x, context)], &[Big::sum(&big_x, BITS)]);
                    assert!(error < bits, "{name}: the sum of {count} numbers, {context:?}: 2^{error}");
                }
                let full = DdContext::Full;
                let error = worst(&[Dd::dot(&x, &y, full)], &[Big::dot(&big_x, &big_y, BITS)]);
                assert!(error < -95.0, "{name}: a product of {count} numbers: 2^{error}");
                let exact = big_x[0].exp(BITS);
                let found = [x[0].exp(full), x[0].exp(full).ln(full), x[0].exp(full).ln_1p(full)];
                let exact = [exact.clone(), exact.ln(BITS), exact.ln_1p(BITS)];
                let error = worst(&found, &exact);
                assert!(error < -93.0, "{name}: exp, ln, ln_1p: 2^{error}");
            }
        });
    }

    #[test]
    fn products_of_matrices_keep_their_bits_by_all_vector_instructions() {
        by_all_instructions("products_of_matrices_keep_their_bits_by_all_vector_instructions", |name| {
            let rng = &mut Rng::new(2);
            for (n, d) in [(1, 1), (2, 3), (5, 8), (9, 17), (17, 33), (24, 5)] {
                let (rows, weights) = (numbers(rng, n * d), numbers(rng, n * n));
                let (big_rows, big_weights): (Vec<Big>, Vec<Big>) =
                    (rows.iter().map(big).collect(), weights.iter().map(big).collect());
                let gram = Big::gram(&big_rows, d, BITS);
                let mut spread = vec![Big::lift(0.0, BITS); n * d];
                Big::spread(&mut spread, &big_weights, &big_rows, d, BITS);
                for (context, bits) in [(DdContext::Quick, -63.0), (DdContext::Full, -95.0)] {
                    // Relative to the largest square of a norm, and to the sum of the weights of a row.
                    let error = worst(&Dd::gram(&rows, d, context), &gram) - (d as f64).log2();
                    assert!(error < bits, "{name}: {n} rows of {d}, {context:?}: scores to 2^{error}");
                    let mut found = vec![Dd::ZERO; n * d];
                    Dd::spread(&mut found, &weights, &rows, d, context);
                    let error = worst(&found, &spread) - (2.0 * n as f64).log2();
                    assert!(error < bits, "{name}: {n} rows of {d}, {context:?}: gradients to 2^{error}");
                }
            }
        });
    }

    #[test]
    fn losses_are_exact_by_all_vector_instructions() {
        let rng = &mut Rng::new(3);
        let mut batches = Vec::new();
        for (images, d) in [(2, 1), (3, 4), (9, 7), (20, 3)] {
            let view = |rng: &mut Rng| DMatrix::from_fn(images, d, |_, _| 2.0 * rng.uniform() - 1.0);
            batches.push(Batch::new((0..3).map(|_| view(rng)).collect()));
        }
        let evaluate = || -> Vec<Evaluation<Batch>> {
            let evaluate = |batch: &Batch, temperature: f64| {
                let loss = Loss::HardNegative { tau_plus: 0.1, beta: 1.0 };
                loss.evaluate(batch, &Settings::new(temperature).normalizing()).unwrap()
            };
            batches.iter().flat_map(|batch| [10.0, 0.5, 0.02, 0.001].map(|t| evaluate(batch, t))).collect()
        };
        let expected = evaluate();
        by_all_instructions("losses_are_exact_by_all_vector_instructions", |name| {
            for (found, expected) in evaluate().iter().zip(&expected) {
                // Both are within 4 ulp and 8 units of the truth.
                let values = found.per_anchor.iter().zip(&expected.per_anchor);
                for (x, y) in values.chain([(&found.value, &expected.value)]) {
                    assert!((x - y).abs() <= 8.0 * f64::EPSILON * y.abs(), "{name}: {x:e}, not {y:e}");
                }
                let norm = expected.gradient.views.iter().map(DMatrix::norm_squared).sum::<f64>().sqrt();
                for (x, y) in found.gradient.views.iter().zip(&expected.gradient.views) {
                    assert!((x - y).norm() <= 8.0 * f64::EPSILON * norm, "{name}: {x:e}, not {y:e}");
                }
            }
        });
    }
}
