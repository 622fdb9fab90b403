/* SPDX-License-Identifier: MIT */
/* weftcc: a C compiler that knows async functions. See docs/compiling.md. */
#include "compiler/driver.h"

int main(int argc, char **argv)
{
	(void)argc;
	return driver_main(argv);
}
