/* SPDX-License-Identifier: MIT */
/* All flags: our name, the sysctl of Linux that means the same, where it goes and what one is. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"

#define C(field) offsetof(struct gander_config, field)
#define MS ((double)GANDER_MS)
#define S ((double)GANDER_S)
#define HOUR 3600.0

static const struct pd_flag flags[] = {
    /* time-outs */
    {"rto_initial_ms", NULL, PD_FLAG_TIME, false, C(tcp_rto_initial_ns), MS, 1, 3600e3},
    {"rto_min_ms", NULL, PD_FLAG_TIME, false, C(tcp_rto_min_ns), MS, 0.001, 3600e3},
    {"rto_min_us", "tcp_rto_min_us", PD_FLAG_TIME, false, C(tcp_rto_min_ns), 1e3, 1, 3600e6},
    {"rto_max_ms", "tcp_rto_max_ms", PD_FLAG_TIME, false, C(tcp_rto_max_ns), MS, 1, 3600e3},
    {"rto_variance_min_ms", NULL, PD_FLAG_TIME, false, C(tcp_rto_variance_min_ns), MS, 0, 3600e3},
    {"delack_ms", NULL, PD_FLAG_TIME, false, C(tcp_delayed_ack_ns), MS, 0, 499},
    {"peer_delack_ms", NULL, PD_FLAG_TIME, false, C(tcp_peer_delayed_ack_ns), MS, 0, 3600e3},
    {"quickack", NULL, PD_FLAG_U32, false, C(tcp_quickack_segs), 1, 0, 255},
    {"time_wait_ms", NULL, PD_FLAG_TIME, false, C(tcp_msl_ns), MS / 2, 0, 7200e3},
    {"fin_timeout", "tcp_fin_timeout", PD_FLAG_TIME, false, C(tcp_fin_wait2_ns), S, 1e-3, HOUR},
    {"keepalive_time", "tcp_keepalive_time", PD_FLAG_TIME, false, C(tcp_keepalive_idle_ns), S, 1e-3,
     32767},
    {"keepalive_intvl", "tcp_keepalive_intvl", PD_FLAG_TIME, false, C(tcp_keepalive_interval_ns), S,
     1e-3, 32767},
    {"keepalive_probes", "tcp_keepalive_probes", PD_FLAG_U32, false, C(tcp_keepalive_probes), 1, 1,
     127},
    {"user_timeout_ms", NULL, PD_FLAG_TIME, false, C(tcp_user_timeout_ns), MS, 0, 1e9},
    {"challenge_ms", "tcp_invalid_ratelimit", PD_FLAG_TIME, false, C(tcp_challenge_ns), MS, 0,
     3600e3},
    /* retries */
    {"syn_retries", "tcp_syn_retries", PD_FLAG_U32, false, C(tcp_syn_retries), 1, 0, 30},
    {"synack_retries", "tcp_synack_retries", PD_FLAG_U32, false, C(tcp_synack_retries), 1, 0, 30},
    {"retries2", "tcp_retries2", PD_FLAG_U32, false, C(tcp_retries_r2), 1, 0, 200},
    {"orphan_retries", "tcp_orphan_retries", PD_FLAG_U32, false, C(tcp_orphan_retries), 1, 0, 200},
    /* what the SYN offers */
    {"timestamps", "tcp_timestamps", PD_FLAG_BOOL, false, C(tcp_timestamps), 1, 0, 2},
    {"window_scaling", "tcp_window_scaling", PD_FLAG_BOOL, false, C(tcp_window_scaling), 1, 0, 1},
    {"sack", "tcp_sack", PD_FLAG_BOOL, false, C(tcp_sack), 1, 0, 1},
    {"syncookies", "tcp_syncookies", PD_FLAG_BOOL, false, C(tcp_syn_cookies), 1, 0, 2},
    /* loss recovery */
    {"dsack", "tcp_dsack", PD_FLAG_BOOL, false, C(tcp_dsack), 1, 0, 1},
    {"rack", NULL, PD_FLAG_BOOL, false, C(tcp_rack), 1, 0, 1},
    {"tlp", NULL, PD_FLAG_BOOL, false, C(tcp_tlp), 1, 0, 1},
    {"frto", "tcp_frto", PD_FLAG_BOOL, false, C(tcp_frto), 1, 0, 2},
    {"early_retransmit", NULL, PD_FLAG_BOOL, false, C(tcp_early_retransmit), 1, 0, 1},
    {"reordering", "tcp_reordering", PD_FLAG_U32, false, C(tcp_reordering), 1, 1, 300},
    /* windows and buffers */
    {"iw", NULL, PD_FLAG_U32, false, C(tcp_initial_window_segs), 1, 1, 1000},
    {"sndbuf", NULL, PD_FLAG_U32, false, C(tcp_send_buffer_bytes), 1, 2048, 1 << 30},
    {"sndbuf_max", NULL, PD_FLAG_U32, false, C(tcp_send_buffer_max_bytes), 1, 0, 1 << 30},
    {"rcvbuf", NULL, PD_FLAG_U32, false, C(tcp_receive_buffer_bytes), 1, 2048, 1 << 30},
    {"rcvbuf_max", NULL, PD_FLAG_U32, false, C(tcp_receive_buffer_max_bytes), 1, 0, 1 << 30},
    {"notsent_lowat", "tcp_notsent_lowat", PD_FLAG_U32, false, C(tcp_notsent_lowat_bytes), 1, 0,
     4294967295.0},
    {"nagle_relaxed", NULL, PD_FLAG_BOOL, false, C(tcp_nagle_relaxed), 1, 0, 1},
    {"window_updates_rare", NULL, PD_FLAG_BOOL, false, C(tcp_window_updates_rare), 1, 0, 1},
    {"pacing", "tcp_pacing", PD_FLAG_BOOL, false, C(tcp_pacing), 1, 0, 1},
    {"base_mss", "tcp_base_mss", PD_FLAG_U32, false, C(tcp_base_mss), 1, 256, 65000},
    {"user_timeout_option", NULL, PD_FLAG_BOOL, false, C(tcp_user_timeout_option), 1, 0, 1},
    {"slow_start_after_idle", "tcp_slow_start_after_idle", PD_FLAG_BOOL, false,
     C(tcp_slow_start_after_idle), 1, 0, 1},
    /* numbers of connections, memory */
    {"orphans_max", "tcp_max_orphans", PD_FLAG_U32, false, C(tcp_orphans_max), 1, 0, 4294967295.0},
    {"time_wait_max", "tcp_max_tw_buckets", PD_FLAG_U32, false, C(tcp_time_wait_max), 1, 0,
     4294967295.0},
    {"memory", NULL, PD_FLAG_U64, false, C(memory_max_bytes), 1, 512 << 10, 1e12},
    {"mtu", NULL, PD_FLAG_U32, true, offsetof(struct pd_settings, mtu_bytes), 1, 576, 65535},
    /* sysctls that scripts set and that have nothing to decide here */
    {"tcp_no_metrics_save", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_tw_reuse", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_moderate_rcvbuf", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_mem", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_autocorking", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_min_tso_segs", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_tso_win_divisor", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_adv_win_scale", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_retries1", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
    {"tcp_min_rtt_wlen", NULL, PD_FLAG_IGNORED, false, 0, 0, 0, 0},
};

const struct pd_flag *pd_flag_find(const char *key)
{
    static const char *const prefixes[] = {"net.ipv4.", "net.ipv6.", "net.core."};

    for (size_t p = 0; p < 3; p++)
        if (strncmp(key, prefixes[p], strlen(prefixes[p])) == 0)
            key += strlen(prefixes[p]);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(key, flags[i].name) == 0 ||
            (flags[i].sysctl && strcmp(key, flags[i].sysctl) == 0))
            return &flags[i];
    return NULL;
}

static const char *without_prefix(const char *key)
{
    if (strncmp(key, "net.ipv4.", 9) == 0)
        key += 9;
    return strncmp(key, "tcp_", 4) == 0 ? key + 4 : key;
}

/* "4096 131072 6291456": least, at first, at most. The receiver's half is for what the kernel needs beside. */
static void three_sizes(const char *value, bool receive, struct gander_config *config)
{
    unsigned long least = 0, first = 0, most = 0;
    int n = sscanf(value, "%lu %lu %lu", &least, &first, &most);

    if (n < 2)
        first = least;
    if (n < 3)
        most = first;
    if (first < 4096 || first > 1UL << 30 || most > 1UL << 30)
        return;
    if (receive) {
        config->tcp_receive_buffer_bytes = (uint32_t)(first / 2);
        config->tcp_receive_buffer_max_bytes = (uint32_t)most;
    } else { /* the kernel's would have grown by the time a script fills it */
        config->tcp_send_buffer_bytes = (uint32_t)(first > most ? first : most);
        config->tcp_send_buffer_max_bytes = (uint32_t)most;
    }
}

static const char *cc_of(const char *name)
{
    const char *known;

    if (strcmp(name, "reno") == 0)
        name = "newreno";
    for (unsigned i = 0; (known = gander_congestion_control_name(i)); i++)
        if (strcmp(known, name) == 0)
            return known;
    return NULL;
}

bool pd_flag_special(const char *key, char *value, struct gander_config *config)
{
    const char *name = without_prefix(key);

    if (strcmp(name, "cc") == 0 || strcmp(name, "congestion_control") == 0) {
        if (cc_of(value))
            config->tcp_congestion_control = cc_of(value);
        else
            fprintf(stderr, "gander: flag %s=%s: no such congestion control; ignored\n", key,
                    value);
        return true;
    }
    if (strcmp(name, "rmem") == 0 || strcmp(name, "wmem") == 0) {
        three_sizes(value, name[0] == 'r', config);
        return true;
    }
    if (strcmp(name, "early_retrans") == 0) { /* 0: no tail loss probes; 3: with them */
        config->tcp_tlp = atoi(value) >= 3;
        return true;
    }
    if (strcmp(name, "recovery") == 0) { /* bit 0: RACK */
        config->tcp_rack = atoi(value) & 1;
        return true;
    }
    if (strcmp(name, "ecn") == 0) {
        static const enum gander_ecn modes[] = {GANDER_ECN_OFF, GANDER_ECN_ON, GANDER_ECN_ACCEPT,
                                                GANDER_ECN_ACCURATE};

        if (value[0] >= '0' && value[0] <= '3' && !value[1])
            config->tcp_ecn = modes[value[0] - '0'];
        else
            fprintf(stderr, "gander: flag %s=%s: 0 to 3; ignored\n", key, value);
        return true;
    }
    if (strcmp(name, "mtu_probing") == 0) {
        static const enum gander_mtu_probing modes[] = {
            GANDER_MTU_PROBING_OFF, GANDER_MTU_PROBING_BLACK_HOLE, GANDER_MTU_PROBING_ALWAYS};

        config->tcp_mtu_probing = modes[value[0] >= '0' && value[0] <= '2' ? value[0] - '0' : 0];
        return true;
    }
    if (strcmp(name, "fastopen") == 0) {
        config->tcp_fastopen = (uint32_t)strtoul(value, NULL, 0);
        return true;
    }
    if (strcmp(name, "wscale") == 0) { /* the buffer that has this scale */
        int scale = atoi(value);

        config->tcp_window_scaling = scale >= 0;
        if (scale >= 0 && scale <= 14)
            config->tcp_receive_buffer_max_bytes = (uint32_t)(65534UL << scale);
        return true;
    }
    return false;
}
