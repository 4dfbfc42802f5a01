# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What the documentation takes from the code and from the rest of the repository (mkdocs hooks).

Pages link to files outside ``docs/`` as a reader of the repository would, ``../config/x.yaml``.
Those files become part of the site below ``repository/``, so that the same links work there; one
that does not exist ends the build like any other dead link.
"""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path, PurePosixPath
import re
import sys
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
COMMANDS, FAULTS = '<!-- commands -->', '<!-- faults -->'
OUTSIDE = 'repository/'
_LINK = re.compile(r'(?<=\]\()(?!\w+:|#)([^)#\s]+)')
# Roles of Sphinx, which the docstrings use and Markdown does not know.
_ROLE = re.compile(r':(?:attr|class|data|func|meth|mod):(?=<code>)')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that pages link to, and those that these link to."""
    waiting = [(f'docs/{file.src_uri}', Path(file.abs_src_path)) for file in
               files.documentation_pages() if file.abs_src_path]
    while waiting:
        name, path = waiting.pop()
        for target in _targets(name, path.read_text(encoding='utf-8')):
            added = OUTSIDE + target
            if target.startswith('docs/') or added in files.src_uris:
                continue
            if (ROOT / target).is_file():
                files.append(File.generated(config, added, abs_src_path=str(ROOT / target)))
                if target.endswith('.md'):
                    waiting.append((target, ROOT / target))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links lead to where the site has the files, and put in what the code says."""
    source = page.file.src_uri
    name = source.removeprefix(OUTSIDE) if source.startswith(OUTSIDE) else f'docs/{source}'

    def moved(match: re.Match[str]) -> str:
        target = _resolve(name, match[1])
        place = target.removeprefix('docs/') if target.startswith('docs/') else OUTSIDE + target
        return os.path.relpath(place, os.path.dirname(source) or '.')

    markdown = _LINK.sub(moved, markdown)
    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, command_reference())
    if FAULTS in markdown:
        markdown = markdown.replace(FAULTS, fault_tables())
    return markdown


def on_page_content(html: str, **_: Any) -> str:
    """Take the roles of Sphinx out of what mkdocstrings made of docstrings."""
    return _ROLE.sub('', html).replace('<code>~finetrack_ros.', '<code>finetrack_ros.')


def _targets(name: str, text: str) -> Iterator[str]:
    """Yield the files that a page of this name links to, relative to the repository."""
    for match in _LINK.finditer(text):
        yield _resolve(name, match[1])


def _resolve(name: str, link: str) -> str:
    """Return what a link in a file means, relative to the repository."""
    return os.path.normpath(PurePosixPath(name).parent / link)


def command_reference() -> str:
    """Return every command with its arguments and options, as Markdown."""
    sys.path.insert(0, str(ROOT))
    from typer.main import get_command

    from finetrack_ros.cli import app

    group: Any = get_command(app)
    return '\n'.join(line for name, command in group.commands.items()
                     for line in _command(name, command))


def _command(name: str, command: Any) -> Iterator[str]:
    """Yield the lines of one command."""
    shown = [parameter for parameter in command.params if not getattr(parameter, 'hidden', False)]
    arguments = ' '.join(_argument(parameter) for parameter in shown if not _is_option(parameter))
    yield from (f'### finetrack {name}', '', str(command.help), '', '```text',
                f'finetrack {name} {arguments} [OPTIONS]', '```', '')
    yield from ('| | default | |', '|---|---|---|')
    for parameter in shown:
        words = parameter.opts + parameter.secondary_opts if _is_option(parameter) \
            else [(parameter.metavar or parameter.name.upper())]
        names = ', '.join(f'`{word}`' for word in words)
        yield f'| {names} | {_default(parameter)} | {_cell(str(parameter.help or ""))} |'
    yield ''


def _is_option(parameter: Any) -> bool:
    return parameter.param_type_name == 'option'


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper())
    return name if parameter.required else f'[{name}]'


def _default(parameter: Any) -> str:
    """Return a default as a cell: empty where there is none."""
    if parameter.required:
        return 'required'
    value = parameter.default
    if value is None or value is False or callable(value) or value in ((), []):
        return ''
    return 'on' if value is True else f'`{getattr(value, "value", value)}`'


def _cell(text: str) -> str:
    """Return text that may stand in a cell of a Markdown table."""
    return ' '.join(text.split()).replace('|', r'\|').replace('<', r'\<')


def fault_tables() -> str:
    """Return what can go wrong, a table for each part of the software, as Markdown."""
    sys.path.insert(0, str(ROOT))
    from finetrack_ros.faults import FAULTS as ALL

    lines: list[str] = []
    for place in dict.fromkeys(fault.place for fault in ALL):
        lines += ['', f'## {place}', '', '| message | cause | remedy |', '|---|---|---|']
        lines += [f'| {" | ".join(map(_cell, (fault.message, fault.cause, fault.remedy)))} |'
                  for fault in ALL if fault.place == place]
    return '\n'.join(lines)
