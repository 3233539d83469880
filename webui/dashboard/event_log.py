"""TensorBoard's event files, read without TensorBoard: the scalars of each tag.

A file is records of a length (8 bytes, little-endian), its masked CRC-32C (4), the Event, and the Event's CRC (4); see
tensorflow/core/lib/io/record_writer.cc and tensorflow/core/util/event.proto. The dashboard reads them itself because
tensorboard's own loader starts at the beginning every time and needs the layer that brings torch; the messages are
parsed by protobuf, which Streamlit brings.
"""

import struct
from array import array
from functools import cache

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from webui.dashboard.growing_file import GrowingFile
from webui.dashboard.run_curves import Curve

_HEAD = struct.Struct("<QI")
_FOOT = 4  # bytes
_SMALLEST = 9  # bytes of an Event: its time
_LARGEST = 2**16  # bytes of a record that may hold scalars; larger ones are pictures, histograms, graphs
_DAMAGED = "is no TensorBoard event file, or is damaged there"
_FLOAT, _DOUBLE = 1, 2  # DT_FLOAT, DT_DOUBLE of types.proto


class EventLog:
    """The scalars of one event file."""

    def __init__(self, path):
        self.path = path
        self.file = GrowingFile(path, self._take, self._forget)
        self._forget()

    def _forget(self):
        self._tags = {}  # tag -> (steps, times in seconds, values)
        self._damaged = 0  # records

    def _take(self, buffer):
        at, event = 0, _event_class()()
        while at + _HEAD.size <= len(buffer):
            length, check = _HEAD.unpack_from(buffer, at)
            end = at + _HEAD.size + length + _FOOT
            likely = (
                at > 0 and _SMALLEST <= length <= _LARGEST
            )  # a check of every length would take a third of the time
            if not likely and _masked_crc(buffer[at : at + 8]) != check:
                self.file.problem = f"{_DAMAGED} (byte {self.file.done + at})"
                return at
            if length > _LARGEST:
                if self.file.done + end > self.file.size:
                    return at  # still being written
                at = end
                continue
            if end > len(buffer):
                return at
            self._add(event, buffer[at + _HEAD.size : end - _FOOT])
            at = end
        return at

    def _add(self, event, record):
        try:
            event.ParseFromString(record)
        except DecodeError:
            self._damaged += 1
            return
        for value in event.summary.value:
            number = value.simple_value if value.HasField("simple_value") else _scalar(value.tensor)
            if number is not None:
                steps, times, numbers = self._tags.setdefault(value.tag, (array("d"), array("d"), array("d")))
                steps.append(event.step)
                times.append(event.wall_time)
                numbers.append(number)

    @property
    def problems(self):
        found = [f"{self.path} {self.file.problem}"] if self.file.problem else []
        return found + ([f"{self.path}: {self._damaged} damaged records left out"] if self._damaged else [])

    def tags(self):
        """Tag -> (steps, times in seconds, values), arrays of one length."""
        return self._tags


def join(logs):
    """Name -> Curve of the event files of one run, in their order; a step that was written again counts once."""
    parts: dict[str, list] = {}
    for log in logs:
        for tag, columns in log.tags().items():
            parts.setdefault(tag, []).append(np.array(columns))
    joined = {tag: np.concatenate(found, axis=1) for tag, found in parts.items()}
    start = min((columns[1].min() for columns in joined.values()), default=0.0)
    curves = {}
    for tag, (steps, times, values) in joined.items():
        _, last = np.unique(steps[::-1], return_index=True)
        kept = len(steps) - 1 - last
        kept = kept[np.isfinite(values[kept])]
        if len(kept):
            nothing = np.full(len(kept), np.nan)
            curves[tag] = Curve(steps[kept], nothing, (times[kept] - start) / 3600, values[kept])
    return curves


def _scalar(tensor):
    """The number of a tensor with one float, as TensorFlow 2 and newer writers store scalars; None for any other."""
    if tensor.dtype not in (_FLOAT, _DOUBLE):
        return None
    kind, listed = ("<f", tensor.float_val) if tensor.dtype == _FLOAT else ("<d", tensor.double_val)
    if len(listed) == 1:
        return listed[0]
    return (
        struct.unpack(kind, tensor.tensor_content)[0] if len(tensor.tensor_content) == struct.calcsize(kind) else None
    )


@cache
def _event_class():
    """The part of tensorflow's Event that holds scalars, as a protobuf class."""
    kind = descriptor_pb2.FieldDescriptorProto
    messages: dict[str, list[tuple]] = {
        "Tensor": [
            ("dtype", 1, kind.TYPE_INT32, False, ""),
            ("tensor_content", 4, kind.TYPE_BYTES, False, ""),
            ("float_val", 5, kind.TYPE_FLOAT, True, ""),
            ("double_val", 6, kind.TYPE_DOUBLE, True, ""),
        ],
        "Value": [
            ("tag", 1, kind.TYPE_STRING, False, ""),
            ("simple_value", 2, kind.TYPE_FLOAT, False, ""),
            ("tensor", 8, kind.TYPE_MESSAGE, False, "Tensor"),
        ],
        "Summary": [("value", 1, kind.TYPE_MESSAGE, True, "Value")],
        "Event": [
            ("wall_time", 1, kind.TYPE_DOUBLE, False, ""),
            ("step", 2, kind.TYPE_INT64, False, ""),
            ("summary", 5, kind.TYPE_MESSAGE, False, "Summary"),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(name="whetstone_event.proto", package="whetstone", syntax="proto2")
    for message, fields in messages.items():
        found = file.message_type.add(name=message)
        for name, number, field_kind, is_list, of in fields:
            label = kind.LABEL_REPEATED if is_list else kind.LABEL_OPTIONAL
            field = found.field.add(name=name, number=number, type=field_kind, label=label)
            if of:
                field.type_name = f".whetstone.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("whetstone.Event"))


@cache
def _crc_table():
    table = []
    for index in range(256):
        for _ in range(8):
            index = index >> 1 ^ (0x82F63B78 if index & 1 else 0)  # Castagnoli's polynomial, reflected
        table.append(index)
    return table


def _masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _crc_table()[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
