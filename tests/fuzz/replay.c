/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over files instead of searching: `replay FILE|DIRECTORY...`. This main() takes the place of libFuzzer's,
 * so that any compiler can build it and every test run replays the kept corpus. AFL++ can drive it with a file too.
 */
#include <dirent.h>
#include <sys/stat.h>

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

static void run_directory(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);

    if (n < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    for (int i = 0; i < n; i++) {
        char file[4096];

        if (names[i]->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
            run_file(file);
        }
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    struct stat status;

    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
            run_directory(argv[i]);
        else
            run_file(argv[i]);
    }
    printf("%u inputs replayed\n", runs);
    return runs > 0 ? 0 : 2; /* a corpus that is missing tests nothing */
}
