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
            pulp::Arch::new().dispatch(Work::<_ $($(, $generic)*)?>(($($argument,)*)))
        }
    )*};
    (@output) => { () };
    (@output $output:ty) => { $output };
}

pub(super) use vector_code;
