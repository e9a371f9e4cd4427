//! Loops compiled for the best vector instructions of the machine that they run on.

/// Defines functions over [`Number`](super::number::Number)s whose bodies are compiled several times, and chosen
/// between when they are called. Their first parameter stands for the instructions and is not passed.
///
/// The body becomes a method that is always inlined: a closure may stay a function of its own, which is then
/// compiled for the oldest machine, where a fused multiply-add is a call to a library. What the body calls must be
/// `#[inline(always)]` for the same reason.
macro_rules! vector_code {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident <$number:ident: Number>
        ($simd:pat, $($argument:ident: $type:ty),* $(,)?) $body:block
    )*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$number: Number>($($argument: $type),*) {
            struct Work<Arguments, $number>(Arguments, std::marker::PhantomData<$number>);
            impl<$number: Number> pulp::WithSimd for Work<($($type,)*), $number> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, $simd: S) {
                    let ($($argument,)*) = self.0;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Work(($($argument,)*), std::marker::PhantomData))
        }
    )*};
}

pub(super) use vector_code;
