"""What the tests with a real Spark share."""

from collections.abc import Iterator

import pytest

from tests.spark.cluster import cluster


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A standalone master with two workers."""
    pytest.importorskip("pyspark", reason="PySpark is not installed here (make spark builds .venv-spark)")
    with pytest.MonkeyPatch.context() as patch, cluster(tmp_path_factory.mktemp("cluster"), 2) as url:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield url
