/* SPDX-License-Identifier: MIT */
/* An example in async C as weftcc makes it, for test_examples.c, which looks at its frames. */
#include <weft.h>
#include <weft/async.h>

async int inbox_made(void);
#define main inbox_made
#include "../examples/add_to_inbox.c" /* NOLINT(bugprone-suspicious-include) */

extern async int (*const made_add_to_inbox)(uint64_t email_id, uint64_t recipient_id);
async int (*const made_add_to_inbox)(uint64_t email_id, uint64_t recipient_id) = add_to_inbox;
