"""Workers: two processes that talk over the loopback interface and nothing else."""

import logging

import pytest
from dask.distributed import Client, LocalCluster


def local_cluster():
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="session")
def shared_cluster():
    with local_cluster() as cluster:
        yield cluster


@pytest.fixture
def client(shared_cluster):
    """A client of workers that are shared by the tests, which leave them as they are."""
    with Client(shared_cluster) as client:
        yield client


@pytest.fixture
def client_of_mortals():
    """A client of two workers of its own, which may be killed."""
    with local_cluster() as cluster, Client(cluster) as client:
        yield client
