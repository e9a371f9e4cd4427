//! The functions of `bindings/c`, called as C calls them.
//!
//! Where the bytes would have C break its own promise, such as a stride that leaves the memory that was handed over, nothing is
//! called. Entries that no stride reaches are NaN, so that reading one of them shows in the answer.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};

use intnacl_c::{
    ABI_VERSION, Answer, Array, MESSAGE, Request, Status, intnacl_evaluate_batch, intnacl_evaluate_json,
    intnacl_last_error, intnacl_string_free,
};
use intnacl_engine::{Batch, Element, Shape, Started};
use intnacl_reference::{Request as Exact, json};

use crate::draw;

/// Evaluates text as a request, or a batch that lies in memory in some way.
pub fn c_border(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0..64, text)) => evaluated_json(text),
        Some((kind, bytes)) if kind % 2 == 0 => evaluated_batch::<f32>(bytes, 0),
        Some((_, bytes)) => evaluated_batch::<f64>(bytes, 1),
        None => {}
    }
}

/// A call's code; one that is not Ok comes with a message, and a panic is a broken promise.
fn sound(status: Status) -> Status {
    #[allow(unsafe_code)]
    // SAFETY: the library's message stays until its next call on this thread.
    let message = unsafe { CStr::from_ptr(intnacl_last_error()) }.to_str().expect("a message in UTF-8");
    assert_ne!(status, Status::Internal, "{message}");
    let is_failure = !matches!(status, Status::Ok | Status::Broken);
    assert_eq!(is_failure, !message.is_empty(), "{status:?}: {message}");
    status
}

/// The text of a string that the library handed out, which is given back.
#[allow(unsafe_code)]
fn given_back(string: *mut c_char) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: the library handed it out just now, and nobody uses it after it was given back.
    let text = unsafe { CStr::from_ptr(string) }.to_str().expect("a string in UTF-8").to_owned();
    // SAFETY: as above.
    unsafe { intnacl_string_free(string) };
    Some(text)
}

fn evaluated_json(text: &[u8]) {
    // C's text ends at its first 0.
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = CString::new(text).expect("no 0 inside");
    let mut answer = null_mut();
    #[allow(unsafe_code)]
    // SAFETY: the text ends with 0, and the answer may be written.
    let status = sound(unsafe { intnacl_evaluate_json(ABI_VERSION, text.as_ptr(), &mut answer) });
    let answer = given_back(answer);
    assert_eq!(status == Status::Ok, answer.is_some());
    if let Some(answer) = answer {
        let request =
            json::read_request(text.to_str().expect("UTF-8, since it was read")).expect("it was read");
        json::read_answer(&answer, &request).expect("an answer to the request");
    }
}

/// An array in memory: entries that its strides reach lie among others, which are NaN.
struct Laid<T> {
    memory: Vec<T>,
    first: usize,
    strides: [isize; 3],
    shape: [usize; 3],
    entries: Vec<T>,
}

/// Gaps and signs of strides, from a byte.
fn laid<T: Element>(views: &[nalgebra::DMatrix<f64>], how: u8) -> Laid<T> {
    let (images, columns) = views.first().map_or((0, 0), |view| view.shape());
    let shape = [views.len(), images, columns];
    // One of six orders of the axes, from the innermost one; each may go backwards, with a gap.
    const ORDERS: [[usize; 3]; 6] = [[2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1], [1, 0, 2], [0, 1, 2]];
    let (order, gap) = (ORDERS[usize::from(how) % 6], 1 + usize::from(how / 6 % 3));
    let backwards = usize::from(how) / 18;
    let (mut strides, mut step, mut first) = ([0; 3], gap, 1);
    for axis in order {
        strides[axis] = step as isize;
        if backwards >> axis & 1 == 1 {
            first += step * shape[axis].saturating_sub(1);
            strides[axis] = -strides[axis];
        }
        step *= shape[axis];
    }
    let mut memory = vec![T::from_f64(f64::NAN); step + 2];
    let mut entries = Vec::new();
    for (v, view) in views.iter().enumerate() {
        for (i, row) in view.row_iter().enumerate() {
            for (k, entry) in row.iter().enumerate() {
                let at =
                    [v, i, k].iter().zip(strides).map(|(at, stride)| *at as isize * stride).sum::<isize>();
                memory[(first as isize + at) as usize] = T::from_f64(*entry);
                entries.push(T::from_f64(*entry));
            }
        }
    }
    Laid { memory, first, strides, shape, entries }
}

impl<T: Element> Laid<T> {
    fn array(&self) -> Array {
        Array { entries: self.memory[self.first..].as_ptr().cast(), strides: self.strides }
    }

    /// Whether a call may be made where an array of so many views, images and columns is said to lie here: it reaches nothing
    /// but this memory, or no memory could be as large.
    fn bears(&self, array: &Array, shape: [usize; 3]) -> Reach {
        if array.entries.is_null() {
            return Reach::Within(0);
        }
        let (mut low, mut high, mut count) = (0_i128, 0_i128, Some(size_of::<T>() as i128));
        for (size, stride) in shape.iter().zip(array.strides) {
            let far = (*size as i128 - 1).max(0) * stride as i128;
            (low, high) = (low + far.min(0), high + far.max(0));
            count = count.and_then(|count| count.checked_mul(*size as i128));
        }
        let most = isize::MAX as i128;
        let count = count.unwrap_or(i128::MAX);
        if (high - low + 1) * size_of::<T>() as i128 > most || count > most {
            return Reach::Beyond;
        }
        let first = self.first as i128;
        match first + low >= 0 && first + high < self.memory.len() as i128 {
            true => Reach::Within(count),
            false => Reach::Elsewhere,
        }
    }
}

/// Where the entries of an array are said to lie.
#[derive(PartialEq)]
enum Reach {
    /// In its memory; so many bytes, if they lay one behind the other.
    Within(i128),
    /// Farther apart than any memory.
    Beyond,
    /// In memory of somebody else.
    Elsewhere,
}

/// Memory for a gradient, with guards around it.
struct Guarded<T>(Vec<T>);

impl<T: Element> Guarded<T> {
    const GUARD: f64 = -123.0;

    fn new(count: usize) -> Self {
        Self(vec![T::from_f64(Self::GUARD); count + 2])
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0[1..].as_mut_ptr().cast()
    }

    fn inside(&self) -> &[T] {
        &self.0[1..self.0.len() - 1]
    }

    fn is_intact(&self) -> bool {
        [self.0[0], self.0[self.0.len() - 1]].map(T::to_f64) == [Self::GUARD; 2]
    }
}

fn evaluated_batch<T: Element>(bytes: &[u8], dtype: u32) {
    let Some((how, bytes)) = bytes.split_at_checked(8) else { return };
    let Ok(Exact::Batch { loss, settings, data }) = draw::request(bytes) else { return };
    let none = Vec::new();
    let mixed = data.mixed.as_ref().unwrap_or(&none);
    let adversarial: Vec<_> = data.adversarial.iter().cloned().collect();
    let laid = [laid::<T>(&data.views, how[0]), laid(mixed, how[1]), laid(&adversarial, how[2])];
    let [views, of_mixed, of_adversarial] = &laid;
    let absent = Array { entries: null(), strides: [0; 3] };
    let name = CString::new(loss.name()).expect("a name has no 0");
    let mut request = Request {
        loss: name.as_ptr(),
        parameters: loss.into(),
        temperature: settings.temperature,
        normalize: settings.normalize,
        symmetric: data.symmetric,
        dtype,
        positives: data.views.len() - 1,
        mixtures: mixed.len(),
        images: views.shape[1],
        columns: views.shape[2],
        views: views.array(),
        mixed: if data.mixed.is_some() { of_mixed.array() } else { absent },
        adversarial: if data.adversarial.is_some() { of_adversarial.array() } else { absent },
    };
    let damaged = damage(&mut request, how[3], how[4]);
    let mut gradients = laid.each_ref().map(|laid| Guarded::<T>::new(laid.entries.len()));
    let mut per_image = Guarded::<f64>::new(views.shape[1]);
    let [mut of_views, mut by_mixed, mut by_adversarial] = gradients.each_mut().map(Guarded::pointer);
    let mut each = per_image.pointer();

    let shape = |count: usize| [count, request.images, request.columns];
    let reaches = [
        views.bears(&request.views, shape(request.positives.saturating_add(1))),
        of_mixed.bears(&request.mixed, shape(request.mixtures)),
        of_adversarial.bears(&request.adversarial, shape(1)),
    ];
    if damaged && !reaches.contains(&Reach::Beyond) {
        // Numbers that all lie in one place need no memory, but the engine does: far more than there is, or very little.
        const LITTLE: i128 = 1 << 16;
        const TOO_MUCH: i128 = 1 << 49;
        let sizes = reaches.iter().map(|reach| match reach {
            Reach::Within(bytes) => *bytes,
            _ => i128::from(u32::MAX),
        });
        if sizes.into_iter().any(|bytes| (LITTLE..TOO_MUCH).contains(&bytes)) {
            return;
        }
        (of_views, by_mixed, by_adversarial, each) = (null_mut(), null_mut(), null_mut(), null_mut());
    }
    let mut answer = Answer {
        value: f64::NAN,
        per_image: each.cast(),
        views: if how[5] % 8 == 7 { null_mut() } else { of_views },
        mixed: by_mixed,
        adversarial: by_adversarial,
        message: [0; MESSAGE],
    };
    let wants_views = !answer.views.is_null();
    let abi = if how[6] == 255 { u32::from(how[7]) } else { ABI_VERSION };
    let threads = u32::from(how[7] % 3) + 1;
    #[allow(unsafe_code)]
    // SAFETY: what the strides reach lies in memory of this function, or is refused since no memory could be as large; the
    // answer's pointers lead to memory for so many entries, or are NULL.
    let status = sound(unsafe { intnacl_evaluate_batch(abi, &request, threads, &mut answer) });
    assert!(gradients.iter().all(Guarded::is_intact) && per_image.is_intact(), "written beside the memory");
    if damaged || abi != ABI_VERSION {
        assert!(abi == ABI_VERSION || status == Status::AbiVersion);
        return;
    }

    let shape = Shape::new(data.views.len(), views.shape[1], views.shape[2]).expect("a batch was drawn");
    let batch = Batch {
        symmetric: data.symmetric,
        mixed: data.mixed.is_some().then_some(&of_mixed.entries),
        adversarial: data.adversarial.is_some().then_some(&of_adversarial.entries),
        ..Batch::new(shape, &views.entries)
    };
    let expected = batch.evaluate(&loss, &settings, &Started(1));
    let Ok(expected) = expected else {
        // Without a gradient by the views, what is beyond the type there is not seen.
        assert!(status != Status::Ok || !wants_views, "refused by the engine: {expected:?}");
        return;
    };
    assert_eq!(status, Status::Ok, "answered by the engine: {expected:?}");
    let numbers = |entries: &[T]| entries.iter().map(|entry| entry.to_f64()).collect::<Vec<_>>();
    assert_eq!(answer.value, expected.value);
    assert_eq!(per_image.inside(), expected.per_image);
    let by = [
        wants_views.then_some(expected.gradient.views),
        expected.gradient.mixed,
        expected.gradient.adversarial,
    ];
    for (found, expected) in gradients.iter().zip(by) {
        if let Some(expected) = expected {
            assert_eq!(numbers(found.inside()), numbers(&expected));
        }
    }
}

/// Changes a field of a request to something unlikely; whether it did.
fn damage(request: &mut Request, which: u8, how: u8) -> bool {
    const SIZES: [usize; 8] = [0, 1, 2, 3, 1 << 31, 1 << 56, isize::MAX as usize, usize::MAX];
    const STRIDES: [isize; 8] = [0, 1, -1, 7, -(1 << 40), isize::MIN, isize::MAX, 1 << 60];
    let (size, stride, axis) =
        (SIZES[usize::from(how) % 8], STRIDES[usize::from(how) % 8], usize::from(how / 8) % 3);
    match which {
        0 => request.images = size,
        1 => request.columns = size,
        2 => request.positives = size,
        3 => request.mixtures = size,
        4 => request.views.strides[axis] = stride,
        5 => request.mixed.strides[axis] = stride,
        6 => request.adversarial.strides[axis] = stride,
        7 => request.views.entries = null(),
        8 => request.views.entries = request.views.entries.wrapping_byte_add(usize::from(how % 3) + 1),
        9 => request.dtype = u32::from(how) + 2,
        10 => request.parameters.negatives.estimator = u32::from(how),
        11 => request.parameters.robust.weight = u32::from(how),
        12 => request.parameters.neighborhood = u32::MAX - u32::from(how),
        13 => request.loss = null(),
        14 => request.loss = [c"", c"\xff", c"simclear", c"supervised_nca"][usize::from(how) % 4].as_ptr(),
        15 => {
            // All entries in one place, and very many of them.
            request.views.strides = [0; 3];
            (request.images, request.columns) = (size, SIZES[usize::from(how / 8) % 8]);
        }
        _ => return false,
    }
    true
}
