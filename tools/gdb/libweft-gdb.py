# SPDX-License-Identifier: MIT
"""Commands of gdb for async C: `help weft` lists them, docs/debugging.md shows a session.

How         Everything is read from memory, by the types in the debug information of libweft: nothing in
            the process is called, so a core file serves as well. What the compiler leaves for this file:
                struct f__frame      the locals that are kept, under their names (`i__2`: the second `i`);
                                     a member weft_lines_FROM_TO_n opens those of a block in these lines
                struct f__names      struct f__args with the names of the parameters
                f__async.points      where a suspended frame waits, and for whom (weft/frame.h)
Tasks       are found by walking the slabs of all runtimes (exec/slab.c), which begin at weft__runtimes.
Running     A frame that is being polled knows only the point it awaited last. So the innermost frame on
            the C stack counts as waiting for nobody, and the lines of those on it are gdb's.
Not here    async functions written by hand: gdb sees their frames as they are, and a backtrace ends with
            them, unless they have a table.
"""
import re

import gdb

AT_DONE = 0xFFFFFFFF
FLAG_LINES = 1 << 1  # enum weft_async_flags
POINT_OWN, POINT_BRANCH = 1, 2  # enum weft_point_flags
QUEUED, RUNNING, CANCELLED = 1, 2, 8  # core/task_ct.h, core/task_mt.h


def pointer_to(name):
    return gdb.lookup_type("struct " + name).pointer()


def at(address, name):
    """The struct of that name at an address."""
    return gdb.Value(address).cast(pointer_to(name)).dereference()


def symbol_value(name):
    symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if not symbol:
        raise gdb.GdbError(
            "No symbol %s: there is no libweft, or it has no debug information." % name)
    return symbol.value()


# ---- frames of async functions ----


class Frame:
    """The frame of an async function: where it is, what it waits for."""

    def __init__(self, descriptor, address):
        self.descriptor, self.address = descriptor, address
        self.name = descriptor["name"].string()
        self.running_line = None
        self.calls = []  # [(label, Frame or None)]: whom it awaits; a label: in a strand of its own

    @property
    def at(self):
        return int(at(self.address, "weft_frame")["at"])

    def point(self):
        number = self.at
        if 0 < number <= int(self.descriptor["point_count"]):
            return self.descriptor["points"][number - 1]
        return None

    def line(self):
        point = self.point()
        if self.running_line:
            return self.running_line
        if point:
            return int(point["line"])
        if int(self.descriptor["flags"]) & FLAG_LINES and 0 < self.at < AT_DONE:
            return self.at
        return int(self.descriptor["line"])

    def where(self):
        return "%s (%s:%d)" % (self.name, self.descriptor["file"].string(), self.line())

    def type_of(self, suffix):
        """struct NAME__SUFFIX as the file of the function has it, or None."""
        block = gdb.block_for_pc(int(self.descriptor["poll"]))
        try:
            name = "struct %s__%s" % (self.name, suffix)
            return gdb.lookup_type(name, block) if block else gdb.lookup_type(name)
        except gdb.error:
            return None

    def view(self, suffix):
        """A pointer to the frame as struct NAME__SUFFIX, or None."""
        kind = self.type_of(suffix)
        return gdb.Value(self.address).cast(kind.pointer()) if kind else None


def own_frame(address):
    """The frame behind a link."""
    link = at(address, "weft_link")
    return Frame(link["async"].dereference(), address + link.type.sizeof)


def branch_call(index, branch):
    label = "branch %d%s" % (index, ", cancelled" if branch["cancelled"] else "")
    if branch["done"] or not int(branch["async"]):
        return label + (" has ended" if branch["done"] else " has not begun"), None
    frame = Frame(branch["async"].dereference(), int(branch["frame"]))
    grow(frame, branch["strand"])
    return label, frame


def find_calls(frame, links):
    point = frame.point()
    if not point:  # written by hand: perhaps it awaits a frame of its own
        frame.calls = [(None, own_frame(links.pop(0)))] if links else []
        return
    flags, place = int(point["flags"]), frame.address + int(point["child_offset"])
    if flags & POINT_BRANCH:
        first = gdb.Value(place).cast(pointer_to("weft_branch"))
        frame.calls = [branch_call(i, first[i]) for i in range(flags >> 8 or 1)]
        if not flags >> 8:  # of a timeout
            frame.calls = [("", child) for _, child in frame.calls if child]
    elif flags & POINT_OWN:
        child = int(gdb.Value(place).cast(pointer_to("weft_link").pointer()).dereference())
        link = child - gdb.lookup_type("struct weft_link").sizeof
        if link in links:
            links.remove(link)
            frame.calls = [(None, own_frame(link))]
    elif int(point["child"]):
        frame.calls = [(None, Frame(point["child"].dereference(), place))]


def walk(frame):
    """A frame and all that it awaits, in the order of a backtrace."""
    while frame:
        yield frame
        calls, frame = frame.calls, None
        for label, child in calls:
            if not label:
                frame = child
            else:
                yield from walk(child)


def grow(root, strand):
    """Fills in whom the frames of a strand await, from its root on."""
    links, frame = [], root
    link = int(strand["innermost"])
    while link:
        links.insert(0, link)
        link = int(at(link, "weft_link")["parent"])
    while frame:
        if frame.address in on_stack:
            frame.running_line, is_innermost = on_stack[frame.address]
            if is_innermost:
                return
        find_calls(frame, links)
        frame = frame.calls[0][1] if frame.calls and frame.calls[0][0] is None else None


# ---- tasks ----


class Task:
    def __init__(self, address):
        self.value = at(address, "weft_task")
        self.address = address
        size = 64 # WEFT__TASK_BYTES
        self.frame = Frame(self.value["async"].dereference(), address + size)

    @property
    def id(self):
        return "%x" % ((int(self.value["generation"]) << 42 ^ self.address >> 3) & (1 << 64) - 1)

    def state(self):
        flavour = self.value["executor"]["flavour"]
        if flavour == symbol_value("weft__flavour_ct").address:
            word = int(self.value["local"]) | (int(self.value["state"]) & QUEUED)
        else:
            word = int(self.value["state"])
        name = "running" if word & RUNNING else "ready" if word & QUEUED else "waiting"
        return name + ", cancelled" if word & CANCELLED else name

    def tree(self):
        grow(self.frame, self.value["strand"])
        return self.frame


def runtimes():
    runtime = symbol_value("weft__runtimes")
    while int(runtime):
        yield runtime.dereference()
        runtime = runtime["registry_next"]


def heaps_of(runtime):
    workers, guests = runtime["workers"], runtime["guests"]
    for i in range(workers.type.range()[1] + 1):
        if not int(workers[i]):
            break
        yield workers[i]["heap"]
    for i in range(guests.type.range()[1] + 1):
        yield guests[i]["heap"]


def tasks_of(runtime):
    front, kind = int(gdb.parse_and_eval("PAGE_FRONT")), int(gdb.parse_and_eval("SLAB_TASK"))
    for heap in heaps_of(runtime):
        page = heap["pages"]
        while int(page):
            if int(page["kind"]) == kind:
                for i in range(int(page["bump"])):
                    address = int(page) + front + i * int(page["slot_bytes"])
                    slot = at(address, "weft_task")
                    if int(slot["async"]) and not int(slot["ended"]):
                        yield Task(address)
            page = page["all_next"]


def all_tasks():
    look_at_stacks()
    return [task for runtime in runtimes() for task in tasks_of(runtime)]


def find_task(text):
    """By its number in the list of `weft tasks`, or by its id."""
    tasks = all_tasks()
    if text.isdigit() and 0 < int(text) <= len(tasks):
        return tasks[int(text) - 1]
    for task in tasks:
        if task.id == text.lower():
            return task
    raise gdb.GdbError("No task %s: `weft tasks` lists them." % text)


# ---- the C stack ----


def poll_of(frame):
    """(name, address of the frame) of the async function that a frame of the C stack polls, or None."""
    name = frame.name() or ""
    if not name.endswith("__poll"):
        return None
    for variable in "weft_frame", "frame", "weft_f", "f":
        try:
            value = frame.read_var(variable)
            if not value.is_optimized_out:
                return name[:-len("__poll")], int(value)
        except (ValueError, gdb.error):
            pass
    return None


def stack_polls():
    """{address of a frame: (its line, whether it is the innermost)} of all that this thread polls."""
    polls, frame = {}, gdb.newest_frame()
    while frame:
        poll = poll_of(frame)
        if poll:
            polls.setdefault(poll[1], (frame.find_sal().line, not polls))
        try:
            frame = frame.older()
        except gdb.error:
            break
    return polls


on_stack = {}  # the same of all threads


def look_at_stacks():
    on_stack.clear()
    try:
        thread, frame = gdb.selected_thread(), gdb.selected_frame()
    except gdb.error:
        return
    for other in gdb.selected_inferior().threads():
        other.switch()
        on_stack.update(stack_polls())
    thread.switch()
    frame.select()


def selected_poll():
    """The innermost frame of the C stack from the selected one on that polls an async function."""
    try:
        frame = gdb.selected_frame()
    except gdb.error as no_frame:
        raise gdb.GdbError("Nothing runs: `weft tasks` lists what waits.") from no_frame
    while frame:
        if poll_of(frame):
            return frame
        frame = frame.older()
    raise gdb.GdbError("No async function is being polled here; `weft tasks` lists what waits.")


def async_frame(stack_frame):
    name, address = poll_of(stack_frame)
    block = stack_frame.block()
    symbol = gdb.lookup_symbol(name + "__async", block)[0]
    if not symbol:
        raise gdb.GdbError("There is no %s__async." % name)
    frame = Frame(symbol.value(), address)
    frame.running_line = stack_frame.find_sal().line
    return frame


# ---- what is live ----


def members(value, line):
    """(name, member) of the locals kept in a frame that are in scope of a line, the outer ones first."""
    fields = value.type.fields()
    for field in fields:
        lines = re.match(r"weft_lines_(\d+)_(\d+)", field.name or "")
        if lines and not int(lines[1]) <= line <= int(lines[2]):
            return
    for field in fields:
        if not field.name:
            yield from members(value[field], line)
        elif field.name != "args" and not field.name.startswith("weft_"):
            yield re.sub(r"__\d+$", "", field.name), field.name


def live(frame):
    """{name: expression} of the parameters and locals in a frame; sets what the expressions use."""
    names = {}
    view, kept = frame.view("names"), frame.view("frame")
    if view:
        gdb.set_convenience_variable("weft_names", view)
        for field in view.dereference().type.fields():
            if not field.name.startswith("weft_"):
                names[field.name] = "$weft_names->" + field.name
    elif kept:  # of the library: p0, p1
        for field in kept.dereference()["args"].type.fields():
            if re.match(r"p\d", field.name):
                names[field.name] = "$weft_frame->args." + field.name
    if kept:
        gdb.set_convenience_variable("weft_frame", kept)
        for name, member in members(kept.dereference(), frame.line()):
            names[name] = "$weft_frame->" + member
    return names


def register_locals(stack_frame):
    """Locals that are not kept: they do not live across an await."""
    block, names = stack_frame.block(), []
    while block and not block.is_static:
        for symbol in block:
            if symbol.is_variable and not symbol.is_argument and not symbol.name.startswith("weft_"):
                names.append((symbol.name, symbol.value(stack_frame)))
        if block.function:
            break
        block = block.superblock
    return names


# ---- commands ----


class Weft(gdb.Command):
    """Commands for async C: tasks, their backtraces, their locals, and steps over suspensions."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_USER, prefix=True)


class WeftCommand(gdb.Command):
    completion = gdb.COMPLETE_NONE

    def __init__(self, name):
        super().__init__("weft " + name, gdb.COMMAND_USER, self.completion)

    def invoke(self, argument, from_tty):
        try:
            self.perform(argument, from_tty)
        except gdb.error as reason:  # else gdb shows it as an error in this file
            raise gdb.GdbError(str(reason)) from reason


class Break(WeftCommand):
    """weft break FUNCTION: stop whenever the async function is entered and whenever it is resumed."""

    def perform(self, argument, from_tty):
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError("Which function?")
        gdb.execute(" ".join(["break", words[0] + "__poll"] + words[1:]), from_tty)


class Locals(WeftCommand):
    """weft locals [TASK [N]]: parameters and locals of the async function that runs, or of frame N in the
backtrace of a task (0, the task's own, if it is not given). They are also $weft_names, $weft_frame."""

    def perform(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        stack_frame = None if words else selected_poll()
        frame = task_frame(*words) if words else async_frame(stack_frame)
        kept = [(name, gdb.parse_and_eval(expression)) for name, expression in live(frame).items()]
        passing = register_locals(stack_frame) if stack_frame else []
        for name, value in kept:
            print("%s = %s" % (name, value.format_string()))
        if passing:
            print("until the next await:")
        for name, value in passing:
            print("%s = %s" % (name, value.format_string()))
        if not kept + passing:
            print("No locals.")


def task_frame(task, number="0"):
    frames = list(walk(find_task(task).tree()))
    if not number.isdigit() or int(number) >= len(frames):
        raise gdb.GdbError("The task has no frame %s." % number)
    return frames[int(number)]


class Print(WeftCommand):
    """weft print[/FORMAT] EXPRESSION: in which parameters and locals that are kept in the frame have their
names. As `print` otherwise."""

    TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?:\.|->)\s*\w+'
                       r"|\b(?:struct|union|enum)\s+\w+|[$@]?\b[A-Za-z_]\w*|\b\d[\w.]*")
    completion = gdb.COMPLETE_EXPRESSION

    def perform(self, argument, from_tty):
        flags = re.match(r"/\S+\s+", argument)
        expression = argument[flags.end():] if flags else argument
        names = live(async_frame(selected_poll()))
        expression = self.TOKEN.sub(lambda token: names.get(token[0], token[0]), expression)
        gdb.execute("print %s%s" % (flags[0] if flags else "", expression), from_tty)


class Tasks(WeftCommand):
    """weft tasks: all tasks of all runtimes: number, id, state, and where each waits."""

    def perform(self, argument, from_tty):
        number = 0
        look_at_stacks()
        for runtime in runtimes():
            kind = "multi-thread" if int(runtime["options"]["flavour"]) == 0 else "current-thread"
            tasks = list(tasks_of(runtime))
            print("runtime \"%s\", %s: %d task%s" % (
                runtime["name"].string(), kind, len(tasks), "s"[len(tasks) == 1:]))
            for task in tasks:
                number += 1
                frame = task.tree()
                line = "%3d  %s  %-8s %s" % (number, task.id, task.state(), frame.where())
                while len(frame.calls) == 1 and frame.calls[0][1]:
                    frame = frame.calls[0][1]
                print(line + (", in " + frame.name if frame is not task.frame else ""))
        if not number:
            print("No tasks.")


class Backtrace(WeftCommand):
    """weft backtrace [TASK]: whom a task waits for, from its own function on; the branches of a join or
select one below the other. Without TASK: of the task that the selected thread polls."""

    def perform(self, argument, from_tty):
        if argument:
            self.show_task(find_task(argument.strip()))
            return
        address = poll_of(selected_poll())[1]
        for task in all_tasks():
            if not task.state().startswith("running"):
                continue
            if any(frame.address == address for frame in walk(task.tree())):
                self.show_task(task)
                return
        outermost = None  # polled by an executor that we do not know
        frame = selected_poll()
        while frame:
            outermost = frame if poll_of(frame) else outermost
            frame = frame.older()
        root = async_frame(outermost)
        grow(root, gdb.parse_and_eval("(struct weft_strand) {0}"))
        self.number = 0
        self.show(root, "")

    def show_task(self, task):
        print("task %s, %s" % (task.id, task.state()))
        self.number = 0
        self.show(task.frame if task.frame.calls else task.tree(), "")

    def show(self, frame, indent):
        while frame:
            print("#%-2d %s%s" % (self.number, indent, frame.where()))
            self.number += 1
            calls, frame = frame.calls, None
            for label, child in calls:
                if not label:
                    frame = child
                    continue
                print("    %s%s" % (indent, label))
                if child:
                    self.show(child, indent + "|  ")


class Resumed(gdb.Breakpoint):
    """Stops where one activation of an async function goes on, whichever thread polls it."""

    def __init__(self, function, address):
        super().__init__(function, internal=True)
        self.silent = True
        self.address = address

    def stop(self):
        poll = poll_of(gdb.newest_frame())
        return bool(poll) and poll[1] == self.address


class Returned(gdb.FinishBreakpoint):
    """Stops where a poll returns: before its caller goes on, the frame says whether the call has ended."""

    def __init__(self):
        super().__init__(gdb.newest_frame(), internal=True)
        self.silent = True


class Next(WeftCommand):
    """weft next: to the next line of the same call of the async function, also if it is suspended
meanwhile and resumed by another thread. Elsewhere as `next`."""

    def perform(self, argument, from_tty):
        frame = gdb.newest_frame()
        if not poll_of(frame):
            gdb.execute("next", from_tty)
            return
        self.event, self.exited = None, False
        self.resumed, self.returned = Resumed(frame.name(), poll_of(frame)[1]), Returned()
        gdb.events.stop.connect(self.stopped)
        gdb.events.exited.connect(self.exit)
        try:
            self.advance(frame.name(), async_frame(frame), last_line(frame))
        finally:
            gdb.events.stop.disconnect(self.stopped)
            gdb.events.exited.disconnect(self.exit)
            self.resumed.delete()
            self.leave()

    def stopped(self, event):
        self.event = event

    def exit(self, event):
        self.exited = True

    def run(self, command):
        """Whether the command ended as it should; else shows why not."""
        with gdb.with_parameter("suppress-cli-notifications", True):
            gdb.execute(command, to_string=True)
        breakpoints = getattr(self.event, "breakpoints", [])
        stops = [stop.number for stop in breakpoints if stop.is_valid() and stop.number > 0]
        self.is_back = any(isinstance(stop, Returned) for stop in breakpoints)
        self.goes_on = any(isinstance(stop, Resumed) for stop in breakpoints)
        if not self.exited and (stops or isinstance(self.event, gdb.SignalEvent)):
            print("Breakpoint %d" % stops[0] if stops else "Signal " + self.event.stop_signal)
            gdb.execute("frame")
        return not (self.exited or stops or isinstance(self.event, gdb.SignalEvent))

    def advance(self, name, frame, last):
        command, awaited = "next", None
        while self.run(command):
            here, command = gdb.newest_frame(), "next"
            if self.goes_on:  # at the head of the function: on to where it goes on
                awaited = Frame(frame.descriptor, frame.address).line()
                self.leave()
                self.returned = Returned()
            elif here.name() != name or (poll_of(here) or (0, 0))[1] != frame.address:
                if self.is_back and frame.at == AT_DONE:
                    gdb.execute("frame")
                    return
                command = "continue"  # suspended
            elif here.find_sal().line in (awaited, last):
                awaited = None
            else:
                print(gdb.execute("frame", to_string=True).split("\n", 1)[1], end="")
                return

    def leave(self):
        if self.returned.is_valid():
            self.returned.delete()


def last_line(stack_frame):
    block = stack_frame.block()
    while not block.function:
        block = block.superblock
    return gdb.find_pc_line(block.end - 1).line


if not hasattr(gdb, "weft"):  # gdb loads this again with each run
    gdb.weft = True
    for command in Weft(), Break("break"), Locals("locals"), Print("print"), Tasks("tasks"):
        pass
    for command in Backtrace("backtrace"), Backtrace("bt"), Next("next"):
        pass
    gdb.execute("skip -gfi *<weftcc>", to_string=True)  # `step` passes f__init by
    gdb.execute("skip -rfu ^weft_.*__init$", to_string=True)
