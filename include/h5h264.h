/*
 * h5h264: lossless H.264 for image sequences in HDF5, filter 32010.
 *
 * For programs that encode and decode chunks themselves: detectors' writers, which encode in threads and store with
 * H5Dwrite_chunk, readers that decode in parallel, and stores other than HDF5. Link with `pkg-config --libs h5h264`, or
 * h5h264::h5h264 in CMake. Nothing here calls HDF5 or needs it, but for the filter that h5h264_filter_class gives.
 *
 * A chunk is some whole frames of one shape and type, one after the other, in C order. What is stored for it depends on
 * its bytes and on cd_values alone, not on threads, processor or what was encoded before.
 *
 * Threads: all functions may be called from any number of threads at once, also with the same arguments, as long as no
 * memory that one of them writes to is used by another one meanwhile. None waits until another one is over. A process may
 * fork, and both go on.
 *
 * Ownership: the caller keeps all memory that it passes, and may free it when the call is over; the library keeps no
 * pointer to it. What the library allocates is a `void **` in the declaration, and goes back to h5h264_free.
 *
 * Errors: a function that returns int returns H5H264_OK or another h5h264_status. Then there is a sentence for the
 * user in the `error_bytes` bytes at `error`, in UTF-8, cut if it does not fit, and ended by a NUL. `error` may be NULL if
 * `error_bytes` is 0. After success, nothing is written there. No function prints or throws.
 */
#ifndef H5H264_H
#define H5H264_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. */
#define H5H264_VERSION_MAJOR 0
#define H5H264_VERSION_MINOR 1
#define H5H264_VERSION_PATCH 0
#define H5H264_VERSION "0.1.0"

/* For H5Pset_filter. */
#define H5H264_FILTER_ID 32010
/* How many values h5h264_cd_values writes, and HDF5 stores with a dataset. */
#define H5H264_N_CD_VALUES 10

/* What functions return: who has to act. */
typedef enum h5h264_status {
    H5H264_OK = 0,
    /* The options, or the room for a chunk, do not fit the chunk. */
    H5H264_BAD_VALUE = 1,
    /* The type of the samples is not supported. */
    H5H264_BAD_TYPE = 2,
    /* The stored bytes are damaged, of another filter, or of a newer version. */
    H5H264_CANT_FILTER = 3,
    /* There is not enough memory. */
    H5H264_NO_MEMORY = 4,
    /* There is not enough room where the caller wants the encoded chunk. */
    H5H264_NO_ROOM = 5
} h5h264_status;

/* Of samples: integers, and IEEE 754 floats. Little-endian, unless H5H264_BIG_ENDIAN is added. */
typedef enum h5h264_type {
    H5H264_UINT8 = 0x01,
    H5H264_UINT16 = 0x02,
    H5H264_UINT32 = 0x04,
    H5H264_UINT64 = 0x08,
    H5H264_INT8 = 0x11,
    H5H264_INT16 = 0x12,
    H5H264_INT32 = 0x14,
    H5H264_INT64 = 0x18,
    H5H264_FLOAT16 = 0x22,
    H5H264_FLOAT32 = 0x24,
    H5H264_FLOAT64 = 0x28
} h5h264_type;

/* Added to a type: the most significant byte comes first. */
#define H5H264_BIG_ENDIAN 0x100

/* How hard the encoder tries. The first is the default of all programs, and the one for acquisition. */
typedef enum h5h264_preset {
    H5H264_ULTRAFAST = 0,
    H5H264_SUPERFAST = 1,
    H5H264_VERYFAST = 2,
    H5H264_FASTER = 3,
    H5H264_FAST = 4,
    H5H264_MEDIUM = 5,
    H5H264_SLOW = 6,
    H5H264_SLOWER = 7,
    H5H264_VERYSLOW = 8,
    H5H264_PLACEBO = 9
} h5h264_preset;

/* Of stored chunks. */
typedef enum h5h264_layout {
    /* This project's, with checksums. The one to take. */
    H5H264_LAYOUT_DEFAULT = 0,
    /* That of the original plugin, without a checksum, for its readers. */
    H5H264_LAYOUT_ORIGINAL = 1,
    /* This project's; frames of bytes are always stored as a movie that players show, even where it is larger. */
    H5H264_LAYOUT_MOVIE = 2
} h5h264_layout;

/*
 * The version of the library that is loaded, "0.1.0" for example. The text lives as long as the library.
 */
const char *h5h264_version(void);

/*
 * The cd_values of a dataset whose chunks have `n_frames` frames of `height` rows and `width` pixels, each of
 * `n_components` samples of a `type`: 1 for gray, 3 for RGB, 2 for complex numbers. `cd_values` has room for
 * H5H264_N_CD_VALUES values. They are those that HDF5 stores with such a dataset if H5Pset_filter gets them, or only the
 * preset and layout.
 *
 * `type` is an h5h264_type, perhaps plus H5H264_BIG_ENDIAN, `preset` an h5h264_preset and `layout` an h5h264_layout.
 * H5H264_BAD_VALUE if any is not, or a number is 0.
 */
int h5h264_cd_values(uint64_t n_frames, uint32_t height, uint32_t width, uint32_t n_components, int type, int preset,
                     int layout, uint32_t *cd_values, char *error, size_t error_bytes);

/*
 * The most bytes that a chunk of `chunk_bytes` bytes is encoded to: 25 more than it has, or with layouts 1 and 2 some times
 * as many. 0 if `cd_values` do not fit such a chunk; h5h264_encode says why.
 */
size_t h5h264_encode_bound(const uint32_t *cd_values, size_t n_cd_values, size_t chunk_bytes);

/*
 * Encodes a chunk to memory of the caller, `room_bytes` bytes at `stored`. `*stored_bytes` is how many bytes it has
 * become, also when they do not fit, which is H5H264_NO_ROOM. After an error, anything may be in `stored`.
 *
 * `cd_values` come from h5h264_cd_values, or from a dataset, or are those that a user passes: 3 to 5 values, height, width,
 * bytes a sample, preset, layout. `chunk_bytes` is what they say; a chunk of another size is stored as it is, since an
 * earlier filter may have made it. `n_threads` is how many threads may work on the chunk at most: 1 is right where
 * chunks are encoded in threads of the caller; 0 means as many as h5h264_n_threads says. Needs three times the memory of
 * the chunk for a while.
 */
int h5h264_encode_into(const uint32_t *cd_values, size_t n_cd_values, const void *chunk, size_t chunk_bytes,
                       size_t n_threads, void *stored, size_t room_bytes, size_t *stored_bytes, char *error,
                       size_t error_bytes);

/*
 * h5h264_encode_into, to memory that the library allocates: `*stored`, of `*stored_bytes` bytes, for h5h264_free. After an
 * error, they are NULL and 0.
 */
int h5h264_encode(const uint32_t *cd_values, size_t n_cd_values, const void *chunk, size_t chunk_bytes,
                  size_t n_threads, void **stored, size_t *stored_bytes, char *error, size_t error_bytes);

/*
 * How large the chunk is that was encoded to the `stored_bytes` bytes at `stored`. `cd_values` are those that are
 * stored with the dataset; for chunks of layouts 0 and 2, NULL and 0 will do, here and in h5h264_decode.
 */
int h5h264_decoded_bytes(const uint32_t *cd_values, size_t n_cd_values, const void *stored, size_t stored_bytes,
                         size_t *chunk_bytes, char *error, size_t error_bytes);

/*
 * Decodes a chunk to the `chunk_bytes` bytes at `chunk`, which has to be its size. Checksums of the stored and of the decoded
 * bytes are verified. After an error, anything may be in `chunk`. `stored` may come from anybody: no bytes make this
 * function read or write elsewhere. `n_threads` as for h5h264_encode_into.
 */
int h5h264_decode(const uint32_t *cd_values, size_t n_cd_values, const void *stored, size_t stored_bytes,
                  size_t n_threads, void *chunk, size_t chunk_bytes, char *error, size_t error_bytes);

/*
 * How a chunk is stored, without decoding it, as JSON in UTF-8: `*json`, of `*json_bytes` bytes without a NUL at the end, for
 * h5h264_free. After an error, they are NULL and 0.
 */
int h5h264_describe(const void *stored, size_t stored_bytes, void **json, size_t *json_bytes, char *error,
                    size_t error_bytes);

/*
 * Takes back what h5h264_encode or h5h264_describe gave, once. NULL is allowed.
 */
void h5h264_free(void *buffer);

/*
 * How many threads work on a chunk if nothing else is said: the cores that the process may use, its share of the machine
 * under MPI, or the environment variable H5H264_THREADS. At least 1.
 */
size_t h5h264_n_threads(void);

/*
 * What H5Zregister takes: `H5Zregister(h5h264_filter_class())`. After that, this process creates, writes and reads
 * datasets with the filter, whether HDF5 finds the plugin in HDF5_PLUGIN_PATH or not. The class lives as long as the library,
 * which stays loaded until the process ends.
 */
const void *h5h264_filter_class(void);

#ifdef __cplusplus
}
#endif

#endif
