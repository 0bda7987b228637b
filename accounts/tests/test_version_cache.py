"""Connections to Redis, of which each thread has its own."""

import os
import threading

import pytest

from accounts import version_cache

pytestmark = pytest.mark.fleet


def name_of_connection():
    return version_cache.run_command("CLIENT", "ID")


def test_a_thread_keeps_its_connection():
    assert name_of_connection() == name_of_connection()


def test_any_number_of_threads_may_come_and_go():
    names = []

    for _ in range(150):
        thread = threading.Thread(target=lambda: names.append(name_of_connection()))
        thread.start()
        thread.join()

    assert len(set(names)) == 150


def test_a_forked_process_does_not_talk_on_the_connection_of_its_parent():
    name = name_of_connection()
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(writing, str(name_of_connection()).encode())
        os._exit(0)

    os.waitpid(child, 0)
    assert os.read(reading, 100) not in (b"", str(name).encode())
    assert name_of_connection() == name
    os.close(reading)
    os.close(writing)
