//! The border: no panic crosses it, errors become codes with messages, and strings change their owner.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::{Failure, Status};
use crate::structs::ABI_VERSION;

thread_local! {
    /// The message of this thread's last call.
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// Runs a call: its code, and on failure its message.
pub fn guarded(abi: u32, work: impl FnOnce() -> Result<Status, Failure>) -> Status {
    // What a panic leaves half done is not looked at: the caller is told that results are worth nothing.
    let done = catch_unwind(AssertUnwindSafe(|| match abi {
        ABI_VERSION => work(),
        given => Err(Failure::AbiVersion { given }),
    }));
    let (status, message) = match done.unwrap_or_else(|panic| Err(Failure::Panic(words(panic.as_ref())))) {
        Ok(status) => (status, String::new()),
        Err(failure) => (failure.status(), failure.to_string()),
    };
    // A thread that is ending has no message any more.
    let _ = MESSAGE.try_with(|last| last.replace(c_string(message)));
    status
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

/// A text for C, which ends at its first 0: there is none before.
fn c_string(text: String) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// A text that the caller owns and gives back to `intnacl_string_free`.
pub fn handed_out(text: String) -> *mut c_char {
    c_string(text).into_raw()
}

/// A text of the caller.
///
/// # Safety
/// `text` is NULL or leads to bytes that end with 0 and stay as they are for as long as the text is used.
pub unsafe fn text<'a>(argument: &'static str, text: *const c_char) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::NullPointer { argument, expected: "a text that ends with 0" });
    }
    // SAFETY: the caller promises the 0, and that nothing changes.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes.to_str().map_err(|error| Failure::Encoding { argument, index: error.valid_up_to() })
}

/// The message of the last call on this thread that takes INTNACL_ABI_VERSION: one line that names the argument, what
/// it is and what was expected; empty if that call did not fail.
///
/// The library owns it. It stays until the next such call on this thread, or the thread's end.
#[unsafe(no_mangle)]
pub extern "C" fn intnacl_last_error() -> *const c_char {
    MESSAGE.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Frees a string that this library handed out; NULL is left alone.
///
/// # Safety
/// The string comes from this library, has its length still, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn intnacl_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: the caller promises that it is one of those that `handed_out` gave away.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// The INTNACL_ABI_VERSION of the library that runs.
#[unsafe(no_mangle)]
pub extern "C" fn intnacl_abi_version() -> u32 {
    ABI_VERSION
}

/// The version of the library that runs, such as "0.1.0". The library owns it; it stays.
#[unsafe(no_mangle)]
pub extern "C" fn intnacl_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version has no 0 inside"),
        };
    VERSION.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> String {
        // SAFETY: the message stays until the next call on this thread.
        unsafe { CStr::from_ptr(intnacl_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_ends_at_the_border() {
        assert_eq!(guarded(ABI_VERSION, || panic!("of {}", "words")), Status::Internal);
        assert_eq!(said(), "a mistake in the library: of words");
        assert_eq!(guarded(ABI_VERSION, || std::panic::panic_any(7)), Status::Internal);
        assert_eq!(said(), "a mistake in the library: a panic without words");
        assert_eq!(guarded(ABI_VERSION, || Ok(Status::Broken)), Status::Broken);
        assert_eq!(said(), "");
    }

    #[test]
    fn another_version_is_refused_before_anything_is_done() {
        let mut done = false;
        let work = || {
            done = true;
            Ok(Status::Ok)
        };
        assert_eq!(guarded(ABI_VERSION + 1, work), Status::AbiVersion);
        assert!(!done);
    }

    #[test]
    fn each_thread_has_its_own_message() {
        guarded(ABI_VERSION, || Err(Failure::value("x", 1, "2")));
        std::thread::spawn(|| assert_eq!(said(), "")).join().unwrap();
        assert_eq!(said(), "x = 1: expected 2");
    }

    #[test]
    fn a_text_with_a_0_inside_is_handed_out_in_whole() {
        let text = handed_out("a\0b".into());
        // SAFETY: it was handed out just now.
        assert_eq!(unsafe { CStr::from_ptr(text) }.to_str().unwrap(), "a\u{fffd}b");
        // SAFETY: as above; nobody uses it any more.
        unsafe { intnacl_string_free(text) };
    }
}
