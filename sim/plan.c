/* SPDX-License-Identifier: MIT */
/* Plans as text: one item a line, as "name value=number …", '#' begins a comment. Knobs and options go by name. */
#include "sim/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/knobs.h"

enum { LINE_BYTES = 512 };

static const struct {
    const char *name;
    enum sim_item_group group;
    const char *values[SIM_ITEM_VALUES + 1];
} kinds[] = {
#define SIM_ITEM_ROW(name, group, ...) {#name, SIM_##group, {__VA_ARGS__, NULL}},
    SIM_ITEM_KINDS(SIM_ITEM_ROW)
#undef SIM_ITEM_ROW
};

enum sim_item_group sim_item_group(const struct sim_item *item)
{
    return kinds[item->kind].group;
}

const char *sim_item_name(const struct sim_item *item)
{
    return kinds[item->kind].name;
}

const char *sim_item_value_name(const struct sim_item *item, unsigned i)
{
    return i < SIM_ITEM_VALUES ? kinds[item->kind].values[i] : NULL;
}

int64_t sim_item_simplest(const struct sim_item *item, unsigned i)
{
    const char *name = sim_item_value_name(item, i);

    if (strcmp(name, "family") == 0)
        return GANDER_IPV4;
    if (strcmp(name, "mtu") == 0)
        return 1500;
    if (strcmp(name, "delay_us") == 0)
        return 10000;
    /* Another number here is another thing, not a simpler one. */
    if (strcmp(name, "id") == 0 || strcmp(name, "knob") == 0 || strcmp(name, "option") == 0 ||
        strcmp(name, "flow") == 0 || strcmp(name, "host") == 0 || strcmp(name, "link") == 0 ||
        strcmp(name, "a") == 0 || strcmp(name, "b") == 0)
        return item->v[i];
    return 0;
}

static const struct sim_knob *named_value(const struct sim_item *item, unsigned i)
{
    if (item->kind == SIM_ITEM_knob && i == SIM_KNOB_KNOB)
        return sim_knob_at(item->v[i]);
    if (item->kind == SIM_ITEM_option && i == SIM_OPTION_OPTION)
        return sim_option_at(item->v[i]);
    return NULL;
}

void sim_item_print(const struct sim_item *item, FILE *file)
{
    fprintf(file, "%s", sim_item_name(item));
    for (unsigned i = 0; sim_item_value_name(item, i); i++) {
        const struct sim_knob *knob = named_value(item, i);

        if (knob)
            fprintf(file, " %s=%s", sim_item_value_name(item, i), knob->name);
        else if (item->v[i] != 0 || i == 0)
            fprintf(file, " %s=%" PRId64, sim_item_value_name(item, i), item->v[i]);
    }
    fprintf(file, "\n");
}

void sim_plan_print(const struct sim_plan *plan, FILE *file)
{
    fprintf(file, "# A schedule of gander's simulation; replay it: gander sim --schedule FILE\n");
    fprintf(file, "seed %" PRIu64 "\n", plan->seed);
    for (unsigned i = 0; i < plan->count; i++)
        sim_item_print(&plan->items[i], file);
}

/* --- reading --------------------------------------------------------------------------------------- */

static bool read_named(struct sim_item *item, unsigned i, const char *text)
{
    const struct sim_knob *knob;
    bool is_knob = item->kind == SIM_ITEM_knob && i == SIM_KNOB_KNOB;
    bool is_option = item->kind == SIM_ITEM_option && i == SIM_OPTION_OPTION;

    for (int64_t k = 0; is_knob || is_option; k++) {
        knob = is_knob ? sim_knob_at(k) : sim_option_at(k);
        if (!knob)
            return false;
        if (strcmp(knob->name, text) == 0) {
            item->v[i] = k;
            return true;
        }
    }
    return false;
}

static bool read_value(struct sim_item *item, const char *word)
{
    const char *equals = strchr(word, '=');
    char *rest;

    if (!equals)
        return false;
    for (unsigned i = 0; sim_item_value_name(item, i); i++) {
        const char *name = sim_item_value_name(item, i);

        if (strlen(name) != (size_t)(equals - word) || strncmp(name, word, strlen(name)) != 0)
            continue;
        if (read_named(item, i, equals + 1))
            return true;
        item->v[i] = strtoll(equals + 1, &rest, 10);
        return rest != equals + 1 && *rest == '\0';
    }
    return false;
}

static bool read_item(struct sim_plan *plan, const char *name, char **save)
{
    struct sim_item item = {.kind = SIM_ITEM_KIND_COUNT};
    char *word;

    for (unsigned i = 0; i < SIM_ITEM_KIND_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0)
            item.kind = (uint8_t)i;
    if (item.kind == SIM_ITEM_KIND_COUNT || plan->count == SIM_ITEMS_MAX)
        return false;
    while ((word = strtok_r(NULL, " \t", save)) != NULL)
        if (!read_value(&item, word))
            return false;
    plan->items[plan->count++] = item;
    return true;
}

static bool read_seed(struct sim_plan *plan, char **save)
{
    char *word = strtok_r(NULL, " \t", save), *rest;

    if (!word)
        return false;
    plan->seed = strtoull(word, &rest, 10);
    return rest != word && *rest == '\0';
}

bool sim_plan_read(struct sim_plan *plan, FILE *file, char *wrong, size_t wrong_bytes)
{
    char line[LINE_BYTES], *save, *word;
    unsigned number = 0;

    memset(plan, 0, sizeof(*plan));
    while (fgets(line, sizeof(line), file)) {
        number++;
        line[strcspn(line, "#\r\n")] = '\0';
        word = strtok_r(line, " \t", &save);
        if (!word)
            continue;
        if (strcmp(word, "seed") == 0 ? read_seed(plan, &save) : read_item(plan, word, &save))
            continue;
        (void)snprintf(wrong, wrong_bytes,
                       "line %u: no such item or value; one line is \"loss at_us=200 for_us=50 "
                       "link=0 end=2 amount=300000\"",
                       number);
        return false;
    }
    if (sim_plan_hosts(plan) == 0)
        (void)snprintf(wrong, wrong_bytes, "no link: nobody can talk");
    return sim_plan_hosts(plan) > 0;
}

unsigned sim_plan_hosts(const struct sim_plan *plan)
{
    int64_t most = -1;

    for (unsigned i = 0; i < plan->count; i++) {
        const struct sim_item *item = &plan->items[i];

        if (item->kind != SIM_ITEM_link)
            continue;
        for (unsigned end = SIM_LINK_A; end <= SIM_LINK_B; end++) {
            if (item->v[end] < 0 || item->v[end] >= SIM_HOSTS_MAX)
                return 0;
            most = item->v[end] > most ? item->v[end] : most;
        }
    }
    return (unsigned)(most + 1);
}
