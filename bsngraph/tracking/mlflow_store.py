"""A run → a run of MLflow, in a folder with its SQLite database and its artifacts
(extra `mlflow`).

MLflow's run is found again by a tag, wherever the run folder lies: a hash of what the
run was asked for and of its clock. It is gone on with; if it has what the run does not
say any more, it is deleted and written anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bsngraph.errors import BsngraphError, InputError
from bsngraph.runs.run_folder import RunFolder
from bsngraph.tracking.mlflow_names import mlflow_name
from bsngraph.tracking.scalars import digest_of_rows, result_scalars, scalars_of
from bsngraph.tracking.snapshot import LoggedRows, RunSnapshot, architecture_picture_of, settings_of
from bsngraph.typed_files import MOST_BYTES
from bsngraph.whole_files import read_bounded

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

DATABASE, ARTIFACTS, EXPERIMENT = "mlflow.db", "artifacts", "bsngraph"

_RUN, _FOLDER, _EPOCHS, _ROWS, _RESULT = (
    f"bsngraph.{name}" for name in ("run", "folder", "epochs", "rows", "result")
)
_SQLITE = b"SQLite format 3\0"
_MOST_METRICS, _MOST_SETTINGS = 1000, 100  # that MLflow takes at once


@contextmanager
def open_mlflow_store(run: RunFolder, folder: Path) -> Iterator[MlflowStore]:
    """The store in `folder`, for one run.

    Raises:
        BsngraphError: MLflow is not installed, or it cannot use the store.
        InputError: the folder cannot hold a store.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # its import would call home
    with _quiet():
        try:
            import alembic  # noqa: F401
            import sqlalchemy
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
        except ModuleNotFoundError:
            raise BsngraphError("MLflow is not installed: pip install 'bsngraph[mlflow]'") from None
        _make_database(folder)
        try:
            client = MlflowClient(store_uri(folder))
            yield MlflowStore(client, _experiment(client, folder))
        except (MlflowException, sqlalchemy.exc.SQLAlchemyError) as error:
            raise BsngraphError(f"{folder}: MLflow cannot use this store: {error}") from None


def store_uri(folder: Path) -> str:
    """What MLflow calls the store."""
    return f"sqlite:///{folder.resolve() / DATABASE}"


class MlflowStore:
    """One run in a store of MLflow."""

    def __init__(self, client: MlflowClient, experiment: str) -> None:
        self._client, self._experiment = client, experiment
        self._run: Run | None = None
        self._logged = LoggedRows()

    def show(self, now: RunSnapshot) -> None:
        """Log the epochs that MLflow lacks; nothing of a run that has not begun."""
        if not (now.rows or now.result):
            return
        if self._run is None:
            self._run = self._found(now)
        first = self._logged.first_missing(now)
        if self._run is None or first is None:
            first, self._logged = 0, LoggedRows()
            self._run = self._anew(now)
        epochs = scalars_of(now.rows)[first:]
        if epochs:
            self._log_metrics([(epoch.step, epoch.elapsed_s, epoch.values) for epoch in epochs])
            self._tag({_EPOCHS: str(len(now.rows)), _ROWS: digest_of_rows(now.rows)})
        self._logged = self._logged.with_all(now)

    def conclude(self, now: RunSnapshot) -> None:
        """Log what the run found and its files; or that it was stopped."""
        if self._run is None:
            return
        run_id = self._run.info.run_id
        if now.result is None:
            if not now.goes_on:
                self._client.set_terminated(run_id, "KILLED")
            return
        digest = hashlib.sha256(_result_content(now)).hexdigest()
        if self._run.data.tags.get(_RESULT) != digest:
            elapsed_s = scalars_of(now.rows)[-1].elapsed_s if now.rows else 0.0
            self._log_metrics([(len(now.rows), elapsed_s, result_scalars(now.result))])
            self._log_files(now)
            self._tag({_RESULT: digest})
        ended_ms = self._run.info.start_time + round(1000 * now.result.seconds)
        self._client.set_terminated(run_id, "FINISHED", ended_ms)

    def _found(self, now: RunSnapshot) -> Run | None:
        """MLflow's run of this run, if what it has is what the run says."""
        for run in self._client.search_runs(
            [self._experiment], filter_string=f"tags.`{_RUN}` = '{_identity(now)}'"
        ):
            tags = run.data.tags
            count = int(tags.get(_EPOCHS, "0"))
            had = now.rows[:count]
            same_rows = len(had) == count and tags.get(_ROWS, digest_of_rows(())) == digest_of_rows(had)
            if same_rows and tags.get(_RESULT, _result_digest(now)) == _result_digest(now):
                self._logged = LoggedRows(now.identity, had)
                self._client.update_run(run.info.run_id, status="RUNNING", name=_name(now))
                self._client.set_tag(run.info.run_id, _FOLDER, os.fspath(now.run.path.resolve()))
                return run
            self._client.delete_run(run.info.run_id)
        return None

    def _anew(self, now: RunSnapshot) -> Run:
        """A run of MLflow with the settings. One that has what the run does not say any
        more is deleted; one of a run that was replaced stays.
        """
        from mlflow.entities import Param

        if self._run is not None and self._run.data.tags[_RUN] == _identity(now):
            self._client.delete_run(self._run.info.run_id)
        elif self._run is not None:
            self._client.set_terminated(self._run.info.run_id, "KILLED")
        run = self._client.create_run(
            self._experiment,
            start_time=round(1000 * now.began_s),
            run_name=_name(now),
            tags={_RUN: _identity(now), _FOLDER: os.fspath(now.run.path.resolve())},
        )
        params = [Param(mlflow_name(name), str(value)) for name, value in settings_of(now.config).items()]
        for start in range(0, len(params), _MOST_SETTINGS):
            self._client.log_batch(run.info.run_id, params=params[start : start + _MOST_SETTINGS])
        return run

    def _log_metrics(self, epochs: list[tuple[int, float, Mapping[str, float]]]) -> None:
        """Log numbers by step; `epochs` are steps, seconds since the run began, and
        values.
        """
        from mlflow.entities import Metric

        assert self._run is not None
        info = self._run.info
        metrics = [
            Metric(mlflow_name(name), value, info.start_time + round(1000 * elapsed_s), step)
            for step, elapsed_s, values in epochs
            for name, value in values.items()
        ]
        for start in range(0, len(metrics), _MOST_METRICS):
            self._client.log_batch(info.run_id, metrics=metrics[start : start + _MOST_METRICS])

    def _log_files(self, now: RunSnapshot) -> None:
        """Keep the picture and result.json as artifacts."""
        assert self._run is not None
        png = architecture_picture_of(now.run)
        files = {"architecture.png": png} if png else {}
        files["result.json"] = _result_content(now)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
                self._client.log_artifact(self._run.info.run_id, str(Path(folder) / name))

    def _tag(self, tags: Mapping[str, str]) -> None:
        assert self._run is not None
        for name, value in tags.items():
            self._client.set_tag(self._run.info.run_id, name, value)


def _identity(now: RunSnapshot) -> str:
    """A hash that no other run has: two runs of the same settings differ in their
    clock.
    """
    seconds = now.rows[0].seconds if now.rows else now.result.seconds if now.result else 0.0
    return hashlib.sha256(f"{now.identity} {seconds!r}".encode()).hexdigest()


def _name(now: RunSnapshot) -> str:
    """What people find the run by: the name of its folder."""
    return now.run.path.resolve().name


def _result_content(now: RunSnapshot) -> bytes:
    return read_bounded(now.run.file("result.json"), MOST_BYTES, "which no run's is")


def _result_digest(now: RunSnapshot) -> str | None:
    return hashlib.sha256(_result_content(now)).hexdigest() if now.result else None


def _experiment(client: MlflowClient, folder: Path) -> str:
    """The id of the experiment that holds our runs."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    return str(
        client.create_experiment(EXPERIMENT, artifact_location=(folder / ARTIFACTS).resolve().as_uri())
    )


def _make_database(folder: Path) -> None:
    """Make sure that the database can be opened: MLflow would try it for minutes.

    Raises:
        InputError: it cannot.
    """
    database = folder / DATABASE
    if any(character in str(folder.resolve()) for character in "?#%"):
        raise InputError(f"{folder}: MLflow takes no path with ?, # or %: give another -o")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with database.open("a+b") as file:
            file.seek(0)
            head = file.read(len(_SQLITE))
    except OSError as error:
        raise InputError(f"{database}: cannot be written ({error.strerror}): give another -o") from None
    if head not in (b"", _SQLITE):
        raise InputError(f"{database}: is no database of SQLite: give another -o")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what MLflow and SQLAlchemy tell their own authors."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
