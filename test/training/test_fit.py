# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A short training runs as a user starts it, resumes, and leaves a model that loads."""

from collections.abc import Callable
from dataclasses import replace
import importlib.util
import os
from pathlib import Path
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

torch = pytest.importorskip('torch', reason='needs the extra "train"')
pytest.importorskip('lightning', reason='needs the extra "train"')

from finetrack_ros.errors import ConfigError, FinetrackError, ModelError, SourceError  # noqa: E402
from finetrack_ros.inference import load_model  # noqa: E402
from finetrack_ros.models import FineTrack, FineTrackConfig  # noqa: E402
from finetrack_ros.models.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from finetrack_ros.models.yolox_import import import_yolox  # noqa: E402
from finetrack_ros.training import fit as fit_module  # noqa: E402
from finetrack_ros.training.dataset import TrainingDataset  # noqa: E402
from finetrack_ros.training.fit import averaging, fit, Hardware  # noqa: E402
from finetrack_ros.training.initial import initial_model  # noqa: E402
from finetrack_ros.training.module import FineTrackModule  # noqa: E402
from finetrack_ros.training.revision import revision  # noqa: E402

pytestmark = pytest.mark.filterwarnings('ignore')
CPU = Hardware('cpu', 1)


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Train on one thread, so that results are equal; export only where a test asks for it."""
    if 'slow' not in request.keywords:
        monkeypatch.setattr(fit_module, 'export_onnx', lambda model, folder, name: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _state(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / 'model' / 'model.pt').state_dict()


def _beginning(recipe, root: Path) -> dict[str, torch.Tensor]:
    """Return the weights that a training of this recipe starts from."""
    torch.manual_seed(recipe.data.seed)
    return initial_model(recipe, root).state_dict()


def _changed(before: dict, after: dict) -> set[str]:
    """Return the parts, such as detector, of which any weight has changed."""
    return {name.partition('.')[0] for name in after if not torch.equal(before[name], after[name])}


def _command(recipe_content: dict, data_root: Path, folder: Path, *options: str) -> list[str]:
    path = folder.with_suffix('.yaml')
    path.write_text(yaml.safe_dump(recipe_content))
    runner = Path(__file__).with_name('run_train.py')
    return [sys.executable, str(runner), 'train', str(path), '--data', str(data_root),
            '--output', str(folder), '--device', 'cpu', *options]


def _plain(recipe) -> dict:
    """Return a recipe as its YAML file holds it."""
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    content = plain(recipe.as_dict())
    content['frames'] = [{**item.pop('options'), **item} for item in content['frames']]
    return content


def _run(command: list[str], notes: Path, **variables: str) -> subprocess.CompletedProcess:
    notes.mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH', '')])
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=400,
        env={**os.environ, 'NOTES': str(notes), 'PYTHONPATH': path, **variables})


@pytest.mark.slow
def test_killed_training_goes_on_as_if_it_had_not_been(
        data_root, weights, make_recipe, runner, tmp_path, monkeypatch) -> None:
    """Killed within the third step, between two checkpoints, it ends with the same weights."""
    monkeypatch.setattr(fit_module, 'export_onnx', lambda model, folder, name: None)
    recipe = make_recipe(weights, train={'steps': 4, 'accumulate': 2})
    killed = _run(_command(_plain(recipe), data_root, tmp_path / 'killed'), tmp_path / 'notes',
                  KILL_AT='5')
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / 'killed' / 'model').exists()
    for name, resume in (('whole', False), ('killed', True)):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.setattr(FineTrackModule, 'training_step', runner.noting(tmp_path / name))
        fit(recipe, data_root, tmp_path / name, CPU, resume)
        monkeypatch.undo()
        monkeypatch.setattr(fit_module, 'export_onnx', lambda model, folder, name: None)
    first, rest, whole = ((tmp_path / name / 'rank0.txt').read_text().split()
                          for name in ('notes', 'killed', 'whole'))
    assert len(whole) == 8
    assert first[:4] + rest == whole
    before, after = _state(tmp_path / 'whole'), _state(tmp_path / 'killed')
    assert _changed(before, after) == set()


@pytest.mark.slow
def test_two_processes_share_the_batches(
        data_root, weights, make_recipe, tmp_path, monkeypatch) -> None:
    """Of a CPU training by two processes each sees every other batch of one alone."""
    recipe = make_recipe(weights, train={'steps': 2})
    result = _run(_command(_plain(recipe), data_root, tmp_path / 'run', '--devices', '2',
                           '--strategy', 'ddp'), tmp_path / 'notes')
    assert result.returncode == 0, result.stderr
    assert result.stdout.count('written') == 1
    data = fit_module.FineTrackData(replace(recipe, train=replace(recipe.train, steps=4)),
                                    data_root, tmp_path / 'cache')
    sums = [str(int(batch.images.sum())) for batch in data.train_dataloader()]
    ranks = [(tmp_path / 'notes' / f'rank{rank}.txt').read_text().split() for rank in (0, 1)]
    assert ranks == [sums[0::2], sums[1::2]]
    assert _changed(_beginning(recipe, data_root), _state(tmp_path / 'run')) == {
        'detector', 'fafpn', 'embedder'}


@pytest.mark.slow
def test_model_of_a_training_tracks(data_root, weights, make_recipe, tmp_path) -> None:
    """The exported graphs load, and the checkpoint says where it comes from."""
    recipe = make_recipe(weights)
    folder = fit(recipe, data_root, tmp_path / 'run', CPU)
    content = torch.load(folder / 'model.pt', weights_only=True)
    assert content['steps'] == 2
    assert content['recipe'] == recipe.as_dict()
    assert content['revision'] == revision()
    runner = load_model(folder, device='cpu', input_size=128)
    image = np.zeros((90, 120, 3), np.uint8)
    vectors = runner.embed([image], [np.array([[10, 10, 40, 80]], np.float32)])[0]
    assert runner.model_name == 'tiny'
    assert vectors.shape == (1, runner.embedding_dim)
    assert np.linalg.norm(vectors) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(('train', 'parts'), [
    ({}, {'detector', 'fafpn', 'embedder'}),
    ({'detector': False}, {'fafpn', 'embedder'}),
    ({'appearance': False}, {'detector'}),
    ({'precision': 'bf16-mixed', 'accumulate': 2, 'loss': {'identity': 0.0, 'hold': 0.0}},
     {'detector', 'fafpn', 'embedder'}),
])
def test_modes_train_their_parts(data_root, weights, make_recipe, tmp_path, train, parts) -> None:
    """Joint, embedding alone, detector alone, mixed precision; what does not learn stays."""
    recipe = make_recipe(weights, train=train)
    fit(recipe, data_root, tmp_path, CPU)
    before, after = _beginning(recipe, data_root), _state(tmp_path)
    moved = _changed(before, after)
    assert parts == moved
    statistics = [name for name in before if name.startswith('detector.')
                  and name.endswith(('running_mean', 'running_var'))]
    assert all(torch.equal(before[name], after[name]) for name in statistics)
    assert (tmp_path / 'curve' / 'version_0' / 'metrics.csv').read_text().startswith('epoch,')
    if importlib.util.find_spec('tensorboard'):
        assert [*tmp_path.glob('tensorboard/version_0/events.out.tfevents.*')]


def test_frozen_detector_of_an_imported_yolox_stays(
        data_root, weights, make_recipe, tmp_path) -> None:
    """Each weight, statistic and counter of a detector of 80 classes is as it was, bit for bit."""
    model = import_yolox(weights)
    for value in model.detector.state_dict().values():
        # Numbers that are not the same after 0.998 x + 0.002 x.
        value.copy_(torch.rand_like(value) * 0.1 + 0.05 if value.is_floating_point()
                    else torch.full_like(value, 300_007))
    save_checkpoint(model, tmp_path / 'imported.pt')
    recipe = make_recipe(tmp_path / 'imported.pt', train={'detector': False, 'steps': 4})
    fit(recipe, data_root, tmp_path / 'run', CPU)
    assert _changed(model.state_dict(), _state(tmp_path / 'run')) == {'fafpn', 'embedder'}
    with pytest.raises(ConfigError, match='80 classes.*--freeze-detector'):
        fit(make_recipe(tmp_path / 'imported.pt'), data_root, tmp_path / 'other', CPU)


def test_embedder_of_another_checkpoint(data_root, weights, make_recipe, tmp_path) -> None:
    """A training may start with the detector of one checkpoint and the embedder of another."""
    torch.manual_seed(1)
    other = FineTrack(FineTrackConfig())
    save_checkpoint(other, tmp_path / 'other.pt')
    model = initial_model(make_recipe(weights, embedder=str(tmp_path / 'other.pt')), data_root)
    for name, value in other.embedder.state_dict().items():
        assert torch.equal(model.embedder.state_dict()[name], value)
    assert not torch.equal(model.detector.head.cls_preds[0].weight,
                           other.detector.head.cls_preds[0].weight)
    save_checkpoint(FineTrack(FineTrackConfig(heads=2)), tmp_path / 'unlike.pt')
    with pytest.raises(ModelError, match=r'unlike\.pt: its embedder does not fit'):
        initial_model(make_recipe(weights, embedder=str(tmp_path / 'unlike.pt')), data_root)


def test_finished_training_resumes_to_the_same_weights(
        data_root, weights, make_recipe, tmp_path) -> None:
    """Killed while it writes the model, a training writes the averaged weights once more."""
    notes: list[str] = []
    recipe = make_recipe(weights, train={'average': 0.9, 'detector': False})
    fit(recipe, data_root, tmp_path, CPU)
    before = _state(tmp_path)
    shutil.rmtree(tmp_path / 'model')
    fit(recipe, data_root, tmp_path, CPU, resume=True, progress=notes.append)
    assert _changed(before, _state(tmp_path)) == set()
    assert notes == []


def test_resume_says_what_has_changed(data_root, weights, make_recipe, tmp_path) -> None:
    """A recipe may be changed between, which is told; one that does not fit is refused."""
    notes: list[str] = []
    fit(make_recipe(weights, train={'detector': False, 'steps': 1}), data_root, tmp_path, CPU)
    with pytest.raises(ConfigError, match='--resume'):
        fit(make_recipe(weights), data_root, tmp_path, CPU)
    longer = make_recipe(weights, train={'detector': False})
    fit(longer, data_root, tmp_path, CPU, resume=True, progress=notes.append)
    assert notes == ['the recipe differs from the one that began: train.steps']
    assert torch.load(tmp_path / 'model' / 'model.pt', weights_only=True)['steps'] == 2
    with pytest.raises(ConfigError, match=r'classifier\.global_weight differs'):
        fit(replace(longer, crops=()), data_root, tmp_path, CPU, resume=True)
    (tmp_path / 'checkpoints' / 'last.ckpt').write_bytes(b'PK\x03\x04 no more')
    with pytest.raises(ConfigError, match='is damaged'):
        fit(longer, data_root, tmp_path, CPU, resume=True)


def test_average_follows_the_weights() -> None:
    """The moving average is the textbook's, and keeps what does not change to the last bit."""
    mean, latest = torch.tensor([1.0, 0.1]), torch.tensor([2.0, 0.1])
    count = torch.tensor(3)
    found = averaging(0.9)(mean, latest, count)
    assert found[0].item() == pytest.approx(1.1)
    assert found[1] == mean[1]
    assert averaging(0.9)(torch.tensor(5), torch.tensor(7), count) == 7


@pytest.mark.parametrize('error', [
    torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB'),
    RuntimeError('[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: '
                 "can't allocate memory: you tried to allocate 4000000000000 bytes."),
    MemoryError(), RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed. '),
])
def test_out_of_memory_is_an_error_with_a_remedy(
        data_root, weights, make_recipe, tmp_path, monkeypatch, error) -> None:
    """GPU, CPU, NumPy and a killed worker: all say what to lower."""
    def step(*_):
        raise error

    monkeypatch.setattr(FineTrackModule, 'training_step', step)
    with pytest.raises(FinetrackError, match=r'out of memory.*data\.real_frames'):
        fit(make_recipe(weights), data_root, tmp_path, CPU)


def test_other_failures_are_not_disguised(
        data_root, weights, make_recipe, tmp_path, monkeypatch) -> None:
    """A mistake of ours stays visible as one."""
    def step(*_):
        raise RuntimeError('shapes cannot be multiplied')

    monkeypatch.setattr(FineTrackModule, 'training_step', step)
    with pytest.raises(RuntimeError, match='multiplied'):
        fit(make_recipe(weights), data_root, tmp_path, CPU)


@pytest.mark.parametrize('num_workers', [0, 1])
def test_lost_images_end_in_one_line(
        data_root, weights, make_recipe, tmp_path, monkeypatch, num_workers) -> None:
    """Where no image of a set can be read any more, the error is told without a traceback."""
    def read(self, clip, frame):
        raise SourceError('street: none of its 8 images can be read; check the data folder')

    monkeypatch.setattr(TrainingDataset, 'read', read)
    recipe = make_recipe(weights, data={'num_workers': num_workers})
    with pytest.raises(SourceError) as found:
        fit(recipe, data_root, tmp_path, CPU)
    assert str(found.value) == ('street: none of its 8 images can be read; check the data folder')


def test_frozen_stages_and_statistics_stay(data_root, weights, make_recipe) -> None:
    """Frozen stages take no gradient, and the detector's batch norms keep their statistics."""
    recipe = make_recipe(weights, train={'frozen': ['stem']})
    module = FineTrackModule(initial_model(recipe, data_root), recipe.train, 5)
    backbone = module.model.detector.backbone.backbone
    assert not any(p.requires_grad for p in backbone.stem.parameters())
    assert all(p.requires_grad for p in backbone.dark2.parameters())
    norms = [m for m in module.model.detector.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert module.model.embedder.neck.training


@pytest.mark.parametrize(('hardware', 'problem'), [
    (Hardware('cpu', 1, 1, 'best'), 'best'), (Hardware('gpu', 1), '--device'),
])
def test_hardware_that_is_not_there_is_an_error(
        data_root, weights, make_recipe, tmp_path, hardware, problem) -> None:
    """An unknown strategy, and GPUs where there are none."""
    if hardware.accelerator == 'gpu' and torch.cuda.is_available():
        pytest.skip('this machine has a GPU')
    with pytest.raises(ConfigError, match=problem):
        fit(make_recipe(weights), data_root, tmp_path, hardware)


def test_missing_things_are_named(
        data_root: Path, weights: Path, make_recipe: Callable, tmp_path: Path) -> None:
    """A run that was never started, weights and folders that do not exist."""
    recipe = make_recipe(weights)
    with pytest.raises(ConfigError, match='without --resume'):
        fit(recipe, data_root, tmp_path, CPU, resume=True)
    with pytest.raises(ModelError, match=r'none\.onnx'):
        fit(make_recipe('none.onnx'), data_root, tmp_path, CPU)
    with pytest.raises(SourceError, match='nowhere: no such data folder'):
        fit(recipe, tmp_path / 'nowhere', tmp_path, CPU)
    (tmp_path / 'file').write_text('')
    with pytest.raises(SourceError, match='cannot be made'):
        fit(recipe, data_root, tmp_path / 'file' / 'run', CPU)
