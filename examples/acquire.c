/*
 * A detector's writer: threads encode chunks, one writes them, and another process reads while it does (SWMR).
 *
 *     h5cc -O2 acquire.c -o acquire $(pkg-config --cflags --libs h5h264) -pthread
 *     ./acquire write run.h5 2000 10 2 &       2000 frames in chunks of 10, encoded by 2 threads
 *     ./acquire read run.h5 2000               waits for each of them, and checks it
 *
 * Frames of your own instead of made-up ones: ./acquire write run.h5 2000 10 2 FRAMES.raw (uint16, of 512 x 1024).
 */
#define _POSIX_C_SOURCE 200809L
#include <h5h264.h>
#include <hdf5.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEIGHT = 512, WIDTH = 1024, FRAME = HEIGHT * WIDTH };
/* Different frames of the camera, in memory, as if they came from the network. */
enum { N_FILM = 20 };
/* Chunks that are on their way from a thread that encodes to the one that writes. */
enum { N_SLOTS = 16 };

static void fail(const char *what)
{
    fprintf(stderr, "acquire: %s\n", what);
    exit(EXIT_FAILURE);
}

static void check(int is_done, const char *what)
{
    if (!is_done)
        fail(what);
}

static void *allocate(size_t n_bytes)
{
    void *memory = malloc(n_bytes);
    check(memory != NULL, "there is not enough memory");
    return memory;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- The camera ---- */

static uint16_t *film;

/* A random number; each state gives the next. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Frames of a detector: a pedestal that differs from pixel to pixel, noise, and a ring of photons. */
static void make_film(void)
{
    uint32_t state = 2463534242u;
    uint16_t *pedestal = allocate(FRAME * sizeof *pedestal);
    for (int i = 0; i < FRAME; i++)
        pedestal[i] = (uint16_t)(2500 + next_random(&state) % 200);
    film = allocate((size_t)N_FILM * FRAME * sizeof *film);
    for (int t = 0; t < N_FILM; t++) {
        for (int i = 0; i < FRAME; i++) {
            /* The sum of numbers that are equally likely is nearly normal: a deviation of 11. */
            uint32_t a = next_random(&state), noise = (a & 15) + (a >> 8 & 15) + (a >> 16 & 15) + (a >> 24 & 15);
            int y = i / WIDTH - HEIGHT / 2, x = i % WIDTH - WIDTH / 2, distance = y * y + x * x;
            int is_hit = distance > 150 * 150 && distance < 170 * 170 && next_random(&state) % 16 == 0;
            film[(size_t)t * FRAME + i] = (uint16_t)(pedestal[i] + noise + (is_hit ? 400 : 0));
        }
    }
    free(pedestal);
}

static void load_film(const char *path)
{
    film = allocate((size_t)N_FILM * FRAME * sizeof *film);
    FILE *file = fopen(path, "rb");
    check(file != NULL, "the file with frames can't be opened");
    size_t n = fread(film, FRAME * sizeof *film, N_FILM, file);
    fclose(file);
    check(n > 0, "the file has no frame of 512 x 1024 uint16");
    for (size_t t = n; t < N_FILM; t++)
        memcpy(film + t * FRAME, film + (t - n) * FRAME, FRAME * sizeof *film);
}

/* Frame t, which has its number in its first two pixels. */
static void take_frame(int t, uint16_t *frame)
{
    memcpy(frame, film + (size_t)(t % N_FILM) * FRAME, FRAME * sizeof *frame);
    frame[0] = (uint16_t)t;
    frame[1] = (uint16_t)(t >> 16);
}

/* ---- Encoding ---- */

typedef struct slot {
    void *stored;
    size_t stored_bytes;
    int is_full;
} slot_t;

static struct {
    int n_frames, chunk_frames, n_chunks;
    uint32_t cd_values[H5H264_N_CD_VALUES];
    size_t bound;
    /* Chunks that a thread has begun with, and that were written. */
    int n_begun, n_written;
    slot_t slots[N_SLOTS];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} run = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The next chunk for a thread, when there is a slot for it; -1 at the end. */
static int begin_chunk(void)
{
    pthread_mutex_lock(&run.mutex);
    while (run.n_begun < run.n_chunks && run.n_begun - run.n_written >= N_SLOTS)
        pthread_cond_wait(&run.changed, &run.mutex);
    int chunk = run.n_begun < run.n_chunks ? run.n_begun++ : -1;
    pthread_mutex_unlock(&run.mutex);
    return chunk;
}

static void *encode_chunks(void *unused)
{
    (void)unused;
    size_t chunk_bytes = (size_t)run.chunk_frames * FRAME * sizeof(uint16_t);
    uint16_t *frames = allocate(chunk_bytes);
    for (int chunk; (chunk = begin_chunk()) >= 0;) {
        /* A stored chunk is always whole. What the last one has too many frames is not part of the dataset. */
        memset(frames, 0, chunk_bytes);
        for (int i = 0; i < run.chunk_frames && chunk * run.chunk_frames + i < run.n_frames; i++)
            take_frame(chunk * run.chunk_frames + i, frames + (size_t)i * FRAME);
        slot_t *slot = &run.slots[chunk % N_SLOTS];
        char error[256];
        int status = h5h264_encode_into(run.cd_values, H5H264_N_CD_VALUES, frames, chunk_bytes, 1, slot->stored,
                                        run.bound, &slot->stored_bytes, error, sizeof error);
        check(status == H5H264_OK, error);
        pthread_mutex_lock(&run.mutex);
        slot->is_full = 1;
        pthread_cond_broadcast(&run.changed);
        pthread_mutex_unlock(&run.mutex);
    }
    free(frames);
    return NULL;
}

/* ---- Writing: all calls of HDF5 are made by one thread ---- */

static hid_t create_dataset(hid_t file)
{
    hsize_t shape[] = {0, HEIGHT, WIDTH}, most[] = {H5S_UNLIMITED, HEIGHT, WIDTH};
    hsize_t chunk[] = {(hsize_t)run.chunk_frames, HEIGHT, WIDTH};
    hid_t space = H5Screate_simple(3, shape, most), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 3, chunk);
    H5Pset_filter(properties, H5H264_FILTER_ID, H5Z_FLAG_MANDATORY, H5H264_N_CD_VALUES, run.cd_values);
    hid_t dataset = H5Dcreate2(file, "frames", H5T_STD_U16LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Pclose(properties);
    H5Sclose(space);
    check(dataset >= 0, "the dataset can't be created");
    return dataset;
}

static void write_chunk(hid_t dataset, int chunk, const slot_t *slot)
{
    hsize_t first = (hsize_t)chunk * (hsize_t)run.chunk_frames, offset[] = {first, 0, 0};
    hsize_t end = first + (hsize_t)run.chunk_frames;
    hsize_t shape[] = {end < (hsize_t)run.n_frames ? end : (hsize_t)run.n_frames, HEIGHT, WIDTH};
    check(H5Dset_extent(dataset, shape) >= 0, "the dataset does not grow");
    check(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset, slot->stored_bytes, slot->stored) >= 0, "a chunk can't be written");
    /* So that readers see it. */
    check(H5Dflush(dataset) >= 0, "a chunk can't be flushed");
}

static size_t write_chunks(hid_t dataset)
{
    size_t n_bytes = 0;
    for (int chunk = 0; chunk < run.n_chunks; chunk++) {
        slot_t *slot = &run.slots[chunk % N_SLOTS];
        pthread_mutex_lock(&run.mutex);
        while (!slot->is_full)
            pthread_cond_wait(&run.changed, &run.mutex);
        pthread_mutex_unlock(&run.mutex);
        write_chunk(dataset, chunk, slot);
        n_bytes += slot->stored_bytes;
        pthread_mutex_lock(&run.mutex);
        slot->is_full = 0;
        run.n_written++;
        pthread_cond_broadcast(&run.changed);
        pthread_mutex_unlock(&run.mutex);
    }
    return n_bytes;
}

static void prepare_run(int n_frames, int chunk_frames)
{
    run.n_frames = n_frames;
    run.chunk_frames = chunk_frames;
    run.n_chunks = (n_frames + chunk_frames - 1) / chunk_frames;
    char error[256];
    int status = h5h264_cd_values((uint64_t)chunk_frames, HEIGHT, WIDTH, 1, H5H264_UINT16, H5H264_ULTRAFAST,
                                  H5H264_LAYOUT_DEFAULT, run.cd_values, error, sizeof error);
    check(status == H5H264_OK, error);
    run.bound = h5h264_encode_bound(run.cd_values, H5H264_N_CD_VALUES, (size_t)chunk_frames * FRAME * sizeof(uint16_t));
    for (int i = 0; i < N_SLOTS; i++)
        run.slots[i].stored = allocate(run.bound);
}

static void acquire(const char *path, int n_threads)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    check(file >= 0, "the file can't be created");
    hid_t dataset = create_dataset(file);
    check(H5Fstart_swmr_write(file) >= 0, "readers can't be let in");

    double start = seconds();
    pthread_t threads[64];
    for (int i = 0; i < n_threads; i++)
        check(pthread_create(&threads[i], NULL, encode_chunks, NULL) == 0, "a thread can't be started");
    size_t stored_bytes = write_chunks(dataset);
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    double time = seconds() - start, n_bytes = (double)run.n_frames * FRAME * sizeof(uint16_t);

    H5Dclose(dataset);
    H5Fclose(file);
    H5Pclose(access);
    printf("%d frames written: %.0f frames/s, %.0f MB/s, ratio %.2f\n", run.n_frames, run.n_frames / time,
           n_bytes / time / 1e6, n_bytes / (double)stored_bytes);
}

/* ---- Reading, in another process ---- */

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* The dataset, as soon as readers are let in. */
static hid_t open_when_there(const char *path)
{
    hid_t dataset = -1;
    for (int i = 0; i < 3000 && dataset < 0; i++) {
        H5E_BEGIN_TRY {
            hid_t file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT);
            dataset = file < 0 ? -1 : H5Dopen2(file, "frames", H5P_DEFAULT);
            /* It stays open as long as the dataset. */
            H5Fclose(file);
        }
        H5E_END_TRY
        if (dataset < 0)
            wait_a_little();
    }
    check(dataset >= 0, "nobody writes the file");
    return dataset;
}

static hsize_t length(hid_t dataset)
{
    hsize_t shape[3];
    check(H5Drefresh(dataset) >= 0, "the dataset can't be read again");
    hid_t space = H5Dget_space(dataset);
    H5Sget_simple_extent_dims(space, shape, NULL);
    H5Sclose(space);
    return shape[0];
}

static void read_frame(hid_t dataset, int t, uint16_t *frame)
{
    hsize_t start[] = {(hsize_t)t, 0, 0}, shape[] = {1, HEIGHT, WIDTH};
    hid_t memory = H5Screate_simple(3, shape, NULL), space = H5Dget_space(dataset);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, shape, NULL);
    check(H5Dread(dataset, H5T_NATIVE_UINT16, memory, space, H5P_DEFAULT, frame) >= 0, "a frame can't be read");
    H5Sclose(space);
    H5Sclose(memory);
}

static void read_frames(const char *path, int n_frames)
{
    uint16_t *frame = allocate(FRAME * sizeof *frame), *expected = allocate(FRAME * sizeof *expected);
    hid_t dataset = open_when_there(path);
    int n_seen_early = 0;
    for (int t = 0; t < n_frames; t++) {
        hsize_t n;
        for (int i = 0; (n = length(dataset)) <= (hsize_t)t; i++) {
            check(i < 3000, "the writer has stopped");
            wait_a_little();
        }
        n_seen_early += n < (hsize_t)n_frames;
        read_frame(dataset, t, frame);
        take_frame(t, expected);
        check(memcmp(frame, expected, FRAME * sizeof *frame) == 0, "a frame is not what the camera gave");
    }
    H5Dclose(dataset);
    free(expected);
    free(frame);
    printf("%d frames read, %d of them before the last was written\n", n_frames, n_seen_early);
}

/* ---- */

static int positive(const char *text)
{
    int number = atoi(text);
    check(number > 0, "expected numbers above 0");
    return number;
}

int main(int argc, char **argv)
{
    const char *usage = "expected write FILE FRAMES FRAMES_PER_CHUNK THREADS [FRAMES.raw], or read FILE FRAMES [FRAMES.raw]";
    int writes = argc > 5 && strcmp(argv[1], "write") == 0, reads = argc > 3 && strcmp(argv[1], "read") == 0;
    check(writes || reads, usage);
    /* HDF5 need not find the plugin. */
    check(H5Zregister(h5h264_filter_class()) >= 0, "the filter can't be registered");
    const char *raw = writes ? argv[6] : argv[4];
    if (raw)
        load_film(raw);
    else
        make_film();
    if (writes) {
        int n_threads = positive(argv[5]);
        check(n_threads <= 64, "expected at most 64 threads");
        prepare_run(positive(argv[3]), positive(argv[4]));
        acquire(argv[2], n_threads);
        for (int i = 0; i < N_SLOTS; i++)
            free(run.slots[i].stored);
    } else {
        read_frames(argv[2], positive(argv[3]));
    }
    free(film);
    return 0;
}
