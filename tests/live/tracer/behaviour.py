#!/usr/bin/env python3
"""The command never notices: every mode of `subject`, bare and traced, must print and return the same.

usage: behaviour.py [--modes] TRACER SUBJECT [SUBJECT32]      TRACER: the program that runs a command traced ("watch", or "sockwhy run --")
--modes: these alone. Each line of output is one check; the exit status is the number of failed ones.
"""
import os
import shlex
import signal
import subprocess
import sys

from terminal import PROMPT, Terminal, gone, runs, says, stopped, until

failed = 0


def check(name, good, text=""):
    global failed
    failed += not good
    print("ok  " if good else "FAIL", name, "" if good else text, flush=True)


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, **options)
    return done.returncode, done.stdout.decode(errors="replace")


def modes(tracer, subject):
    for mode in run([subject])[1].split():
        bare, traced = run([subject, mode]), run(tracer + [subject, mode])
        if mode == "traces":  # one tracer at a time: EPERM, as under strace
            bare = (0, "traceme 1\n")
        check(f"{os.path.basename(subject)} {mode}", bare == traced, f"bare {bare} traced {traced}")


def statuses(tracer):
    for script in ("exit 0", "exit 42", "kill -TERM $$", "kill -KILL $$", "kill -SEGV $$"):
        bare, traced = run(["sh", "-c", script]), run(tracer + ["sh", "-c", script])
        check(f"status of {script}", bare == traced, f"bare {bare} traced {traced}")
    check("not found", run(tracer + ["no-such-command"])[0] == 127)
    check("not executable", run(tracer + ["/etc/passwd"])[0] == 126)
    check("a folder", run(tracer + ["/etc"])[0] == 126)


def inherited(tracer, subject):
    def odd():
        os.umask(0o137)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGCHLD, signal.SIGTERM])
        os.sched_setaffinity(0, {0})

    bare = run([subject, "inherits"], preexec_fn=odd, restore_signals=False)
    traced = run(tracer + [subject, "inherits"], preexec_fn=odd, restore_signals=False)
    check("mask, dispositions, umask, affinity", bare == traced, f"bare {bare} traced {traced}")
    for closing in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
        script = f"{{cmd}} sh -c 'readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >&9 2>/dev/null' {closing} 9>&1"
        bare = run(["bash", "-c", script.format(cmd="")])
        traced = run(["bash", "-c", script.format(cmd=shlex.join(tracer))])
        # A closed standard error is where a pipe's number differs from run to run: the count tells.
        check(f"closed {closing}", len(bare[1].split()) == len(traced[1].split()), f"bare {bare} traced {traced}")


def running(command):
    """How many processes run exactly this command line."""
    return len(subprocess.run(["pgrep", "-xf", command], stdout=subprocess.PIPE).stdout.split())


def deaths(tracer):
    own = f"sleep 314{os.getpid():07}"  # nobody else's
    process = subprocess.Popen(tracer + ["sh", "-c", f"{own} & {own}; true"], stderr=subprocess.DEVNULL)
    until(lambda: running(own) == 2)
    process.kill()
    process.wait()
    check("SIGKILL of the tracer kills the tracees", until(lambda: not running(own)))
    for number in (signal.SIGTERM, signal.SIGINT):
        # setsid: background jobs of a shell ignore SIGINT
        process = subprocess.Popen(tracer + own.split(), stderr=subprocess.DEVNULL, start_new_session=True)
        until(lambda: running(own) == 1)
        process.send_signal(number)
        check(f"{number.name} is passed on", process.wait(30) == -number)


def session(command, script):
    text = Terminal().run(script, command)
    text = text.replace(command, "") if command else text
    lines = [" ".join(w for w in line.split() if not w.isdigit()) for line in text.split("\n")]
    # The shell says a stop or an end at its next prompt or at `jobs`, or at both: that depends on the moment.
    said = dict.fromkeys(line for line in lines if line)
    return sorted(said, key=lambda line: line.startswith("[1]+"))


def job_control(tracer):
    traced = shlex.join(tracer) + " "
    for name, script in (
        ("stop and fg", ["@sleep 2\n", runs("sleep"), "\x1a", PROMPT, "jobs\n", PROMPT, "fg\n", PROMPT, "echo st=$?\n", PROMPT]),
        ("stop and bg", ["@sleep 4\n", runs("sleep"), "\x1a", PROMPT, "bg\n", PROMPT, "jobs\n", PROMPT, gone, "echo st=$?\n",
                         PROMPT]),
        ("interrupt", ["@sleep 60\n", runs("sleep"), "\x03", PROMPT, "echo st=$?\n", PROMPT]),
        ("handled interrupt", ["@sh -c 'trap \"echo got\" INT; sleep 2; echo after'\n", runs("sleep"), "\x03", PROMPT,
                               "echo st=$?\n", PROMPT]),
        ("quit", ["@sleep 60\n", runs("sleep"), "\x1c", PROMPT, "echo st=$?\n", PROMPT]),
        ("read in the background", ["@cat &\n", PROMPT, stopped, "jobs\n", PROMPT, "fg\n", runs("cat"), "hello\n", says("hello\nhello"),
                                    "\x04", PROMPT, "echo st=$?\n", PROMPT]),
        ("stops itself", ["@sh -c 'kill -TSTP 0; echo back'\n", PROMPT, "jobs\n", PROMPT, "fg\n", PROMPT, "echo st=$?\n", PROMPT]),
    ):
        bare, now = session("", script), session(traced, script)
        check(f"job control: {name}", bare == now, f"\n  bare   {bare}\n  traced {now}")


def main():
    modes_alone = sys.argv[1] == "--modes"
    tracer, subjects = shlex.split(sys.argv[1 + modes_alone]), sys.argv[2 + modes_alone:]
    for subject in subjects:
        modes(tracer, subject)
    if modes_alone:
        return failed
    statuses(tracer)
    inherited(tracer, subjects[0])
    deaths(tracer)
    job_control(tracer)
    return failed


if __name__ == "__main__":
    sys.exit(main())
