/* The frames that the test programs write and expect: a drifting gradient with two noisy bits. */
#ifndef FRAMES_H
#define FRAMES_H

#include <hdf5.h>
#include <stdint.h>

/* Below 256, so that every numeric type holds it. */
static inline int32_t sample_at(hsize_t t, hsize_t y, hsize_t x)
{
    uint32_t noise = (uint32_t)(t * 73856093u ^ y * 19349663u ^ x * 83492791u) * 2654435761u;
    return (int32_t)((x + 2 * y + 3 * t) / 4 % 200 + (noise >> 30));
}

static inline void fill_frames(int32_t *samples, const hsize_t shape[3])
{
    for (hsize_t t = 0; t < shape[0]; t++)
        for (hsize_t y = 0; y < shape[1]; y++)
            for (hsize_t x = 0; x < shape[2]; x++)
                *samples++ = sample_at(t, y, x);
}

#endif
