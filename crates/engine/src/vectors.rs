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
            $crate::vectors::arch().dispatch(Work(($($argument,)*), std::marker::PhantomData))
        }
    )*};
}

pub(super) use vector_code;

/// The instructions to use: the best that the machine has, unless a test wants others.
#[inline(always)]
pub fn arch() -> pulp::Arch {
    #[cfg(any(test, feature = "instructions"))]
    if let Some(arch) = forced::ARCH.get() {
        return arch;
    }
    pulp::Arch::new()
}

/// Instructions by choice, so that a test meets each of the bodies that are compiled.
#[cfg(any(test, feature = "instructions"))]
pub mod forced {
    use pulp::Arch;
    use std::cell::Cell;

    thread_local! {
        /// The instructions that this thread was told to use. Threads of a [`Team`](crate::team::Team) are not told, so a
        /// test keeps to batches that are too small for one.
        pub(super) static ARCH: Cell<Option<Arch>> = const { Cell::new(None) };
    }

    /// The instructions that bodies are compiled for, by name; nothing where this machine lacks them.
    pub fn all() -> Vec<(&'static str, Option<Arch>)> {
        #[cfg(target_arch = "x86_64")]
        let vectors = vec![
            ("v3 (AVX2)", pulp::x86::V3::try_new().map(Arch::V3)),
            ("v4 (AVX-512)", pulp::x86::V4::try_new().map(Arch::V4)),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = vec![("best", Some(Arch::new()))];
        [("scalar", Some(Arch::Scalar))].into_iter().chain(vectors).collect()
    }

    /// The number of `f32` in a vector of the instructions in force.
    #[cfg(feature = "instructions")]
    pub fn lanes() -> usize {
        struct Lanes;
        impl pulp::WithSimd for Lanes {
            type Output = usize;
            fn with_simd<S: pulp::Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        super::arch().dispatch(Lanes)
    }

    /// Calls a function in which this thread uses these instructions.
    pub fn using<T>(arch: Arch, function: impl FnOnce() -> T) -> T {
        ARCH.set(Some(arch));
        let result = function();
        ARCH.set(None);
        result
    }
}
