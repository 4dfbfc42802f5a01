# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack import-yolox``: take over a YOLOX that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path

import typer

from finetrack_ros.cli.application import output, require_training_libraries
from finetrack_ros.errors import ConfigError, SourceError


def import_yolox(
    weights: Path = typer.Argument(
        ..., metavar='FILE', help="A checkpoint of Megvii's YOLOX (.pth), or an ONNX graph "
        'exported from one.'),
    folder: Path = typer.Option(..., '--output', '-o', help='Folder that gets model.pt.'),
    size: str | None = typer.Option(
        None, help='nano, tiny, s, m, l or x; told by the weights if not given.'),
    class_names: str | None = typer.Option(
        None, help='Names of the classes in their order: a text file with one a line, or '
        "car,dog,person. COCO's 80 names if not given."),
) -> None:
    """
    Make a FineTrack checkpoint of your own YOLOX: its detector, and an untrained embedder.

    The detector finds exactly what it found before. Train the embedder with `finetrack train
    RECIPE --set weights=FOLDER/model.pt --freeze-detector`; the result is what the node and
    `finetrack track` run.
    """
    sizes = ('nano', 'tiny', 's', 'm', 'l', 'x')
    if size is not None and size not in sizes:
        raise ConfigError(f"--size '{size}' is unknown; use one of {', '.join(sizes)}")
    names = None if class_names is None else read_class_names(class_names)
    path = folder / 'model.pt'
    if path.exists():
        raise SourceError(f"Output '{path}' exists, and may have been trained. Choose another "
                          'folder, or remove it.')
    require_training_libraries()
    from finetrack_ros.models.checkpoint import save_checkpoint
    from finetrack_ros.models.yolox_import import import_yolox as make_model

    model = make_model(weights, names, size)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_checkpoint(model, path)
    except OSError as error:
        raise SourceError(f"Output '{path}' cannot be written ({error.strerror}). Choose a folder "
                          'where you may write.') from error
    config = model.config
    output.print(f'YOLOX-{config.size}, {len(config.class_names)} classes; its embedder is '
                 f'untrained\nwritten {path}', soft_wrap=True, markup=False, highlight=False)


def read_class_names(text: str) -> list[str]:
    """
    Return the names that ``--class-names`` means: of a file's lines, or divided by commas.

    :raises SourceError: where the file cannot be read as text.
    """
    path = Path(text)
    if not path.is_file():
        if path.suffix.lower() == '.txt':
            raise SourceError(f"File of class names '{path}' does not exist. Give one with a name "
                              'a line, or the names divided by commas.')
        return [name.strip() for name in text.split(',')]
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"File of class names '{path}' cannot be read ({error}). Give a text "
                          'file in UTF-8 with a name a line.') from error
    return [line.strip() for line in lines if line.strip()]
