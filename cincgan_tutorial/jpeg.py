"""Whether a JPEG file holds as much data as its header promises.

libjpeg fills what is missing with grey and keeps silent. But what it does not need it skips: behind the data of a sound
scan anything may follow, and no pixel changes. Where data are missing, whatever follows is taken for them. So a file is
sound where it looks the same with some more data. Only the first scan is tried: a progressive file that lacks later
ones is a coarser picture, and is not told from a sound one. Source: ITU T.81, annex B.
"""

from __future__ import annotations

import re

_SCAN, _FIRST_RESTART = 0xDA, 0xD0
# Frames in Huffman code: baseline, extended, progressive. In arithmetic code zeros at the end need not be written.
_HUFFMAN, _FRAMES = (0xC0, 0xC1, 0xC2), set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A byte of 255 within data is followed by 0, or is the marker of a restart; anything else ends them.
_BEHIND_DATA = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
# No byte of 255, and hardly a code that means zeros alone.
_MORE = bytes(range(0x35, 0x75))


def continued(content: bytes) -> bytes | None:
    """Return a JPEG with more data behind those of its first scan; ``None`` where that can't tell anything."""
    place, huffman = 2, False
    while content[place : place + 1] == b"\xff" and len(content) > place + 4:
        kind, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4])
        if kind in _FRAMES:
            huffman = kind in _HUFFMAN
        place += 2 + length
        if kind == _SCAN:
            end = _BEHIND_DATA.search(content, place)
            if not huffman or end is None:
                return None
            return content[: end.start()] + _more(content[place : end.start()]) + content[end.start() :]
    return None


def _more(data: bytes) -> bytes:
    """Return data that can follow others: of each interval up to the next eight restarts, some."""
    restarts = _RESTART.findall(data)
    number = restarts[-1][0] + 1 if restarts else 0
    return _MORE + b"".join(bytes((0xFF, _FIRST_RESTART + (number + n) % 8)) + _MORE for n in range(8))
