/* SPDX-License-Identifier: MIT */
/* The allocator that the bench gives to its stacks: counts what they hold, and asks for huge pages. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "stack_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLAB_BYTES = 32768, MAPPING_BYTES = 32 << 20, HUGE_BYTES = 2 << 20 };

/* Sits in the first slab of its mapping. */
struct mapping {
    struct mapping *next;
    size_t bytes;
};

static void *map(size_t bytes)
{
    uint8_t *memory = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before;

    if (memory == MAP_FAILED)
        return NULL;
    before = HUGE_BYTES - ((uintptr_t)memory & (HUGE_BYTES - 1));
    munmap(memory, before); /* never 0: at most a huge page too much */
    if (before < HUGE_BYTES)
        munmap(memory + before + bytes, HUGE_BYTES - before);
    madvise(memory + before, bytes, MADV_HUGEPAGE);
    return memory + before;
}

/* Cuts a new mapping into slabs; the first keeps the list of mappings. */
static bool slabs_refill(struct bench_memory *memory)
{
    uint8_t *base = map(MAPPING_BYTES);
    struct mapping *mapping = (struct mapping *)(void *)base;

    if (!base)
        return false;
    *mapping = (struct mapping){.next = memory->mappings, .bytes = MAPPING_BYTES};
    memory->mappings = mapping;
    for (size_t at = MAPPING_BYTES - SLAB_BYTES; at > 0; at -= SLAB_BYTES) {
        memcpy(base + at, &memory->free_slabs, sizeof(void *));
        memory->free_slabs = base + at;
    }
    return true;
}

static void *hook_alloc(void *context, size_t size, size_t align)
{
    struct bench_memory *memory = context;
    void *piece = NULL;

    if (size == SLAB_BYTES) {
        if (!memory->free_slabs && !slabs_refill(memory))
            return NULL;
        piece = memory->free_slabs;
        memcpy(&memory->free_slabs, piece, sizeof(void *));
    } else if (size >= HUGE_BYTES) {
        piece = map((size + HUGE_BYTES - 1) & ~(size_t)(HUGE_BYTES - 1));
    } else {
        if (align < sizeof(void *))
            align = sizeof(void *);
        if (posix_memalign(&piece, align, size))
            piece = NULL;
    }
    if (piece)
        memory->held_bytes += size;
    return piece;
}

static void hook_free(void *context, void *piece, size_t size)
{
    struct bench_memory *memory = context;

    memory->held_bytes -= size;
    if (size == SLAB_BYTES) {
        memcpy(piece, &memory->free_slabs, sizeof(void *));
        memory->free_slabs = piece;
    } else if (size >= HUGE_BYTES) {
        munmap(piece, (size + HUGE_BYTES - 1) & ~(size_t)(HUGE_BYTES - 1));
    } else {
        free(piece);
    }
}

struct gander_memory bench_memory_hooks(struct bench_memory *memory)
{
    *memory = (struct bench_memory){0};
    return (struct gander_memory){.alloc = hook_alloc, .free = hook_free, .context = memory};
}

void bench_memory_end(struct bench_memory *memory)
{
    while (memory->mappings) {
        struct mapping *mapping = memory->mappings;

        memory->mappings = mapping->next;
        munmap(mapping, mapping->bytes);
    }
    memory->free_slabs = NULL;
}
