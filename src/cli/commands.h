/* SPDX-License-Identifier: MIT */
/*
 * cli/commands.h: the subcommands of weft, one file each.
 *
 * Each takes the words after its own name and returns the exit status, or STATUS_USAGE if it has not
 * understood them.
 */
#ifndef WEFT_CLI_COMMANDS_H
#define WEFT_CLI_COMMANDS_H

#include "compiler/words.h"

enum { STATUS_USAGE = -1 };

int command_run(char *const *argv);
int command_expand(char *const *argv);

/* weftcc, which is beside weft, with the options that come before the file; *argv then points at the
 * file. STATUS_USAGE if there is none. */
int weftcc_begin(struct words *weftcc, char *const **argv);

#endif
