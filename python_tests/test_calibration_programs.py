"""Do views live well in programs and processes?"""

import os
import threading

import h5py
import numpy as np
from support import run_python
from views import H264, MASK, N, expected, make, same


def test_reads_leave_nothing_behind(path):
    make(path, view=dict(chunks=2))
    script = """
        import resource, sys
        import h5py
        file = h5py.File(sys.argv[1])
        ids = lambda: h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)
        memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def read(n):
            for i in range(n):
                file["processed"][i % 6, 0, 0]
        read(2000)
        before = ids(), memory()
        read(int(sys.argv[2]))
        print(ids() - before[0], memory() - before[1] < 4000)
    """
    n = os.environ.get("CALIBRATION_READS", "20000")
    assert run_python(script, path, n, timeout=600) == "0 True\n"


def test_threads_and_forked_processes_read(path):
    make(path)
    wanted = expected("AGIPD_v2")
    wrong = []

    def read():
        with h5py.File(path) as file:
            for i in range(60):
                if not same(file["processed"][i % N], wanted[i % N]):
                    wrong.append(i)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    script = """
        import os, sys
        import h5py
        file = h5py.File(sys.argv[1])
        first = file["processed"][0].tobytes()
        for _ in range(4):
            if (child := os.fork()) == 0:
                os._exit(0 if file["processed"][0].tobytes() == first else 1)
            print(os.waitpid(child, 0)[1])
    """
    assert run_python(script, path) == "0\n" * 4


def test_debians_h5py_reads_the_same(path, system_python):
    make(path, "JUNGFRAU_v1", dict(chunks=4, mask="/mask"), compression=H264)
    np.save(path.with_suffix(".npy"), expected("JUNGFRAU_v1", mask=MASK))
    script = """
        import sys
        import h5py, numpy as np
        for name, wanted in [(sys.argv[1], np.load(sys.argv[2]))]:
            print(np.array_equal(h5py.File(name)["processed"][()], wanted, equal_nan=True))
        try:
            h5py.File(name, "r+")["processed"][0] = 1
        except OSError as error:
            print("h5calib" in str(error))
    """
    output = run_python(script, path, path.with_suffix(".npy"), python=system_python)
    assert output == "True\nTrue\n"
