# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the TensorRT engines need of CUDA, through the driver's own library."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_LIBRARY = 'libcuda.so.1'
# CUdevice_attribute of cuda.h.
_MAJOR, _MINOR = 75, 76


class CudaError(RuntimeError):
    """A call of CUDA failed, or there is no CUDA."""


class Cuda(Protocol):
    """
    One GPU and one stream on it.

    :ivar name: the GPU's name.
    :ivar capability: its compute capability, such as (8, 7).
    :ivar stream: handle of the stream that all calls are queued on.
    """

    name: str
    capability: tuple[int, int]
    stream: int

    def activate(self) -> None:
        """Make the GPU the calling thread's; to be called before all else in each thread."""

    def allocate(self, size: int) -> int:
        """Return the address of so many bytes on the GPU."""

    def free(self, address: int) -> None:
        """Give memory back."""

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copy a dense array to the GPU; it may be changed after ``synchronize``."""

    def download(self, array: NDArray[Any], address: int) -> None:
        """Fill a dense array from the GPU; it is there after ``synchronize``."""

    def synchronize(self) -> None:
        """Wait for what is queued."""


class DriverCuda:
    """
    CUDA by libcuda, which comes with every driver, on desktops and Jetsons.

    :param index: number of the GPU.
    :raises CudaError: where there is no driver or no such GPU, and from each call that fails.
    """

    def __init__(self, index: int = 0) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise CudaError(f'there is no NVIDIA driver ({error})') from error
        self._call('cuInit', 0)
        count, device = c_int(), c_int()
        self._call('cuDeviceGetCount', byref(count))
        if index >= count.value:
            raise CudaError(f'there are {count.value} GPUs, none of number {index}')
        self._call('cuDeviceGet', byref(device), index)
        name = ctypes.create_string_buffer(128)
        self._call('cuDeviceGetName', name, len(name), device)
        self.name = name.value.decode(errors='replace')
        self.capability = (self._attribute(device, _MAJOR), self._attribute(device, _MINOR))
        # The primary context is the one that the inference library uses, too.
        self._context = c_void_p()
        self._call('cuDevicePrimaryCtxRetain', byref(self._context), device)
        self.activate()
        stream = c_void_p()
        self._call('cuStreamCreate', byref(stream), 0)
        self.stream = stream.value or 0

    def _attribute(self, device: c_int, number: int) -> int:
        value = c_int()
        self._call('cuDeviceGetAttribute', byref(value), number, device)
        return value.value

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            text = c_char_p()
            self._library.cuGetErrorString(code, byref(text))
            reason = text.value.decode() if text.value else 'unknown error'
            raise CudaError(f'{name}: {reason} ({code})')

    def activate(self) -> None:
        """Make the GPU the calling thread's."""
        self._call('cuCtxSetCurrent', self._context)

    def allocate(self, size: int) -> int:
        """Return the address of so many bytes on the GPU."""
        address = c_uint64()
        self._call('cuMemAlloc_v2', byref(address), c_size_t(max(size, 1)))
        return address.value

    def free(self, address: int) -> None:
        """Give memory back."""
        self._call('cuMemFree_v2', c_uint64(address))

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copy a dense array to the GPU."""
        self._call('cuMemcpyHtoDAsync_v2', c_uint64(address), c_void_p(array.ctypes.data),
                   c_size_t(array.nbytes), c_void_p(self.stream))

    def download(self, array: NDArray[Any], address: int) -> None:
        """Fill a dense array from the GPU."""
        self._call('cuMemcpyDtoHAsync_v2', c_void_p(array.ctypes.data), c_uint64(address),
                   c_size_t(array.nbytes), c_void_p(self.stream))

    def synchronize(self) -> None:
        """Wait for what is queued."""
        self._call('cuStreamSynchronize', c_void_p(self.stream))


class MemoryPool:
    """
    Memory of a GPU that is kept and used again, since allocating stops the GPU's work.

    :ivar held: arrays that are being copied from; they stay until ``synchronize``.
    """

    def __init__(self, cuda: Cuda) -> None:
        self.cuda = cuda
        self.held: list[NDArray[Any]] = []
        self._spare: dict[int, list[int]] = {}

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        """Return an array of undefined content; its memory is used again when it is gone."""
        size = int(np.prod(shape)) * dtype.itemsize
        # Counts change from frame to frame: powers of two fit most of them.
        size = 1 << max(size - 1, 1).bit_length()
        spare = self._spare.setdefault(size, [])
        address = spare.pop() if spare else self._allocate(size)
        return DeviceArray(address, shape, dtype, spare)

    def synchronize(self) -> None:
        """Wait for what is queued."""
        self.cuda.synchronize()
        self.held.clear()

    def _allocate(self, size: int) -> int:
        try:
            return self.cuda.allocate(size)
        except CudaError:
            for spare in self._spare.values():
                while spare:
                    self.cuda.free(spare.pop())
            return self.cuda.allocate(size)


class DeviceArray:
    """An array on a GPU."""

    def __init__(self, address: int, shape: tuple[int, ...], dtype: np.dtype[Any],
                 spare: list[int]) -> None:
        self.address, self.shape, self.dtype = address, shape, dtype
        self._spare = spare

    def __del__(self) -> None:
        self._spare.append(self.address)
