/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over files instead of searching: `replay [--random N] FILE|DIRECTORY...`. This main() takes the place of
 * libFuzzer's, so that any compiler can build it and every test run replays the kept corpus. AFL++ can drive it with a file
 * too. --random adds N inputs from a generator, the same in each run: few targets need more to be used thoroughly.
 */
#include <dirent.h>

#include "fuzz.h"

static unsigned runs;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    rewind(file);
    data = malloc(size ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
    if (getenv("FUZZ_VERBOSE"))
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    runs++;
}

/* False: it is none. */
static bool run_directory(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);

    if (n < 0)
        return false;
    for (int i = 0; i < n; i++) {
        char file[4096];

        if (names[i]->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
            run_file(file);
        }
        free(names[i]);
    }
    free(names);
    return true;
}

/* SplitMix64 */
static uint64_t random_next(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void run_random(unsigned n)
{
    enum { BYTES_MAX = 1024 };
    uint64_t seed = 1;

    while (n-- > 0) {
        size_t size = 1 + (size_t)(random_next(&seed) % BYTES_MAX);
        uint8_t *data = malloc(size); /* of just this size: a byte read behind it is seen */

        for (size_t i = 0; data && i < size; i++)
            data[i] = (uint8_t)random_next(&seed);
        if (!data)
            exit(2);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
        runs++;
    }
}

int main(int argc, char **argv)
{
    int i = 1;

    if (argc > 2 && strcmp(argv[1], "--random") == 0) {
        run_random((unsigned)strtoul(argv[2], NULL, 10));
        i = 3;
    }
    for (; i < argc; i++) {
        if (!run_directory(argv[i]))
            run_file(argv[i]);
    }
    printf("%u inputs replayed\n", runs);
    return runs > 0 ? 0 : 2; /* a corpus that is missing tests nothing */
}
