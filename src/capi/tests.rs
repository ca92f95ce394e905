use std::ffi::CStr;

use super::encode::h5h264_encode;
use super::*;

type Answer = Result<Vec<u8>, (c_int, String)>;

/// Calls one of the functions as C would.
fn call(function: impl FnOnce(*mut *mut c_void, *mut usize, *mut c_char, usize) -> c_int) -> Answer {
    let (mut buffer, mut n_bytes, mut error) = (ptr::null_mut(), 0, [1; 64]);
    let status = function(&mut buffer, &mut n_bytes, error.as_mut_ptr(), error.len());
    // SAFETY: the functions' contract: a buffer, or a text that ends with a NUL.
    unsafe {
        if status != 0 {
            assert!(buffer.is_null());
            return Err((status, CStr::from_ptr(error.as_ptr()).to_str().unwrap().to_owned()));
        }
        let bytes = input(buffer.cast::<u8>(), n_bytes).to_vec();
        h5h264_free(buffer);
        Ok(bytes)
    }
}

fn encode(cd_values: &[u32], chunk: &[u8]) -> Answer {
    let (n, n_bytes) = (cd_values.len(), chunk.len());
    // SAFETY: pointers and lengths are those of slices.
    call(|out, len, error, room| unsafe {
        h5h264_encode(cd_values.as_ptr(), n, chunk.as_ptr().cast(), n_bytes, 1, out, len, error, room)
    })
}

fn decode(cd_values: &[u32], stored: &[u8]) -> Answer {
    let (start, n_bytes) = (stored.as_ptr().cast(), stored.len());
    let (values, n) = (cd_values.as_ptr(), cd_values.len());
    let (mut chunk_bytes, mut error) = (0, [1; 64]);
    // SAFETY: pointers and lengths are those of slices and arrays.
    let status = unsafe {
        let room = error.len();
        h5h264_decoded_bytes(values, n, start, n_bytes, &mut chunk_bytes, error.as_mut_ptr(), room)
    };
    let mut chunk = vec![0xaa; chunk_bytes];
    let chunk_start = chunk.as_mut_ptr().cast();
    let status = if status != 0 {
        status
    } else {
        // SAFETY: as above.
        unsafe {
            let room = error.len();
            h5h264_decode(values, n, start, n_bytes, 0, chunk_start, chunk_bytes, error.as_mut_ptr(), room)
        }
    };
    // SAFETY: the functions' contract: a text that ends with a NUL.
    let sentence = || unsafe { CStr::from_ptr(error.as_ptr()) }.to_str().unwrap().to_owned();
    if status == 0 { Ok(chunk) } else { Err((status, sentence())) }
}

fn describe(stored: &[u8]) -> Answer {
    // SAFETY: pointers and lengths are those of slices.
    call(|out, len, error, room| unsafe {
        h5h264_describe(stored.as_ptr().cast(), stored.len(), out, len, error, room)
    })
}

fn frames() -> Vec<u8> {
    (0..4 * 40 * 60u32).flat_map(|i| (i % 60 * 7 + i / 2400).to_le_bytes()[..2].to_owned()).collect()
}

#[test]
fn chunks_are_those_of_the_filter() {
    let stored = encode(&[40, 60, 2], &frames()).unwrap();
    assert_eq!(stored[..], filter::encode(&[40, 60, 2], &frames()).unwrap()[..]);
    assert_eq!(decode(&[], &stored).unwrap(), frames());
}

#[test]
fn a_chunk_is_described() {
    let stored = encode(&[40, 60, 2], &frames()).unwrap();
    let json = String::from_utf8(describe(&stored).unwrap()).unwrap();
    for part in ["\"content\":\"coded\"", "\"n_frames\":4,\"height\":40,\"width\":60", "\"coding\":\""] {
        assert!(json.contains(part), "{json}");
    }
}

#[test]
fn errors_come_with_a_status_and_as_much_of_the_sentence_as_fits() {
    let (status, sentence) = encode(&[41, 60, 2], &frames()).unwrap_err();
    assert_eq!(status, Status::BadValue as c_int);
    assert!(sentence.starts_with("frames of height 41 × width 60 × 2 bytes do not fit"), "{sentence}");
    assert_eq!(sentence.len(), 63);
    let (status, sentence) = decode(&[], b"something else").unwrap_err();
    assert_eq!(status, Status::CantFilter as c_int);
    assert!(sentence.starts_with("the chunk of 14 bytes was not written by this filter"), "{sentence}");
    assert!(describe(b"").is_err());
}

#[test]
fn a_sentence_is_cut_between_characters() {
    let mut room = [1; 4];
    // SAFETY: the room is as large as the function is told.
    unsafe { write_text("a××", room.as_mut_ptr(), room.len()) };
    assert_eq!(room.map(|c| c as u8), [b'a', 0xc3, 0x97, 0]);
    // SAFETY: as above; nothing may be written.
    unsafe { write_text("a", ptr::null_mut(), 0) };
}

#[test]
fn a_chunk_needs_room_of_its_size() {
    let stored = encode(&[40, 60, 2], &frames()).unwrap();
    let mut chunk = vec![0; frames().len() - 1];
    let (n_bytes, chunk_start) = (chunk.len(), chunk.as_mut_ptr().cast());
    // SAFETY: pointers and lengths are those of slices; there is no room for a sentence.
    let status = unsafe {
        let stored_start = stored.as_ptr().cast();
        let no_text = ptr::null_mut();
        h5h264_decode(ptr::null(), 0, stored_start, stored.len(), 0, chunk_start, n_bytes, no_text, 0)
    };
    assert_eq!(status, Status::CantFilter as c_int);
}

#[test]
fn a_panic_is_a_status() {
    let panic = || -> Result<Buffer, Failure> { panic!("no reason") };
    // SAFETY: the pointers are those of variables.
    let answer = call(|out, len, error, room| unsafe { answer(panic, out, len, error, room) });
    assert_eq!(answer.unwrap_err().0, Status::CantFilter as c_int);
}
