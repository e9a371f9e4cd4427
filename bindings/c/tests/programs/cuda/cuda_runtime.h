/// Stands in for CUDA's header where there is no device: its memory is the processor's.

#ifndef CUDA_RUNTIME_H
#define CUDA_RUNTIME_H

#include <cstdlib>
#include <cstring>

enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };

template <class T>
cudaError_t cudaMalloc(T **pointer, std::size_t bytes) {
    *pointer = static_cast<T *>(std::malloc(bytes));
    return *pointer ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFree(void *pointer) { return std::free(pointer), cudaSuccess; }
inline cudaError_t cudaMemset(void *pointer, int byte, std::size_t bytes) {
    return std::memset(pointer, byte, bytes), cudaSuccess;
}
inline cudaError_t cudaMemcpy(void *to, const void *from, std::size_t bytes, cudaMemcpyKind) {
    return std::memcpy(to, from, bytes), cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline const char *cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "out of memory"; }

#endif
