# SPDX-License-Identifier: MIT
"""Runs the commands of a session in gdb, each shown behind a prompt, errors as gdb shows them."""
import gdb

for command in open("commands", encoding="utf-8").read().splitlines():
    gdb.execute("echo (gdb) " + command.replace("\\", "\\\\") + "\\n")
    try:
        gdb.execute(command)
    except gdb.error as error:
        print(error)
