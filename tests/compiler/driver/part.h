/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async const char *part_name(int which);
int plain_part(void);
