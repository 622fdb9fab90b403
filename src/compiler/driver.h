/* SPDX-License-Identifier: MIT */
/*
 * compiler/driver.h: weftcc, the command.
 */
#ifndef WEFT_COMPILER_DRIVER_H
#define WEFT_COMPILER_DRIVER_H

/* What main does: the exit status. */
int driver_main(char *const *argv);

#endif
