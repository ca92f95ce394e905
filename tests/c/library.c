/* What a program that links the library does with all of its functions. Says what is wrong, and fails. */
#include <h5h264.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_FRAMES = 6, HEIGHT = 40, WIDTH = 70, ROOM = 256 };

static int n_wrong = 0;
static char error[ROOM];

#define EXPECT(is_so)                                                                                                   \
    do {                                                                                                                \
        if (!(is_so)) {                                                                                                 \
            printf("line %d: not so: %s (%s)\n", __LINE__, #is_so, error);                                              \
            n_wrong++;                                                                                                  \
        }                                                                                                               \
    } while (0)

typedef struct kind {
    int type, n_components, layout;
    hid_t hdf5_type;
    size_t sample_bytes;
} kind_t;

static size_t chunk_bytes(const kind_t *kind)
{
    return (size_t)N_FRAMES * HEIGHT * WIDTH * (size_t)kind->n_components * kind->sample_bytes;
}

static hid_t create(hid_t file, const char *name, const kind_t *kind, size_t n, const uint32_t *cd_values)
{
    hsize_t shape[] = {N_FRAMES, HEIGHT, WIDTH, (hsize_t)kind->n_components};
    int rank = kind->n_components > 1 ? 4 : 3;
    hid_t space = H5Screate_simple(rank, shape, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, rank, shape);
    H5Pset_filter(properties, H5H264_FILTER_ID, H5Z_FLAG_MANDATORY, n, cd_values);
    hid_t dataset = H5Dcreate2(file, name, kind->hdf5_type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Pclose(properties);
    H5Sclose(space);
    return dataset;
}

/* The values that HDF5 has stored with a dataset. */
static int has_values(hid_t dataset, const uint32_t *expected)
{
    unsigned flags, values[32] = {0};
    size_t n = 32;
    hid_t properties = H5Dget_create_plist(dataset);
    H5Pget_filter_by_id2(properties, H5H264_FILTER_ID, &flags, &n, values, 0, NULL, NULL);
    H5Pclose(properties);
    return n == H5H264_N_CD_VALUES && memcmp(values, expected, n * sizeof *values) == 0;
}

/* A chunk that is stored as it was encoded is read; one that HDF5 has encoded has the same bytes. */
static void store(hid_t file, const kind_t *kind, const uint32_t *cd_values, const void *chunk, const void *stored, size_t stored_bytes)
{
    static int n = 0;
    char name[32];
    sprintf(name, "direct %d", ++n);
    hsize_t offset[4] = {0, 0, 0, 0}, found_bytes = 0;
    uint32_t mask, passed[] = {0, 0, 0, H5H264_FAST, (uint32_t)kind->layout};
    char *found = malloc(chunk_bytes(kind) * 8);
    hid_t direct = create(file, name, kind, H5H264_N_CD_VALUES, cd_values);
    EXPECT(direct >= 0 && has_values(direct, cd_values));
    EXPECT(H5Dwrite_chunk(direct, H5P_DEFAULT, 0, offset, stored_bytes, stored) >= 0);
    EXPECT(H5Dread(direct, kind->hdf5_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) >= 0);
    EXPECT(memcmp(found, chunk, chunk_bytes(kind)) == 0);
    H5Dclose(direct);

    sprintf(name, "by HDF5 %d", n);
    hid_t by_hdf5 = create(file, name, kind, 5, passed);
    EXPECT(by_hdf5 >= 0 && has_values(by_hdf5, cd_values));
    EXPECT(H5Dwrite(by_hdf5, kind->hdf5_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, chunk) >= 0);
    H5Dflush(by_hdf5);
    EXPECT(H5Dget_chunk_storage_size(by_hdf5, offset, &found_bytes) >= 0 && found_bytes == stored_bytes);
    EXPECT(H5Dread_chunk(by_hdf5, H5P_DEFAULT, offset, &mask, found) >= 0 && memcmp(found, stored, stored_bytes) == 0);
    H5Dclose(by_hdf5);
    free(found);
}

static void round_trip(hid_t file, const kind_t *kind, const void *chunk)
{
    uint32_t cd_values[H5H264_N_CD_VALUES];
    size_t n_bytes = chunk_bytes(kind), stored_bytes = 0, given_bytes = 0, decoded_bytes = 0;
    EXPECT(h5h264_cd_values(N_FRAMES, HEIGHT, WIDTH, (uint32_t)kind->n_components, kind->type, H5H264_FAST, kind->layout,
                            cd_values, error, ROOM) == H5H264_OK);
    size_t bound = h5h264_encode_bound(cd_values, H5H264_N_CD_VALUES, n_bytes);
    EXPECT(bound > n_bytes);
    void *room = malloc(bound), *found = malloc(n_bytes), *given = NULL;
    EXPECT(h5h264_encode_into(cd_values, H5H264_N_CD_VALUES, chunk, n_bytes, 1, room, bound, &stored_bytes, error, ROOM) == H5H264_OK);
    EXPECT(h5h264_encode(cd_values, H5H264_N_CD_VALUES, chunk, n_bytes, 0, &given, &given_bytes, error, ROOM) == H5H264_OK);
    EXPECT(given_bytes == stored_bytes && memcmp(given, room, stored_bytes) == 0);
    h5h264_free(given);

    EXPECT(h5h264_decoded_bytes(cd_values, H5H264_N_CD_VALUES, room, stored_bytes, &decoded_bytes, error, ROOM) == H5H264_OK);
    EXPECT(decoded_bytes == n_bytes);
    EXPECT(h5h264_decode(cd_values, H5H264_N_CD_VALUES, room, stored_bytes, 1, found, n_bytes, error, ROOM) == H5H264_OK);
    EXPECT(memcmp(found, chunk, n_bytes) == 0);
    store(file, kind, cd_values, chunk, room, stored_bytes);

    /* One byte less than it takes is not enough, and what it takes is. */
    size_t needed = 0;
    memset(room, 0x5a, bound);
    EXPECT(h5h264_encode_into(cd_values, H5H264_N_CD_VALUES, chunk, n_bytes, 1, room, stored_bytes - 1, &needed, error, ROOM) == H5H264_NO_ROOM);
    EXPECT(needed == stored_bytes && strstr(error, "(expected room for them, found ") != NULL);
    EXPECT(((unsigned char *)room)[stored_bytes - 1] == 0x5a);
    EXPECT(h5h264_encode_into(cd_values, H5H264_N_CD_VALUES, chunk, n_bytes, 1, room, needed, &needed, error, ROOM) == H5H264_OK);
    free(found);
    free(room);
}

/* Bytes of all kinds: a ramp; noise; the hardest for a movie, no byte like its neighbours. */
static void fill(unsigned char *chunk, size_t n_bytes, int kind)
{
    uint32_t state = 1;
    for (size_t i = 0; i < n_bytes; i++) {
        state = state * 1664525u + 1013904223u;
        chunk[i] = (unsigned char)(kind == 0 ? i / 64 : kind == 1 ? state >> 24 : state >> 31 ? 255 : 0);
    }
}

static void refuse(void)
{
    uint32_t values[H5H264_N_CD_VALUES];
    EXPECT(h5h264_cd_values(1, 4, 4, 1, 3, 0, 0, values, error, ROOM) == H5H264_BAD_VALUE && strstr(error, "type 0x3 does not exist"));
    EXPECT(h5h264_cd_values(1, 4, 4, 1, H5H264_UINT8, 10, 0, values, error, ROOM) == H5H264_BAD_VALUE && strstr(error, "preset 10"));
    EXPECT(h5h264_cd_values(1, 4, 4, 1, H5H264_UINT8, -1, 0, values, error, ROOM) == H5H264_BAD_VALUE);
    EXPECT(h5h264_cd_values(1, 4, 4, 1, H5H264_UINT8, 0, 3, values, error, ROOM) == H5H264_BAD_VALUE && strstr(error, "layout 3"));
    EXPECT(h5h264_cd_values(1, 0, 4, 1, H5H264_UINT8, 0, 0, values, error, ROOM) == H5H264_BAD_VALUE && strstr(error, "at least 1"));
    EXPECT(h5h264_cd_values(1, 4, 4, 65, H5H264_UINT8, 0, 0, values, error, ROOM) == H5H264_BAD_VALUE && strstr(error, "65 components"));
    EXPECT(h5h264_cd_values(UINT64_MAX, 4, 4, 1, H5H264_UINT8, 0, 0, values, NULL, 0) == H5H264_BAD_VALUE);
    EXPECT(h5h264_cd_values(1, 4, 4, 1, H5H264_UINT16, 0, H5H264_LAYOUT_MOVIE, values, error, ROOM) == H5H264_BAD_VALUE);
    EXPECT(h5h264_encode_bound(NULL, 0, 100) == 0);
    const uint32_t short_list[] = {4, 4, 1};
    EXPECT(h5h264_encode_bound(short_list, 3, 17) == 0 && h5h264_encode_bound(short_list, 3, 32) == 32 + 25);
    size_t n_bytes;
    EXPECT(h5h264_decoded_bytes(NULL, 0, "something else", 14, &n_bytes, error, ROOM) == H5H264_CANT_FILTER);
    void *json = &json;
    EXPECT(h5h264_describe("something else", 14, &json, &n_bytes, error, ROOM) == H5H264_CANT_FILTER && json == NULL && n_bytes == 0);
}

int main(void)
{
    const kind_t kinds[] = {
        {H5H264_UINT8, 1, 0, H5T_STD_U8LE, 1},   {H5H264_UINT16, 1, 0, H5T_STD_U16LE, 2},
        {H5H264_INT32, 1, 0, H5T_STD_I32LE, 4},  {H5H264_INT16 | H5H264_BIG_ENDIAN, 1, 0, H5T_STD_I16BE, 2},
        {H5H264_UINT64, 1, 0, H5T_STD_U64LE, 8}, {H5H264_FLOAT32, 1, 0, H5T_IEEE_F32LE, 4},
        {H5H264_FLOAT64, 1, 0, H5T_IEEE_F64LE, 8}, {H5H264_UINT8, 3, 0, H5T_STD_U8LE, 1},
        {H5H264_UINT8, 1, H5H264_LAYOUT_MOVIE, H5T_STD_U8LE, 1}, {H5H264_UINT8, 3, H5H264_LAYOUT_MOVIE, H5T_STD_U8LE, 1},
        {H5H264_UINT16, 1, H5H264_LAYOUT_ORIGINAL, H5T_STD_U16LE, 2},
    };
    EXPECT(strcmp(h5h264_version(), H5H264_VERSION) == 0);
    EXPECT(h5h264_n_threads() >= 1);
    EXPECT(H5Zregister(h5h264_filter_class()) >= 0);
    hid_t file = H5Fcreate("library.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        unsigned char *chunk = malloc(chunk_bytes(&kinds[i]));
        for (int content = 0; content < 3; content++) {
            fill(chunk, chunk_bytes(&kinds[i]), content);
            round_trip(file, &kinds[i], chunk);
        }
        free(chunk);
    }
    H5Fclose(file);
    refuse();
    printf("%s, %d: %d wrong\n", h5h264_version(), H5H264_FILTER_ID, n_wrong);
    printf("%d %d %d %d %d %d\n", H5H264_OK, H5H264_BAD_VALUE, H5H264_BAD_TYPE, H5H264_CANT_FILTER, H5H264_NO_MEMORY, H5H264_NO_ROOM);
    return n_wrong != 0;
}
