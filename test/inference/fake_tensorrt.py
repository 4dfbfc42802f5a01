# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A GPU in the computer's memory, and a TensorRT on it that runs graphs with ONNX Runtime."""

import ctypes
from types import SimpleNamespace

import numpy as np
import onnxruntime as ort

from finetrack_ros.inference.cuda import CudaError

TYPES = {'tensor(uint8)': np.uint8, 'tensor(float)': np.float32, 'tensor(int32)': np.int32,
         'tensor(float16)': np.float16}


class FakeCuda:
    """GPU whose memory are buffers; ``most`` bytes of it."""

    name, capability, stream = 'Fake GPU', (8, 6), 1

    def __init__(self, most=1 << 30):
        self.most, self.buffers, self.allocations, self.active = most, {}, 0, False

    def activate(self):
        self.active = True

    def allocate(self, size):
        if size + sum(map(len, self.buffers.values())) > self.most:
            raise CudaError('cuMemAlloc_v2: out of memory (2)')
        self.allocations += 1
        buffer = (ctypes.c_char * size)()
        self.buffers[ctypes.addressof(buffer)] = buffer
        return ctypes.addressof(buffer)

    def free(self, address):
        del self.buffers[address]

    def upload(self, address, array):
        assert self.active and array.nbytes <= len(self.buffers[address])
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, array, address):
        assert array.nbytes <= len(self.buffers[address])
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def synchronize(self):
        pass


class Engine:

    def __init__(self, trt, plan):
        self.trt, self.session = trt, ort.InferenceSession(
            plan, providers=['CPUExecutionProvider'])
        self.inputs = [one.name for one in self.session.get_inputs()]
        self.tensors = {one.name: one for one in (*self.session.get_inputs(),
                                                  *self.session.get_outputs())}
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, index):
        return list(self.tensors)[index]

    def get_tensor_dtype(self, name):
        return TYPES[self.tensors[name].type]

    def get_tensor_mode(self, name):
        return 'INPUT' if name in self.inputs else 'OUTPUT'

    def get_tensor_shape(self, name):
        return [size if isinstance(size, int) else -1 for size in self.tensors[name].shape]

    def create_execution_context(self):
        return None if self.trt.full else Context(self)


class Context:

    def __init__(self, engine):
        self.engine, self.trt, self.shapes, self.addresses = engine, engine.trt, {}, {}

    def set_input_shape(self, name, shape):
        low, _, high = self.trt.profiles[name]
        fits = all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True))
        self.trt.shapes.append((name, tuple(shape)))
        self.shapes[name] = tuple(shape)
        return fits

    def set_tensor_address(self, name, address):
        self.addresses[name] = address
        return True

    def infer_shapes(self):
        inputs = {name: self._array(name) for name in self.engine.inputs}
        names = [name for name in self.engine.tensors if name not in self.engine.inputs]
        self.results = dict(zip(names, self.engine.session.run(names, inputs), strict=True))
        self.shapes.update({name: one.shape for name, one in self.results.items()})
        return []

    def get_tensor_shape(self, name):
        return self.shapes[name]

    def execute_async_v3(self, stream):
        for name, value in self.results.items():
            self._array(name)[...] = value
        return not self.trt.fails

    def _array(self, name):
        shape, dtype = self.shapes[name], np.dtype(self.engine.get_tensor_dtype(name))
        size = max(int(np.prod(shape)) * dtype.itemsize, 1)
        memory = (ctypes.c_char * size).from_address(self.addresses[name])
        return np.frombuffer(memory, dtype, int(np.prod(shape))).reshape(shape)


class FakeTensorRt(SimpleNamespace):
    """
    The library.

    ``stale`` plans do not load; ``builds`` counts plans built; ``full``: no memory for a context.
    """

    def __init__(self, version='10.3.0'):
        super().__init__(
            __name__='tensorrt', __version__=version, stale=0, builds=0, full=False, fails=False,
            readable=True, buildable=True, profiles={}, shapes=[],
            ILogger=type('ILogger', (), {'ERROR': 1}), nptype=lambda dtype: dtype,
            TensorIOMode=SimpleNamespace(INPUT='INPUT', OUTPUT='OUTPUT'),
            NetworkDefinitionCreationFlag=SimpleNamespace(STRONGLY_TYPED=1))

    def Runtime(self, logger):  # noqa: N802
        return SimpleNamespace(deserialize_cuda_engine=self._load)

    def _load(self, plan):
        if self.stale:
            self.stale -= 1
            return None
        return Engine(self, plan)

    def Builder(self, logger):  # noqa: N802
        return SimpleNamespace(
            create_network=self._network, build_serialized_network=self._build,
            create_optimization_profile=lambda: SimpleNamespace(
                set_shape=lambda name, *shapes: self.profiles.update({name: shapes})),
            create_builder_config=lambda: SimpleNamespace(
                add_optimization_profile=lambda profile: None))

    def _network(self, flags):
        assert flags == 2
        return SimpleNamespace()

    def OnnxParser(self, network, logger):  # noqa: N802
        def parse(data):
            engine = Engine(self, data)
            network.data, network.num_inputs = data, len(engine.inputs)
            network.get_input = lambda i: SimpleNamespace(
                name=engine.inputs[i], shape=engine.get_tensor_shape(engine.inputs[i]))
            return self.readable
        return SimpleNamespace(parse=parse, get_error=lambda i: SimpleNamespace(
            desc=lambda: 'Transpose: first input has type UInt8'))

    def _build(self, network, config):
        self.builds += 1
        return network.data if self.buildable else None
