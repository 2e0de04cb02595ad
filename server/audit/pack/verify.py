#!/usr/bin/env python3
"""Verifies an evidence pack of a Forgeguard audit log, offline, with Python 3.8+ and the openssl program only.

    python3 verify.py --key 'NAME+ID+KEY' [--checkpoint FILE ...] [--witness 'NAME+ID+KEY' ...] [--tsa FILE] [DIRECTORY]

DIRECTORY is the unpacked pack (default: where this file is). --key is the verifier key of the log, obtained by another
way than the pack. --checkpoint names a checkpoint that somebody kept; the pack must continue it. --witness is the key of
a witness, who must have signed a checkpoint that the pack brings along, --tsa the roots of a time stamping authority
(RFC 3161), who must have stamped one. Exit code: 0 sound, 1 not sound, 2 could not be verified. Shares no code with Forgeguard: it follows RFC 6962, C2SP tlog-tiles, signed-note,
tlog-checkpoint, tlog-cosignature and tlog-proof.
"""
import argparse
import base64
import binascii
import calendar
import hashlib
import itertools
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

MOST_SHOWN = 20
EMPTY_ROOT = hashlib.sha256(b"").digest()
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
SIGNATURE_LINE = re.compile(r"^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$")


class Unreadable(Exception):
    """The pack cannot be verified at all."""


class Report:
    """The problems found, in the words that `forgeguard audit verify` uses."""

    def __init__(self):
        self.problems = []

    def add(self, kind, at, message):
        self.problems.append((kind, at, message))


# --- Merkle tree, RFC 6962 section 2.1 ---


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes):
    """The root over perfect subtrees, largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def perfect_root(hashes):
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


class Edge:
    """The right edge of a growing tree: one perfect subtree for each bit of its size."""

    def __init__(self, size=0, hashes=()):
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf):
        index = self.size
        while index % 2 == 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            index //= 2
        self.hashes.append(leaf)
        self.size += 1

    def root(self):
        return fold(self.hashes)


def inclusion_holds(index, size, leaf, proof, root):
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, running = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node % 2 == 1 or node == last:
            running = node_hash(sibling, running)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            running = node_hash(running, sibling)
        node, last = node // 2, last // 2
    return last == 0 and running == root


def consistency_holds(old_size, size, old_root, root, proof):
    """RFC 9162 section 2.1.4.2."""
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    node, last = old_size - 1, size - 1
    while node % 2 == 1:
        node, last = node // 2, last // 2
    path = ([old_root] if node == 0 else []) + list(proof)
    if not path:
        return False
    old_running = running = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node % 2 == 1 or node == last:
            old_running = node_hash(sibling, old_running)
            running = node_hash(sibling, running)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            running = node_hash(running, sibling)
        node, last = node // 2, last // 2
    return last == 0 and old_running == old_root and running == root


# --- Keys and checkpoints, C2SP signed-note and tlog-checkpoint ---


def strict_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


class Key:
    """A verifier key: `name+id+base64(type || public key)`."""

    def __init__(self, text):
        name, key_id, encoded = (text.strip().split("+", 2) + ["", ""])[:3]
        data = strict_base64(encoded)
        if data is None or len(data) != 33 or data[0] not in (1, 4):
            raise Unreadable("the verifier key is none: %r" % text[:80])
        if hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8] != key_id:
            raise Unreadable("the verifier key does not fit its id: %r" % text[:80])
        self.text, self.name, self.id, self.type, self.raw = text.strip(), name, key_id, data[0], data[1:]

    def pem(self):
        body = base64.b64encode(SPKI_PREFIX + self.raw).decode()
        return "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % body


class Openssl:
    """Ed25519 by the openssl program, in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.counter = itertools.count()
        self.known = {}

    def verify(self, key, message, signature):
        asked = (key.text, message, signature)
        if asked in self.known:
            return self.known[asked]
        base = os.path.join(self.directory, str(next(self.counter)))
        names = [base + end for end in (".pem", ".msg", ".sig")]
        for name, data in zip(names, (key.pem().encode(), message, signature)):
            with open(name, "wb") as file:
                file.write(data)
        try:
            done = subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", names[0], "-rawin", "-in", names[1], "-sigfile", names[2]],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        except FileNotFoundError:
            raise Unreadable("the openssl program is needed and was not found")
        finally:
            for name in names:
                os.unlink(name)
        self.known[asked] = done.returncode == 0
        return self.known[asked]


    def stamped(self, text, response, authorities):
        """RFC 3161: the response is about the text and leads to one of the authorities, at the time that it tells."""
        base = os.path.join(self.directory, "stamp")
        for name, data in ((base + ".tsr", response), (base + ".txt", text.encode())):
            with open(name, "wb") as file:
                file.write(data)

        def ts(*args):
            return subprocess.run(["openssl", "ts", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=60, check=False)

        told = ts("-reply", "-in", base + ".tsr", "-text").stdout.decode("utf-8", "replace")
        match = re.search(r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", told, re.M)
        if match is None:
            return False
        at = calendar.timegm(time.strptime(" ".join(match.groups()), "%b %d %H:%M:%S %Y"))
        checked = ts("-verify", "-data", base + ".txt", "-in", base + ".tsr", "-CAfile", authorities, "-attime", str(at))
        return checked.returncode == 0


class Checkpoint:
    """A signed tree head; counts only once `signed_by` says so."""

    def __init__(self, note):
        text, separator, signatures = note.partition("\n\n")
        lines = text.split("\n")
        root = strict_base64(lines[2]) if len(lines) >= 3 else None
        size = lines[1] if len(lines) >= 3 else ""
        if not separator or not re.fullmatch(r"0|[1-9][0-9]{0,15}", size) or root is None or len(root) != 32 or not lines[0]:
            raise ValueError("no checkpoint")
        self.note, self.text, self.origin = note, text + "\n", lines[0]
        self.size, self.root, self.signatures = int(size), root, []
        if not signatures.endswith("\n"):
            raise ValueError("no checkpoint")
        for line in signatures[:-1].split("\n"):
            match = SIGNATURE_LINE.match(line)
            data = strict_base64(match.group(2)) if match else None
            if data is None or len(data) < 5:
                raise ValueError("no checkpoint")
            self.signatures.append((match.group(1), data[:4].hex(), data[4:]))

    def signed_by(self, key, openssl):
        ours = [s for name, key_id, s in self.signatures if (name, key_id) == (key.name, key.id)]
        if key.type == 1:
            return self.origin == key.name and bool(ours) and all(
                openssl.verify(key, self.text.encode(), s) for s in ours)
        # Cosignature: eight bytes of time in front of the signature.
        return bool(ours) and all(
            len(s) == 72 and openssl.verify(
                key, ("cosignature/v1\ntime %d\n%s" % (struct.unpack(">Q", s[:8])[0], self.text)).encode(), s[8:])
            for s in ours)


def read_checkpoint(note):
    try:
        return Checkpoint(note)
    except ValueError:
        return None


# --- The pack ---


def tile_path(level, index, width):
    groups = ["%03d" % (index % 1000)]
    index //= 1000
    while index > 0:
        groups.insert(0, "x%03d" % (index % 1000))
        index //= 1000
    return "tile/%s/%s%s" % (level, "/".join(groups), "" if width == 256 else ".p/%d" % width)


class Pack:
    def __init__(self, directory):
        self.directory = directory
        self.manifest = self.json("manifest.json")
        if not isinstance(self.manifest, dict) or self.manifest.get("format") != "forgeguard-audit-pack/1":
            raise Unreadable("manifest.json is not that of an evidence pack")
        for name in ("first", "past", "size"):
            if not isinstance(self.manifest.get(name), int) or self.manifest[name] < 0:
                raise Unreadable("manifest.json lacks %s" % name)

    def bytes(self, path):
        with open(os.path.join(self.directory, *path.split("/")), "rb") as file:
            return file.read()

    def optional(self, path):
        try:
            return self.bytes(path)
        except FileNotFoundError:
            return None

    def json(self, path):
        try:
            return json.loads(self.bytes(path).decode("utf-8"))
        except (OSError, ValueError):
            raise Unreadable("couldn't read %s" % path)

    def files(self):
        for directory, _, names in os.walk(self.directory):
            for name in names:
                full = os.path.join(directory, name)
                yield os.path.relpath(full, self.directory).replace(os.sep, "/")

    def lines(self, folder):
        for path in sorted(path for path in self.files() if path.startswith(folder + "/")):
            for line in self.bytes(path).decode("utf-8").split("\n")[:-1]:
                yield line


class Verifier:
    def __init__(self, pack, trusted, openssl, report):
        self.pack, self.trusted, self.openssl, self.report = pack, trusted, openssl, report
        self.first, self.past, self.size = (pack.manifest[name] for name in ("first", "past", "size"))
        self.begin = self.first // 256 * 256
        self.end = min(self.size, -(-self.past // 256) * 256)
        self.sealed = self.destroyed = self.absent = 0
        self.documents = self.documents_destroyed = self.documents_absent = 0

    def run(self, kept, witnesses, tsa):
        self.files()
        self.read_keys()
        self.read_head()
        self.read_tiles()
        self.read_checkpoints()
        self.read_proofs()
        self.check_witnesses(witnesses)
        self.check_timestamp(tsa)
        self.keep(kept)
        self.walk()
        self.check_digest_names()
        self.check_period()

    def files(self):
        listed = self.pack.manifest.get("files", {})
        found = set(self.pack.files()) - {"manifest.json"}
        for path in sorted(set(listed) - found):
            self.report.add("file-missing", 0, "the file %s is missing" % path)
        for path in sorted(found - set(listed)):
            self.report.add("file-unlisted", 0, "the file %s does not belong to the pack" % path)
        for path in sorted(found & set(listed)):
            if hashlib.sha256(self.pack.bytes(path)).hexdigest() != listed[path]:
                self.report.add("file-changed", 0, "the file %s is not as it was packed" % path)

    def read_keys(self):
        told = self.pack.json("keys.json")
        self.keys = [(item["since"], Key(item["key"])) for item in told]
        sinces = [since for since, _ in self.keys]
        if sinces[:1] != [-1] or sinces != sorted(set(sinces)):
            raise Unreadable("keys.json is not in order")
        if not any(key.text == self.trusted.text for _, key in self.keys):
            self.report.add("key-unknown", 0, "%s, key %s, is none of the keys that the log had" % (self.trusted.name, self.trusted.id))

    def key_at(self, size):
        fitting = [key for since, key in self.keys if since < size]
        return fitting[-1] if fitting else self.keys[0][1]

    def read_head(self):
        head = read_checkpoint(self.pack.bytes("checkpoint").decode("utf-8", "replace"))
        self.root = None
        if head is None or not head.signed_by(self.key_at(head.size), self.openssl):
            key = self.key_at(self.size)
            self.report.add("checkpoint-unsigned", self.size, "it is not signed by %s, key %s" % (key.name, key.id))
        elif head.size != self.size:
            self.report.add("checkpoint-contradicts", self.size, "it is signed for %d entries" % head.size)
        else:
            self.root = head.root
        self.head = head

    def tile(self, level, index, width):
        data = self.pack.optional(tile_path(level, index, width))
        if data is None or len(data) != width * 32:
            self.report.add("hash-changed", index * 256 ** (level + 1), "the tile %s is missing or has another size" % tile_path(level, index, width))
            return None
        return [data[at:at + 32] for at in range(0, len(data), 32)]

    def read_tiles(self):
        """Every tile must hash to what stands above it, and the right edge to the signed root."""
        self.levels, count, level = [], self.size, 0
        while count > 0:
            full, width = divmod(count, 256)
            wanted = range(full) if level > 0 else range(self.begin // 256, -(-self.end // 256))
            tiles = {index: self.tile(level, index, 256) for index in wanted if index < full}
            if width:
                tiles[full] = self.tile(level, full, width)
            self.levels.append(tiles)
            count, level = full, level + 1
        for level, tiles in enumerate(self.levels):
            for index, hashes in tiles.items():
                if hashes is None or len(hashes) < 256:
                    continue
                above = self.levels[level + 1].get(index // 256)
                if above is not None and perfect_root(hashes) != above[index % 256]:
                    self.report.add("hash-changed", index * 256 ** (level + 1), "the tile %s does not fit the tile above it" % tile_path(level, index, 256))
        edge = self.edge_at(self.size)
        if self.root is not None and (edge is None or edge.root() != self.root):
            self.report.add("checkpoint-contradicts", self.size, "the tiles are not those of the tree that was signed")

    def edge_at(self, size):
        """The edge of the tree of `size` entries, from the tiles; None where they do not reach."""
        hashes, at = [], 0
        for bit in reversed(range(size.bit_length())):
            if not size >> bit & 1:
                continue
            level, width = bit // 8, 1 << bit % 8
            index = at >> level * 8
            tile = self.levels[level].get(index // 256) if level < len(self.levels) else None
            part = tile[index % 256:index % 256 + width] if tile else []
            if len(part) != width:
                return None
            hashes.append(perfect_root(part))
            at += 1 << bit
        return Edge(size, hashes)

    def read_checkpoints(self):
        self.checkpoints, notes = {}, []
        for line in self.pack.lines("checkpoints"):
            item = json.loads(line)
            notes.append((item["size"], read_checkpoint(item["note"])))
        # Asked all at once here, openssl answers at once when they are walked over.
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            list(pool.map(lambda pair: pair[1] is not None and pair[1].signed_by(self.key_at(pair[0]), self.openssl), notes))
        self.coming = [pair for pair in notes if self.begin < pair[0] <= self.end]
        for size, checkpoint in notes:
            if not self.begin < size <= self.end and self.is_signed(size, checkpoint, self.key_at(size)):
                self.checkpoints[size] = checkpoint

    def is_signed(self, size, checkpoint, key):
        """True for a good checkpoint of this size; another one is reported."""
        if checkpoint is None or not checkpoint.signed_by(key, self.openssl):
            self.report.add("checkpoint-unsigned", size, "it is not signed by %s, key %s" % (key.name, key.id))
        elif checkpoint.size != size:
            self.report.add("checkpoint-contradicts", size, "it is signed for %d entries" % checkpoint.size)
        else:
            return True
        return False

    def read_proofs(self):
        """Entries from outside the period, such as changes of the key, by their proofs."""
        self.proved, self.agreed, self.kept = {}, {}, {}
        for path in sorted(path for path in self.pack.files() if path.startswith("proofs/")):
            head, _, note = self.pack.bytes(path).decode("utf-8", "replace").partition("\n\n")
            lines = head.split("\n")
            proof = [strict_base64(line) or b"" for line in lines if " " not in line and not line.startswith("c2sp.org")]
            fields = dict(line.split(" ", 1) for line in lines if " " in line)
            if self.head is None or note != self.head.note:
                self.report.add("proof-wrong", 0, "%s is not about the checkpoint of the pack" % path)
            elif "old" in fields:
                old = self.checkpoints.get(int(fields["old"]))
                if old is None or not consistency_holds(old.size, self.size, old.root, self.root or b"", proof):
                    self.report.add("checkpoint-contradicts", int(fields["old"]), "the log does not continue it")
                else:
                    self.agreed[old.size] = old.root
            else:
                entry, index = strict_base64(fields.get("extra", "")) or b"", int(fields.get("index", "-1"))
                if inclusion_holds(index, self.size, leaf_hash(entry), proof, self.root or b""):
                    self.proved[index] = entry
                else:
                    self.report.add("proof-wrong", index, "the entry of %s is not in the log" % path)

    def check_witnesses(self, witnesses):
        note = (self.pack.optional("cosigned") or b"").decode("utf-8", "replace")
        checkpoint = read_checkpoint(note)
        for witness in witnesses:
            if checkpoint is None or not checkpoint.signed_by(witness, self.openssl):
                self.report.add("witness-missing", 0, "the witness %s, key %s, has not signed a checkpoint of it" % (witness.name, witness.id))
        if note:
            self.keep([note])

    def check_timestamp(self, tsa):
        note = self.pack.optional("timestamped")
        if note is not None:
            self.keep([note.decode("utf-8", "replace")])
        if tsa is None:
            return
        checkpoint = read_checkpoint((note or b"").decode("utf-8", "replace"))
        response = self.pack.optional("timestamp.tsr")
        if checkpoint is None or response is None or not self.openssl.stamped(checkpoint.text, response, tsa):
            self.report.add("timestamp-missing", 0, "no time stamp of a checkpoint of it is signed by the authority")

    def keep(self, kept):
        for note in kept:
            checkpoint = read_checkpoint(note)
            if checkpoint is None or not checkpoint.signed_by(self.key_at(checkpoint.size), self.openssl):
                key = self.keys[-1][1]
                self.report.add("checkpoint-unsigned", 0, "a kept checkpoint is not signed by %s, key %s" % (key.name, key.id))
            elif checkpoint.size > self.size:
                self.report.add("kept-checkpoint-contradicts", checkpoint.size, "%d entries were signed once, the log has %d: its end is missing" % (checkpoint.size, self.size))
            elif self.begin <= checkpoint.size <= self.end:
                self.kept.setdefault(checkpoint.size, []).append(checkpoint.root)
            else:
                edge = self.edge_at(checkpoint.size)
                root = self.agreed.get(checkpoint.size) or (edge.root() if edge else None)
                if root is None:
                    raise Unreadable("the pack does not reach back to the kept checkpoint of %d entries" % checkpoint.size)
                self.compare_kept(checkpoint.size, [checkpoint.root], root)

    def compare_kept(self, size, roots, root):
        for kept in roots:
            if kept != root:
                self.report.add("kept-checkpoint-contradicts", size, "the first %d entries are not those of a kept checkpoint" % size)

    def bundle(self, index):
        width = min(256, self.size - index * 256)
        data = self.pack.optional(tile_path("entries", index, width)) or b""
        entries, at = [], 0
        while at + 2 <= len(data):
            (length,) = struct.unpack(">H", data[at:at + 2])
            entries.append(data[at + 2:at + 2 + length])
            at += 2 + length
        return entries

    def walk(self):
        """Recomputes every leaf from the entries' bytes, and with them every checkpoint of the period."""
        edge = self.edge_at(self.begin)
        self.entries, self.announced, last_time = [], 0, ""
        if edge is None:
            return  # The tiles that are missing were reported.
        changes = {}
        # Those before are told by their proofs.
        current = [key for since, key in self.keys if since < self.begin]
        current = current[-1] if current else self.keys[0][1]
        handover = None
        vouched, contradicted = self.begin, False

        def visit(reached):
            nonlocal handover, vouched, contradicted
            while self.coming and self.coming[0][0] <= reached:
                size, checkpoint = self.coming.pop(0)
                if handover is not None:
                    since, previous = handover
                    handover = None
                    if checkpoint is None or not checkpoint.signed_by(previous, self.openssl):
                        self.report.add("key-change-unsigned", since, "the key before, %s, has not signed the new one" % previous.id)
                if not self.is_signed(size, checkpoint, current):
                    continue
                if size == edge.size and checkpoint.root == edge.root():
                    vouched = size
                elif not contradicted:
                    contradicted = True
                    self.report.add("checkpoint-contradicts", size, "the entries %d to %d are not those that were signed" % (vouched, size - 1))

        for tile in range(self.begin // 256, -(-self.end // 256)):
            entries = self.bundle(tile)
            leaves = self.levels[0].get(tile) or []
            expected = min(256, self.size - tile * 256)
            if len(entries) < expected:
                self.report.add("entry-missing", tile * 256 + len(entries), "the entries %d to %d are missing" % (tile * 256 + len(entries), tile * 256 + expected - 1))
            if len(entries) > expected:
                self.report.add("entry-misplaced", tile * 256 + expected, "there are more entries than the log has")
                entries = entries[:expected]
            for at, entry in enumerate(entries):
                index = tile * 256 + at
                visit(index)
                leaf = leaf_hash(entry)
                if at >= len(leaves) or leaf != leaves[at]:
                    self.report.add("entry-changed", index, "its bytes are not those that its hash is of")
                told = self.parse(entry, index)
                if told is not None:
                    if told.get("index") != index:
                        self.report.add("entry-misplaced", index, "it says of itself that it is entry %s" % told.get("index"))
                    if str(told.get("time", "")) < last_time:
                        self.report.add("time-backwards", index, "its time %s is before that of an earlier entry" % told.get("time"))
                    else:
                        last_time = str(told.get("time", ""))
                    pruned = told.get("details", {}).get("past") if told.get("action") == "audit.pruned" else None
                    if isinstance(pruned, int) and pruned <= index:
                        self.announced = max(self.announced, pruned)
                    if told.get("action") == "audit.key-rotated":
                        details = told.get("details", {})
                        if details.get("previous") != current.text:
                            self.report.add("key-change-unsigned", index, "it brings a new key that does not follow the one in use")
                        else:
                            handover, current = (index, current), Key(str(details.get("key")))
                            changes[index] = (details["previous"], details["key"])
                if self.first <= index < self.past:
                    self.entries.append(entry)
                edge.append(leaf)
                self.compare_kept(edge.size, self.kept.get(edge.size, []), edge.root() if edge.size in self.kept else b"")
        visit(self.end)
        if handover is not None:
            self.report.add("key-change-unsigned", handover[0], "the key before, %s, has not signed the new one" % handover[1].id)
        self.compare_lines()
        self.check_texts()
        self.check_changes(changes)

    def parse(self, entry, index):
        try:
            told = json.loads(entry.decode("utf-8"))
            if isinstance(told, dict):
                return told
        except ValueError:
            pass
        self.report.add("entry-changed", index, "its bytes are no entry in canonical form")
        return None

    def check_changes(self, seen):
        """Each key but the first must have been brought by an entry that is in the log, signed by the key before."""
        for (_, previous), (since, key) in zip(self.keys, self.keys[1:]):
            if self.begin <= since < self.end:
                # The walk has looked at the signature.
                is_told, is_signed = seen.get(since) == (previous.text, key.text), True
            else:
                entry = self.proved.get(since)
                details = json.loads(entry.decode("utf-8")).get("details", {}) if entry else {}
                is_told = details.get("previous") == previous.text and details.get("key") == key.text
                sizes = [size for size in self.checkpoints if size > since]
                is_signed = bool(sizes) and self.checkpoints[min(sizes)].signed_by(previous, self.openssl)
            if not (is_told and is_signed):
                self.report.add("key-change-unsigned", since, "the key before, %s, has not signed the new one" % previous.id)

    def compare_lines(self):
        """The entries as lines, for people to read, must be those of the tree."""
        lines = [line.encode("utf-8") for line in self.pack.lines("entries")]
        if lines != self.entries:
            at = next((i for i, (a, b) in enumerate(zip(lines, self.entries)) if a != b), min(len(lines), len(self.entries)))
            self.report.add("entry-changed", self.first + at, "the lines in entries/ are not the entries of the log")

    def check_texts(self):
        """What was sealed in entries must be what they commit to: its SHA-256 is in them, salted."""
        opened = [(item["index"], item["plaintext"]) for item in map(json.loads, self.pack.lines("opened"))]
        at_text, missing = 0, []
        for at, entry in enumerate(self.entries):
            sealed = (self.told(entry) or {}).get("sealed")
            if sealed is None:
                continue
            index = self.first + at
            self.sealed += 1
            if at_text == len(opened) or opened[at_text][0] != index:
                missing.append(sealed.get("key"))
                continue
            digest = hashlib.sha256(opened[at_text][1].encode("utf-8")).digest()
            if base64.b64encode(digest).decode() != sealed.get("commitment"):
                self.report.add("text-wrong", index, "what is in opened/ is not what was sealed in it")
            at_text += 1
        if at_text < len(opened):
            self.report.add("text-wrong", opened[at_text][0], "opened/ holds texts that were not sealed in the period")
        told = [self.told(entry) for entry in self.entries + list(self.proved.values())]
        shredded = {item["details"].get("key") for item in told if item and item.get("action") == "audit.shredded"}
        self.destroyed = sum(1 for key in missing if key in shredded)
        self.absent = len(missing) - self.destroyed
        named = [item["details"] for item in map(self.told, self.entries) if item and item.get("action") == "evidence.kept"]
        named = [item for item in named if self.is_document(item)]
        files = set(self.pack.files())
        missing = [item["key"] for item in named if "evidence/%s.json" % item["digest"] not in files]
        self.documents = len(named)
        self.documents_destroyed = sum(1 for key in missing if key in shredded)
        self.documents_absent = len(missing) - self.documents_destroyed

    @staticmethod
    def is_document(details):
        digest, key = details.get("digest"), details.get("key")
        return isinstance(digest, str) and isinstance(key, str) and re.match(r"[0-9a-f]{64}\Z", digest) is not None

    def told(self, entry):
        try:
            told = json.loads(entry.decode("utf-8"))
            return told if isinstance(told, dict) else None
        except ValueError:
            return None

    def check_digest_names(self):
        """Policies and evidence are named for their own SHA-256."""
        for folder, what in (("policies", "policy"), ("evidence", "document")):
            for path in sorted(path for path in self.pack.files() if path.startswith(folder + "/")):
                if hashlib.sha256(self.pack.bytes(path)).hexdigest() != os.path.basename(path).split(".")[0]:
                    self.report.add("file-changed", 0, "the file %s is not the %s that it is named for" % (path, what))

    def check_period(self):
        """The entries before the first and behind the last show that the period is whole, or one that says it was pruned."""
        manifest = self.pack.manifest
        since, until = manifest.get("from"), manifest.get("to")
        told = {index: json.loads(entry.decode("utf-8")) for index, entry in self.proved.items()}
        before = told.get(self.first - 1, {}).get("time", "")
        is_first = self.first == 0 or (since is not None and "" < before < since)
        announced = [entry.get("details", {}).get("past") for entry in told.values() if entry.get("action") == "audit.pruned"]
        if not is_first and self.announced < self.first and self.first not in announced:
            self.report.add("period-incomplete", self.first, "it is not shown that no earlier entry is of the period")
        if self.past < self.size and not (until is not None and told.get(self.past, {}).get("time", "") >= until):
            self.report.add("period-incomplete", self.past, "it is not shown that no later entry is of the period")


def main():
    parser = argparse.ArgumentParser(description="Verifies an evidence pack of a Forgeguard audit log, offline.")
    parser.add_argument("directory", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--key", required=True, help="verifier key of the log, obtained by another way than the pack")
    parser.add_argument("--checkpoint", action="append", default=[], help="a kept checkpoint; may be repeated")
    parser.add_argument("--witness", action="append", default=[], help="the key of a witness; may be repeated")
    parser.add_argument("--tsa", help="PEM file with the roots of the time stamping authority that must have stamped it")
    flags = parser.parse_args()
    report = Report()
    try:
        kept = []
        for path in flags.checkpoint:
            with open(path, encoding="utf-8") as file:
                kept.append(file.read())
        pack = Pack(flags.directory)
        with tempfile.TemporaryDirectory() as scratch:
            verifier = Verifier(pack, Key(flags.key), Openssl(scratch), report)
            verifier.run(kept, [Key(text) for text in flags.witness], flags.tsa)
    except (Unreadable, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        print("couldn't verify: %s" % error, file=sys.stderr)
        return 2
    for kind, at, message in report.problems[:MOST_SHOWN]:
        print("problem at %d: %s (%s)" % (at, message, kind))
    if len(report.problems) > MOST_SHOWN:
        print("... %d problems in all" % len(report.problems))
    print("entries %d to %d of %d" % (pack.manifest["first"], pack.manifest["past"] - 1, pack.manifest["size"]))
    if verifier.sealed:
        print("sealed texts in %d entries: %d opened, %d destroyed under an approval, %d not in the pack" % (
            verifier.sealed, verifier.sealed - verifier.destroyed - verifier.absent, verifier.destroyed, verifier.absent))
    if verifier.documents:
        print("evidence of %d entries: %d opened, %d destroyed under an approval, %d not in the pack" % (
            verifier.documents, verifier.documents - verifier.documents_destroyed - verifier.documents_absent,
            verifier.documents_destroyed, verifier.documents_absent))
    print("NOT OK" if report.problems else "ok")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
