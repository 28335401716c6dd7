#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows a page in WebKitGTK's sandbox and says what is seen on the screen.

    webkit.py DIRECTORY

One `NAME: WHAT` on each line; DIRECTORY gets the page's picture and a copy of the screen.
"""
import os
import pathlib
import struct
import sys
import zlib

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gdk, GLib, Gtk, WebKit2  # noqa: E402 (after their versions)

# Where on the page each colour is to be found.
PLACES = {"block": (50, 50), "second": (150, 50), "canvas": (250, 50), "picture": (350, 50),
          "rest": (50, 350)}
TEXT = (0, 150, 400, 100)

PAGE = """<title>loading</title>
<style>
body { margin: 0; background: #fffbe6; }
.at { position: absolute; top: 0; width: 100px; height: 100px; }
</style>
<div class=at style="left: 0; background: #1f77b4"></div>
<div class=at style="left: 100px; background: #d62728"></div>
<canvas class=at style="left: 200px" id=canvas width=100 height=100></canvas>
<img class=at style="left: 300px" src="picture.png">
<p style="position: absolute; top: 150px; font: 40px sans-serif">text on a page</p>
<script>
const brush = document.getElementById("canvas").getContext("2d");
brush.fillStyle = "#2ca02c";
brush.fillRect(0, 0, 100, 100);
document.title = "sandboxed";
</script>"""

SCRIPT = "document.title + ' ' + 6 * 7"
LOOK_AGAIN_MS = 200
LOOKS = 50
LIMIT_S = 60


def write_png(path, color, side=10):
    """A picture of one colour."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    rows = (b"\0" + bytes(color) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def state_of(pid):
    """The lines of /proc/PID/status."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return {name: value.split() for name, _, value in
            (line.partition(":") for line in text.splitlines())}


def all_processes():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield int(name), state_of(int(name))
        except OSError:
            continue


class Viewer:
    """A window at a known place, with what is to be found out about it."""

    def __init__(self, directory):
        self.directory = directory
        context = WebKit2.WebContext.get_default()
        context.set_sandbox_enabled(True)
        context.add_path_to_sandbox(str(directory / "page"), True)
        self.view = WebKit2.WebView.new_with_context(context)
        self.view.connect("load-changed", self.on_load)
        self.view.connect("web-process-terminated", lambda *_: self.give_up("no web process"))
        self.window = Gtk.Window(type=Gtk.WindowType.POPUP)
        self.window.set_default_size(800, 600)
        self.window.add(self.view)
        self.window.show_all()
        self.status = self.looks = 0

    def give_up(self, why):
        print(why, file=sys.stderr)
        self.status = 1
        Gtk.main_quit()

    def show(self):
        self.view.load_uri((self.directory / "page/index.html").as_uri())
        GLib.timeout_add_seconds(LIMIT_S, self.give_up, "the page was not shown in time")
        Gtk.main()
        return self.status

    def on_load(self, _view, event):
        if event == WebKit2.LoadEvent.FINISHED:
            self.view.run_javascript(SCRIPT, None, self.on_result)

    def on_result(self, view, result):
        try:
            value = view.run_javascript_finish(result).get_js_value().to_string()
        except GLib.Error as error:
            self.give_up(f"the script failed: {error.message}")
            return
        print("script:", value)
        GLib.timeout_add(LOOK_AGAIN_MS, self.look)

    def look(self):
        """What stands on the screen, not what the view believes to have drawn."""
        root = Gdk.get_default_root_window()
        screen = Gdk.pixbuf_get_from_window(root, 0, 0, 800, 600)
        colors = {name: color_at(screen, *place) for name, place in PLACES.items()}
        self.looks += 1
        if len(set(colors.values())) < len(PLACES) and self.looks < LOOKS:
            return True
        screen.savev(str(self.directory / "screen.png"), "png", [], [])
        for name, color in colors.items():
            print(f"{name}: {color}")
        print("text:", "yes" if len(colors_in(screen, *TEXT)) > 2 else "no")
        self.tell_process()
        Gtk.main_quit()
        return False

    def tell_process(self):
        """Who the web process is, the first of its namespace, and which files it has."""
        processes = dict(all_processes())
        web = next(pid for pid, state in processes.items()
                   if state["Name"] == ["WebKitWebProces"])
        state = first = processes[web]
        while first["NSpid"][-1] != "1":
            first = processes[int(first["PPid"][0])]
        print("init:", *first["Name"])
        print("pids:", *state["NSpid"])
        print("filter:", *state["Seccomp"])
        print("bounding:", *state["CapBnd"])
        for name, path in (("page", "page/index.html"), ("secret", "home/secret")):
            there = os.path.exists(f"/proc/{web}/root{self.directory}/{path}")
            print(f"{name}:", "there" if there else "missing")


def color_at(screen, x, y):
    start = y * screen.get_rowstride() + x * screen.get_n_channels()
    return "#" + bytes(screen.get_pixels()[start:start + 3]).hex()


def colors_in(screen, left, top, width, height):
    return {color_at(screen, x, y) for x in range(left, left + width, 2)
            for y in range(top, top + height, 2)}


def main():
    directory = pathlib.Path(sys.argv[1])
    (directory / "page").mkdir()
    (directory / "page/index.html").write_text(PAGE, encoding="utf-8")
    write_png(directory / "page/picture.png", (0x94, 0x67, 0xbd))
    return Viewer(directory).show()


if __name__ == "__main__":
    sys.exit(main())
