/* SPDX-License-Identifier: MIT */
/* Examples in async C as weftcc makes them, for tests that look at their frames or play with them. */
#include <weft.h>
#include <weft/async.h>

async int inbox_made(void);
#define main inbox_made
#include "../examples/add_to_inbox.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

async int echo_made(int argc, char **argv);
#define main echo_made
#include "../examples/echo.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

extern async int (*const made_add_to_inbox)(uint64_t email_id, uint64_t recipient_id);
async int (*const made_add_to_inbox)(uint64_t email_id, uint64_t recipient_id) = add_to_inbox;

extern async int (*const made_serve)(struct weft_tcp conn, int64_t idle_ns);
async int (*const made_serve)(struct weft_tcp conn, int64_t idle_ns) = serve;
