# SPDX-License-Identifier: Apache-2.0
"""What a hostile archive or image is, and what may become of it."""
import collections

from archives import Tar, as_bytes

# REFUSED: status 125 and one line that says why. TAKEN: it is unpacked. EITHER: as it likes, as
# long as nothing else happens. HIDDEN: unpacked, but its command is gone (127).
REFUSED, TAKEN, EITHER, HIDDEN = "refused", "taken", "either", "hidden"

# content: bytes, or None where make(DIR) puts a directory there. prefix: of the operand. look: a
# shell line run inside where it was taken, and what it has to print. options: of unpack and run.
# message: what stands in the line where it was refused.
Case = collections.namedtuple(
    "Case", "name expect content make prefix look options message",
    defaults=(None, None, "", None, (), None))


class Bait:
    """The words that lead to the canary, and a root that runs."""

    def __init__(self, place, base):
        self.place, self.base = as_bytes(place), base
        self.canary = self.place + b"/canary"
        self.up = b"../" * 40

    def tar(self):
        """A root in which busybox runs; what is hostile comes after it."""
        return (Tar().directory("bin").add("bin/busybox", self.base, mode=0o755).link("bin/sh", "busybox")
                .directory("etc").add("etc/file", "inside\n").directory("d"))

    @staticmethod
    def small():
        """What nobody will run, because it comes to nothing before."""
        return Tar().directory("etc").add("etc/file", "inside\n").directory("d")
