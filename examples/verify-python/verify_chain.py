#!/usr/bin/env python3
"""Recomputes one chain of a RainLogs archive with Python's standard library alone.

usage: verify_chain.py ARCHIVE ZONE DATASET

Reads the entry bundles, recomputes every entry's prev, every leaf hash and the
RFC 6962 root, and compares them with the entries, the level-0 tiles and the
checkpoint. It checks no signature (see docs/archive-format.md for openssl) and
shares no code with RainLogs. Exit 0 if all agree, 3 if not.
"""
import base64
import hashlib
import json
import pathlib
import struct
import sys

sha = lambda b: hashlib.sha256(b).digest()  # noqa: E731


def path(n):  # tlog-tiles: 1234067 -> x001/x234/067
    parts = []
    while True:
        parts.append("%03d" % (n % 1000))
        n //= 1000
        if n == 0:
            break
    return "/".join(["x" + p for p in reversed(parts[1:])] + [parts[0]])


def root(hashes):  # RFC 6962, section 2.1
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha(b"\x01" + root(hashes[:k]) + root(hashes[k:]))


def tile(folder, n, width):
    full = folder / path(n)
    partial = folder / (path(n) + ".p") / str(width)
    return (partial if width < 256 and partial.exists() else full).read_bytes()


def main(archive, zone, dataset):
    chain = pathlib.Path(archive) / "chain" / zone / dataset
    origin, size, want = (chain / "checkpoint").read_text().split("\n")[:3]
    size, leaves, prev = int(size), [], "0" * 64
    for n in range((size + 255) // 256):
        width = min(256, size - n * 256)
        data = tile(chain / "tile" / "entries", n, width)
        for _ in range(width):
            (length,) = struct.unpack(">H", data[:2])
            entry, data = data[2 : 2 + length], data[2 + length :]
            e = json.loads(entry)
            if e["seq"] != len(leaves) or e["prev"] != prev:
                print(f"entry {len(leaves)}: seq {e['seq']}, prev {e['prev']}, want {prev}")
                return 3
            prev = hashlib.sha256(entry).hexdigest()
            leaves.append(sha(b"\x00" + entry))
        if tile(chain / "tile" / "0", n, width)[: width * 32] != b"".join(leaves[n * 256 :]):
            print(f"tile 0/{path(n)} does not hold the entries' leaf hashes")
            return 3
    if base64.b64encode(root(leaves)).decode() != want:
        print(f"root of {size} entries is not the checkpoint's")
        return 3
    print(f"{origin}: {size} entries, root {want}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
