// Counts libtorch's operators while they are called, and reads what the allocator of a device says.
//
// An operator counts once, whatever it calls to do its work, unless it is one that only passes on or moves nothing. What it
// calls counts only among the waits. No exception leaves a function.

#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

namespace {

std::mutex mutex;
// Empty while nobody counts.
std::map<std::string, uint64_t> calls;
uint64_t waited = 0;
at::CallbackHandle handle = at::INVALID_CALLBACK_HANDLE;

// Operators that start no work themselves: they pass it on, say where numbers lie, or take memory.
const std::unordered_set<std::string> idle = {
    "aten::_reshape_alias", "aten::_to_copy",    "aten::_unsafe_view", "aten::alias",       "aten::as_strided",
    "aten::clone",          "aten::contiguous",  "aten::detach",       "aten::detach_",     "aten::diagonal",
    "aten::empty",          "aten::empty_like",  "aten::empty_strided", "aten::expand",     "aten::expand_as",
    "aten::flatten",        "aten::is_nonzero",  "aten::item",         "aten::lift_fresh",  "aten::matmul",
    "aten::narrow",         "aten::permute",     "aten::requires_grad_", "aten::reshape",   "aten::resize_",
    "aten::resolve_conj",   "aten::resolve_neg", "aten::result_type",  "aten::select",      "aten::set_",
    "aten::slice",          "aten::split",       "aten::squeeze",      "aten::t",           "aten::to",
    "aten::transpose",      "aten::unbind",      "aten::unsqueeze",    "aten::view",        "aten::view_as",
};

// Operators whose result the host reads: on a device, it waits for all that was started there.
const std::unordered_set<std::string> waits = {
    "aten::_local_scalar_dense", "aten::_unique2", "aten::copy_ to the host", "aten::nonzero", "aten::unique_dim",
};

// How many operators that count this thread is in.
thread_local int within = 0;

// The name, and for a copy between devices where it leads.
std::string name_of(const at::RecordFunction& function) {
  std::string name = function.name();
  if (name != "aten::copy_") return name;
  const auto inputs = function.inputs();
  if (inputs.size() < 2 || !inputs[0].isTensor() || !inputs[1].isTensor()) return name;
  const auto &to = inputs[0].toTensor(), &from = inputs[1].toTensor();
  if (!to.defined() || !from.defined() || to.device() == from.device()) return name;
  if (to.device().is_cpu()) return name + " to the host";
  return name + (from.device().is_cpu() ? " from the host" : " between devices");
}

// An operator that counts.
struct Counted : at::ObserverContext {};

std::unique_ptr<at::ObserverContext> begins(const at::RecordFunction& function) {
  // What autograd calls its steps is not an operator; those that it calls are.
  const std::string called = function.name();
  if (called.rfind("aten::", 0) != 0 || idle.count(called) > 0) return nullptr;
  const auto name = name_of(function);
  const bool outermost = within++ == 0;
  const bool is_wait = waits.count(name) > 0;
  if (outermost || is_wait) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (outermost) ++calls[name];
    if (is_wait) ++waited;
  }
  return std::make_unique<Counted>();
}

void ends(const at::RecordFunction&, at::ObserverContext* context) {
  if (context != nullptr) --within;
}

c10::DeviceAllocator* allocator() { return c10::getDeviceAllocator(c10::DeviceType::CUDA); }

c10::CachingDeviceAllocator::Stat allocated(int8_t device) {
  const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return allocator()->getDeviceStats(device).allocated_bytes[all];
}

}  // namespace

extern "C" {

// Begins to count. False: somebody counts already, or libtorch refuses.
bool intnacl_recorder_begin() {
  try {
    const std::lock_guard<std::mutex> lock(mutex);
    if (handle != at::INVALID_CALLBACK_HANDLE) return false;
    calls.clear();
    waited = 0;
    handle = at::addGlobalCallback(
        at::RecordFunctionCallback(&begins, &ends).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
    return true;
  } catch (...) {
    return false;
  }
}

// Ends the counting, tells the calls of each operator, and returns how often the host waits.
uint64_t intnacl_recorder_end(void* into, void (*each)(void* into, const char* name, size_t length, uint64_t calls)) {
  try {
    const std::lock_guard<std::mutex> lock(mutex);
    if (handle == at::INVALID_CALLBACK_HANDLE) return 0;
    at::removeCallback(handle);
    handle = at::INVALID_CALLBACK_HANDLE;
    for (const auto& [name, count] : calls) each(into, name.data(), name.size(), count);
    calls.clear();
    return waited;
  } catch (...) {
    return 0;
  }
}

// Sets the mark of the most bytes held on a CUDA device back to those held now. False: there is no such allocator.
bool intnacl_recorder_reset_peak(int8_t device, int64_t* held) {
  try {
    allocator()->resetPeakStats(device);
    *held = allocated(device).current;
    return true;
  } catch (...) {
    return false;
  }
}

// The most bytes held on a CUDA device since. False: there is no such allocator.
bool intnacl_recorder_peak(int8_t device, int64_t* bytes) {
  try {
    *bytes = allocated(device).peak;
    return true;
  } catch (...) {
    return false;
  }
}
}
