"""The commands and their options."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from maskgate import __version__
from maskgate.cli.config import BACKENDS, DEVICES, FORMATS, PROFILE_NAMES, load_settings
from maskgate.cli.diff import diff
from maskgate.cli.identify import identify
from maskgate.cli.output import answer_stream, complain
from maskgate.cli.trace import trace
from maskgate.engines.problems import UsageProblem
from maskgate.subjects.protocol import SubjectError

SUBJECT_FAILED, INTERRUPTED = 3, 130


def _separated(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Globs of properties, each from an option of its own or with commas between."""
    return tuple(glob.strip() for each in given for glob in each.split(",") if glob.strip())


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 as expected, 1 unexpected behaviour, 2 wrong usage, 3 a subject failed, "
    "130 interrupted. Settings may also stand in [tool.maskgate] of pyproject.toml.",
)
@click.version_option(__version__, prog_name="maskgate", message="%(prog)s %(version)s")
def cli() -> None:
    """Show, with evidence, what a Keras/TensorFlow installation does with masked and weighted
    losses, and stop an upgrade that changes it."""


@cli.command()
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@click.option(
    "--select",
    multiple=True,
    metavar="GLOB",
    callback=_separated,
    help="Run these properties; repeatable, or several with commas between.",
)
@click.option(
    "--deselect",
    multiple=True,
    metavar="GLOB",
    callback=_separated,
    help="Leave these out; repeatable, or several with commas between.",
)
@click.option("--profile", type=click.Choice(PROFILE_NAMES), help="How much to try.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the examples.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to use.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write report.json, report.md, junit.xml and a script for each finding there.",
)
@click.option("--format", type=click.Choice(FORMATS), help="Of the answer on stdout.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Deviations that you have accepted.",
)
@click.option("--accept", is_flag=True, help="Write what is found to the baseline.")
@click.option("--backend", type=click.Choice(BACKENDS), help="Backend of Keras 3.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long a subject may take to answer.",
)
@click.option("--loss", metavar="PKG.MODULE:NAME", help="Check a loss of your own.")
@click.option("--metric", metavar="PKG.MODULE:NAME", help="Check a metric of your own.")
@click.option("--layer", metavar="PKG.MODULE:NAME", help="Check a layer of your own.")
@click.option("--like", metavar="NAME", help="The built-in loss that it computes, such as mse.")
@click.option("--list", "list_", is_flag=True, help="List the properties, and run nothing.")
def check(accept: bool, list_: bool, **options: Any) -> int:
    """Run the properties on each SUBJECT, and say what is not as it should be.

    SUBJECT is `current` (the default: the environment that maskgate is installed in),
    `venv:PATH` (a virtual environment or a Python executable; nothing is installed there), a named
    environment (`maskgate env list`), `pip:REQUIREMENT[,REQUIREMENT]`, or `seed`,
    `seed:no-epsilon`, ...: the formula of Keras 2.2.5 and of earlier releases, see the reference.
    """
    # Not at the top: `--help` and `--version` should not wait for the engine.
    from maskgate.cli.checking import check as run_check
    from maskgate.cli.listing import print_list

    given = {key: value for key, value in options.items() if value not in (None, ())}
    settings = load_settings(Path.cwd()).with_(given)
    with answer_stream() as answer:
        if list_:
            print_list(settings, answer)
            return 0
        return run_check(settings, accept=accept, answer=answer)


@cli.group()
def env() -> None:
    """The named environments: releases of Keras that can be checked by name."""


@env.command("list")
@click.option("--format", "format_", type=click.Choice(("pretty", "json")), default="pretty")
def env_list(format_: str) -> None:
    """List the named environments, and the size of those that are made."""
    from maskgate.cli.environments import list_environments

    with answer_stream() as answer:
        list_environments(answer, as_json=format_ == "json")


@env.command("create")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def env_create(names: tuple[str, ...]) -> None:
    """Make environments that are not there yet, and print their Python executables."""
    from maskgate.cli.environments import create_environments

    with answer_stream() as answer:
        create_environments(names, answer)


@env.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def env_remove(names: tuple[str, ...]) -> None:
    """Remove environments from the cache."""
    from maskgate.cli.environments import remove_environments

    with answer_stream() as answer:
        remove_environments(names, answer)


cli.add_command(identify)
cli.add_command(diff)
cli.add_command(trace)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    # Told to end it stops its workers and removes its files, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit status. Errors are one sentence on stderr."""
    try:
        status = cli.main(arguments, prog_name="maskgate", standalone_mode=False)
        return int(status or 0)
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message(), err=True)
        return 2
    except click.ClickException as problem:
        return _refuse(_usage_problem(problem), arguments)
    except UsageProblem as problem:
        return _refuse(problem, arguments)
    except SubjectError as problem:
        complain(problem)
        return SUBJECT_FAILED
    except (click.Abort, KeyboardInterrupt):
        print("maskgate: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `maskgate ... | head`: nobody is left to tell
        _drop_stdout()
        return INTERRUPTED


def _usage_problem(problem: click.ClickException) -> UsageProblem:
    command = "maskgate"
    if isinstance(problem, click.UsageError) and problem.ctx is not None:
        command = problem.ctx.command_path
    found = problem.format_message().rstrip(".").replace("\n", " ")
    return UsageProblem(command, found, f"see `{command} --help`")


def _refuse(problem: UsageProblem, arguments: Sequence[str]) -> int:
    complain(problem)
    if _wants_json(arguments):
        _print_failure(problem, sys.stdout)
    return 2


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for, in a command line that need not be right."""
    pairs = list(zip(arguments, [*arguments[1:], ""], strict=True))
    if "--format=json" in arguments or ("--format", "json") in pairs:
        return True
    if any(word.startswith("--format") for word in arguments):
        return False
    with contextlib.suppress(UsageProblem):
        return load_settings(Path.cwd()).format == "json"
    return False


def _print_failure(problem: UsageProblem, answer: TextIO) -> None:
    from maskgate.cli.checking import failed_report
    from maskgate.reports import json_text

    print(json_text(failed_report(problem)), file=answer)


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
