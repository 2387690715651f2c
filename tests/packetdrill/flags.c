/* SPDX-License-Identifier: MIT */
/*
 * What a Linux user expects by default, and the flags that change it: key=value pairs with commas between them, by our names or by those of
 * Linux' sysctls (with or without net.ipv4.tcp_). What is not known is said on stderr and ignored.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"

/* Linux 6: net.ipv4.tcp_… as a kernel starts with them. */
void pd_config_linux(struct gander_config *config, struct pd_settings *settings)
{
    gander_config_init(config);
    config->memory_max_bytes = 256 << 20;
    config->tcp_rto_max_ns = 120 * GANDER_S;
    config->tcp_rto_variance_min_ns = 200 * GANDER_MS;
    config->tcp_peer_delayed_ack_ns = 200 * GANDER_MS;
    config->tcp_syn_retries = 6;
    config->tcp_quickack_segs = 16;
    config->tcp_nagle_relaxed = true;
    config->tcp_window_updates_rare = true;
    config->tcp_congestion_control = "cubic";
    config->tcp_ecn = GANDER_ECN_ACCEPT;
    config->tcp_mtu_probing = GANDER_MTU_PROBING_OFF;
    config->tcp_fastopen = GANDER_FASTOPEN_CLIENT;
    config->tcp_receive_buffer_bytes = 65536; /* half of tcp_rmem's 131072 */
    config->tcp_receive_buffer_max_bytes = 6291456;
    config->tcp_send_buffer_bytes = 4 << 20; /* as far as tcp_wmem lets it grow */
    config->tcp_send_buffer_max_bytes = 4 << 20;
    config->icmp_errors_per_second = 1000000; /* no script shall miss a reset */
    *settings = (struct pd_settings){.mtu_bytes = 1500};
}

/* --- the environment ----------------------------------------------------------------------------- */

static void address_set(struct pd_settings *settings, const char *text)
{
    struct gander_address address;

    if (strncmp(text, "::ffff:", 7) == 0 && strchr(text, '.'))
        text += 7;
    if (gander_address_parse(text, &address) != 0)
        fprintf(stderr, "gander: '%s' is no address\n", text);
    else if (address.family == GANDER_IPV4)
        settings->local4 = address;
    else
        settings->local6 = address;
}

/* True: a harness that says more than the plain one. */
bool pd_environment(struct pd_settings *settings)
{
    const char *local = getenv("PD_LOCAL_IP"), *mtu = getenv("PD_MTU");

    if (local)
        address_set(settings, local);
    if (mtu && atoi(mtu) >= 576 && atoi(mtu) <= 65535)
        settings->mtu_bytes = (uint32_t)atoi(mtu);
    return local || mtu || getenv("PD_REMOTE_IP") || getenv("PD_IP_VERSION");
}

/* --- flags ----------------------------------------------------------------------------------------- */

static void complain(const char *key, const char *value, const char *why)
{
    fprintf(stderr, "gander: flag %s=%s: %s; ignored\n", key, value, why);
}

/* A number with an optional unit that only says what the key means anyway. */
static bool number_of(const char *text, double *value)
{
    char *end;

    if (strcmp(text, "true") == 0 || strcmp(text, "on") == 0 || strcmp(text, "yes") == 0)
        return *value = 1, true;
    if (strcmp(text, "false") == 0 || strcmp(text, "off") == 0 || strcmp(text, "no") == 0)
        return *value = 0, true;
    *value = strtod(text, &end);
    while (isspace((unsigned char)*end))
        end++;
    return end != text && *end == '\0';
}

static void number_store(void *at, const struct pd_flag *flag, double value)
{
    value *= flag->unit;
    switch (flag->type) {
    case PD_FLAG_TIME:
        *(gander_time *)at = (gander_time)value;
        break;
    case PD_FLAG_BOOL:
        *(bool *)at = value != 0;
        break;
    case PD_FLAG_U64:
        *(uint64_t *)at = (uint64_t)value;
        break;
    default:
        *(uint32_t *)at = (uint32_t)value;
        break;
    }
}

/* "00112233-44556677-8899aabb-ccddeeff", without "-" too; two of them with ':' between. */
static bool key_read(const char *text, struct pd_settings *settings)
{
    size_t digits = 0;
    uint8_t keys[32] = {0};

    for (; *text; text++) {
        const char *hex = "0123456789abcdef", *at = strchr(hex, tolower((unsigned char)*text));

        if (*text == '-' || *text == ':')
            continue;
        if (!at || digits == 2 * sizeof(keys))
            return false;
        keys[digits / 2] = (uint8_t)(keys[digits / 2] << 4 | (at - hex));
        digits++;
    }
    if (digits != 32 && digits != 64)
        return false;
    memcpy(settings->fastopen_keys, keys, sizeof(keys));
    settings->fastopen_key_bytes = (unsigned)digits / 2;
    return true;
}

static void flag_apply(char *key, char *value, struct gander_config *config,
                       struct pd_settings *settings)
{
    const struct pd_flag *flag = pd_flag_find(key);
    uint8_t *base = flag && flag->of_settings ? (void *)settings : (void *)config;
    double number = 0;

    if (strcmp(key, "local_ip") == 0) {
        address_set(settings, value);
    } else if (strcmp(key, "fastopen_key") == 0 || strcmp(key, "net.ipv4.tcp_fastopen_key") == 0) {
        if (!key_read(value, settings))
            complain(key, value, "no key of 32 hexadecimal digits");
    } else if (pd_flag_special(key, value, config)) {
        return;
    } else if (!flag) {
        complain(key, value, "unknown");
    } else if (flag->type == PD_FLAG_IGNORED) {
        return;
    } else if (!number_of(value, &number) || number < flag->low || number > flag->high) {
        complain(key, value, "no number that it may have");
    } else {
        number_store(base + flag->offset, flag, number);
    }
}

static char *trimmed(char *text)
{
    char *end = text + strlen(text);

    while (isspace((unsigned char)*text))
        text++;
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

void pd_flags_parse(const char *flags, struct gander_config *config, struct pd_settings *settings)
{
    char *copy = flags ? strdup(flags) : NULL, *rest = copy, *pair;

    while (copy && (pair = strsep(&rest, ",;"))) {
        char *value = strchr(pair, '=');

        if (!value && *trimmed(pair) == '\0')
            continue;
        if (value)
            *value++ = '\0';
        flag_apply(trimmed(pair), value ? trimmed(value) : "1", config, settings);
    }
    free(copy);
}
