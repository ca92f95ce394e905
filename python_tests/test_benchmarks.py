"""What scripts/bench says about its measurements: means, targets, tables."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))

from compare import codecs, comparison, memory_file, section, sequences, small_chunks, worker
from compare.round_trip import round_trip
from compare.timing import QUICK


def cell(ratio, is_exact=True):
    return {"ratio": ratio, "encode": 10 * ratio, "decode": 20 * ratio, "is_exact": is_exact}


@pytest.fixture
def results():
    """Two sequences; a lossy peer is smallest, and JPEG-LS can't store the second sequence."""
    ratios = {codecs.OURS["medium"]: (3.0, 2.0), "BZip2": (2.0, 2.5), "JPEG-LS": (2.4, None)}
    cells = {
        (sequence, codec): cell(ratio)
        for codec, pair in ratios.items()
        for sequence, ratio in zip("ab", pair)
        if ratio
    }
    cells["a", "h5ffmpeg x264 crf 0"] = cell(9.0, is_exact=False)
    return comparison.Results(["a", "b"], cells)


def test_geometric_mean():
    assert section.geometric_mean([2, 8]) == pytest.approx(4)
    assert section.geometric_mean([]) is None


def test_numbers_have_three_digits():
    assert [section.number(n) for n in (1.234, 12.34, 123.4, None)] == ["1.23", "12.3", "123", "-"]
    assert section.number(2, "†") == "2.00†"


def test_the_best_peer_is_lossless(results):
    assert [results.best_peer(s) for s in "ab"] == ["JPEG-LS", "BZip2"]


def test_quotients_are_of_what_both_can_store(results):
    medium = codecs.OURS["medium"]
    assert results.quotients("ratio", medium, results.best_peer) == pytest.approx({"a": 1.25, "b": 0.8})
    assert results.quotients("ratio", medium, "JPEG-LS") == pytest.approx({"a": 1.25})
    assert results.quotients("ratio", medium, "h5ffmpeg x264 crf 0") == {}


def test_means_are_over_the_same_sequences(results):
    assert results.common() == ["a"]
    assert results.mean("BZip2", "ratio", ["a", "b"]) == pytest.approx(5**0.5)
    assert results.mean("JPEG-LS", "ratio", ["a", "b"]) is None


def test_a_target_is_met_or_missed_or_not_measured(results):
    by_name = {target.name: target for target in comparison.targets(results)}
    each = by_name["ratio of medium ≥ the best lossless peer's, each sequence"]
    assert (each.measured, each.is_met) == ("1 of 2; worst 0.80 × BZip2 on b", False)
    average = by_name["ratio of medium ≥ 1.2 × the best lossless peer's"]
    assert average.measured.startswith("1.00 ×") and average.is_met is False
    assert by_name["ratio of medium ≥ JPEG XL effort 7"].is_met is None


def test_tables_replace_what_is_between_their_markers():
    text = "before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n"
    once = section.replace_between_markers(text, "a", "new")
    assert once == "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n"
    assert section.replace_between_markers(once, "a", "new") == once
    with pytest.raises(ValueError, match="no markers of b"):
        section.replace_between_markers(text, "b", "new")


def test_the_document_has_the_markers_once():
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    tables = ("machine", "targets", "sequences", "ratio", "encode", "decode", "picture", "threads", "growth", "package")
    for name in tables:
        assert text.count(f"<!-- begin {name} -->") == text.count(f"<!-- end {name} -->") == 1, name


def test_criterion_estimates_are_found(tmp_path):
    folder = tmp_path / "chunk_64x64" / "kept session" / "new"
    folder.mkdir(parents=True)
    (folder / "benchmark.json").write_text(json.dumps({"full_id": "chunk_64x64/kept session"}))
    (folder / "estimates.json").write_text(json.dumps({"mean": {"point_estimate": 105.5}}))
    assert small_chunks.criterion_nanoseconds(tmp_path, "chunk_64x64/kept session") == 105.5
    assert small_chunks.criterion_nanoseconds(tmp_path, "chunk_64x64/fresh session") is None


def test_made_frames_do_not_change():
    assert np.array_equal(sequences.made_frames(3, 32, 48), sequences.made_frames(5, 32, 48)[:3])


def test_the_same_bits_are_more_than_equal():
    zeros = np.zeros(3, "float32")
    assert not memory_file.same_bits(zeros, -zeros)
    nans = np.full(3, np.nan)
    assert memory_file.same_bits(nans, nans.copy())


@pytest.mark.parametrize("codec", [codecs.DEFAULT, codecs.ORIGINAL, "gzip-4 + shuffle", "Bitshuffle zstd"])
def test_a_round_trip_is_measured(codec, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "benches"), prepend=os.pathsep)
    measured = worker.run(round_trip, codec=codec, made=(12, 64, 64), effort=QUICK.asdict())
    assert measured["is_exact"]
    assert measured["ratio"] > 1 and measured["encode"] > 0 and measured["decode"] > 0


def test_what_a_codec_can_not_store_is_not_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "benches"), prepend=os.pathsep)
    path = tmp_path / "wide.h5"
    sequences.write(path, np.zeros((2, 32, 32), "int32"))
    measured = worker.run(round_trip, codec="JPEG-LS", path=str(path), effort=QUICK.asdict())
    assert measured.keys() == {"unsupported"}
