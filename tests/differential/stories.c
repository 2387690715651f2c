/* SPDX-License-Identifier: MIT */
/* Reads stories: see scripts.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential/scripts.h"

static void fail(const char *path, unsigned line, const char *text, const char *what)
{
    fprintf(stderr, "%s:%u: %s: %s\n", path, line, text, what);
    exit(2);
}

static struct script *find(const struct script *parts, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parts[i].name, name) == 0)
            return (struct script *)(size_t)&parts[i];
    }
    return NULL;
}

static void add_line(struct scripts *all, const char *path, unsigned number, const char *line)
{
    struct script *story = all->count ? &all->list[all->count - 1] : NULL, *used;

    if (strncmp(line, "story ", 6) == 0) {
        story = scripts_add(all, GANDER_IPV4);
        snprintf(story->name, sizeof(story->name), "%s", line + 6);
        return;
    }
    if (!story)
        fail(path, number, line, "a step before the first story");
    if (strncmp(line, "use ", 4) == 0) {
        used = find(all->list, all->count - 1, line + 4);
        if (!used)
            fail(path, number, line, "no such story above");
        for (unsigned i = 0; i < used->count; i++)
            script_step(story, used->steps[i]);
        return;
    }
    script_step(story, script_text(all, line));
}

void scripts_stories(struct scripts *s, const char *path)
{
    struct scripts stories = {.texts = s->texts};
    FILE *f = fopen(path, "r");
    char line[256];
    unsigned number = 0;

    if (!f) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof(line), f)) {
        char *text = line + strspn(line, " \t");

        number++;
        text[strcspn(text, "#\n")] = 0;
        for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
            text[n - 1] = 0;
        if (*text)
            add_line(&stories, path, number, text);
    }
    fclose(f);
    s->texts = stories.texts;
    for (size_t i = 0; i < stories.count; i++) {
        if (stories.list[i].name[0] == '(')
            continue;
        for (unsigned family = GANDER_IPV4; family <= GANDER_IPV6; family += 2) {
            struct script *script = scripts_add(s, family);

            *script = stories.list[i];
            script->family = family;
            snprintf(script->name, sizeof(script->name), "%u story %.80s", family,
                     stories.list[i].name);
        }
    }
    free(stories.list);
}
