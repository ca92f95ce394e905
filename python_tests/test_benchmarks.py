"""What scripts/bench says about its measurements: means, targets, tables."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))

from compare import (
    codecs,
    comparison,
    memory_file,
    outside,
    picture,
    quick,
    section,
    sequences,
    small_chunks,
    structured,
    structured_frames,
    worker,
)
from compare.__main__ import SECTIONS
from compare.round_trip import round_trip
from compare.timing import QUICK


def cell(ratio, is_exact=True):
    return {"ratio": ratio, "encode": 10 * ratio, "decode": 20 * ratio, "is_exact": is_exact}


@pytest.fixture
def results():
    """Two sequences; a lossy peer is smallest, and JPEG-LS can't store the second sequence."""
    ratios = {codecs.DEFAULT: (3.0, 2.0), codecs.MEDIUM: (3.3, 2.2), "BZip2": (2.0, 2.5), "JPEG-LS": (2.4, None)}
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
    assert results.quotients("ratio", codecs.DEFAULT, results.best_peer) == pytest.approx({"a": 1.25, "b": 0.8})
    assert results.quotients("ratio", codecs.DEFAULT, "JPEG-LS") == pytest.approx({"a": 1.25})
    assert results.quotients("ratio", codecs.DEFAULT, "h5ffmpeg x264 crf 0") == {}


def test_means_are_over_the_same_sequences(results):
    assert results.common() == ["a"]
    assert results.mean("BZip2", "ratio", ["a", "b"]) == pytest.approx(5**0.5)
    assert results.mean("JPEG-LS", "ratio", ["a", "b"]) is None


def test_a_target_is_met_or_missed_or_not_measured(results):
    by_name = {target.name: target for target in comparison.targets(results)}
    each = by_name["ratio of the default ≥ each lossless filter's of others, each sequence"]
    assert (each.measured, each.is_met) == ("1 of 2; worst 0.80 × BZip2 on b", False)
    slower = by_name["ratio of a slower preset ≥ 1.04 × the default's"]
    assert (slower.measured, slower.is_met) == ("1.10 × (medium)", True)
    assert by_name["ratio of the default ≥ pcodec's"].is_met is None


def test_targets_of_known_sequences_are_not_measured_on_others(results):
    by_name = {target.name: target for target in comparison.targets(results)}
    assert by_name["ratio of the default ≥ 4.0"].is_met is None
    assert by_name["ratio of the default ≥ 0.99 × medium's in format 2, each sequence"].is_met is None
    sequence, before = next(iter(comparison.RATIO_OF_MEDIUM_BEFORE.items()))
    known = comparison.Results([sequence], {(sequence, codecs.DEFAULT): cell(0.985 * before)})
    by_name = {target.name: target for target in comparison.targets(known)}
    each = by_name["ratio of the default ≥ 0.99 × medium's in format 2, each sequence"]
    assert (each.measured, each.is_met) == (f"0 of 1; worst 0.98 × on {sequence}", False)


def test_a_round_trip_that_is_not_exact_or_not_there_is_missed(results):
    target = comparison.every_round_trip(results, (codecs.DEFAULT, codecs.OURS["superfast"]))
    assert (target.measured, target.is_met) == ("2 of 4", False)


def test_the_picture_shows_what_is_lossless(results):
    points = picture.points(results, "encode")
    assert "h5ffmpeg x264 crf 0" not in points
    assert points["JPEG-LS"] == pytest.approx((24, 2.4))


def test_smooth_floats_have_a_target_of_their_own():
    quotients = {kind: 1.0 for kind in structured_frames.KINDS}
    each, smooth = structured.targets(quotients)
    assert each.is_met and smooth.is_met is False
    assert smooth.measured.startswith(f"0 of {len(structured_frames.SMOOTH)}")


@pytest.mark.parametrize("kind", structured_frames.KINDS)
def test_structured_frames_do_not_change(kind):
    frames = structured_frames.KINDS[kind]()
    assert frames.ndim == 3 and len(frames) <= codecs.CHUNK_FRAMES
    assert memory_file.same_bits(frames, structured_frames.KINDS[kind]())
    assert frames.min() < frames.max()


def test_tables_replace_what_is_between_their_markers():
    text = "before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n"
    once = section.replace_between_markers(text, "a", "new")
    assert once == "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n"
    assert section.replace_between_markers(once, "a", "new") == once
    with pytest.raises(ValueError, match="no markers of b"):
        section.replace_between_markers(text, "b", "new")


def test_the_document_has_the_markers_once():
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    tables = ("machine", "targets", "sequences", "ratio", "encode", "decode", "picture")
    for name in (*tables, *SECTIONS):
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


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_ffv1_gives_integers_back_whatever_their_type(dtype):
    frames = (sequences.made_frames(12, 48, 64) // 16).astype(dtype)
    codec = outside.Ffv1("FFV1", group_frames=10)
    stored, seconds = codec.store(frames)
    assert 1 < frames.nbytes / stored.n_bytes and seconds > 0
    loaded, _ = codec.load(stored, np.ones_like(frames))
    assert memory_file.same_bits(frames, loaded)


@pytest.mark.parametrize("value", [-1, 2**16, 0.5, np.nan])
def test_ffv1_stores_no_more_than_16_bits(value):
    with pytest.raises(codecs.Unsupported):
        outside.Ffv1("FFV1", group_frames=10).store(np.full((2, 16, 16), value, "float32"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
@pytest.mark.parametrize("kind", ["made", "equal frames", "rows that grow"])
def test_pcodec_gives_back_what_it_stored(dtype, kind):
    frames = {
        "made": sequences.made_frames(12, 32, 48),
        "equal frames": np.repeat(sequences.noise_frames("uint16", (1, 32, 48)), 12, axis=0),
        "rows that grow": np.broadcast_to(np.arange(48) * 1000, (1, 32, 48)).astype("uint16"),
    }[kind].astype(dtype)
    codec = outside.Pcodec("pcodec", chunk_frames=10)
    stored, _ = codec.store(frames)
    loaded, _ = codec.load(stored, np.ones_like(frames))
    assert memory_file.same_bits(frames, loaded)


def test_a_quick_look_is_at_the_default_gzip_and_medium(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "benches"), prepend=os.pathsep)
    sequences.write(tmp_path / "spot.h5", sequences.made_frames(12, 64, 64))
    looked = quick.section(sequences.in_folder(tmp_path), say=print)
    assert [target.measured for target in looked.targets] == ["2 of 2"]
    head, _, sequence, mean = looked.tables["ratio"].splitlines()
    assert all(codec in head for codec in (codecs.DEFAULT, "gzip-4 + shuffle", codecs.MEDIUM))
    assert sequence.startswith("| spot |") and "-" not in mean
